// Package cause says why things differ: it gives the reasons and ranges of a
// difference tree their causes, by rules that are tried in order.
//
// A cause is proved only when undoing exactly that on both sides makes the
// bytes equal, which is done and hashed; a fingerprint that fits makes it
// likely. Bytes that no proved cause covers stay unexplained. The package never
// turns a difference into sameness, and it reads nothing but the tree's own
// content.
package cause
