// Package claim is who says what a stage's digest is, and whether it holds:
// claims of every kind in one table, the parties that make them, the policy
// that they are held to, and the verdict per stage.
//
// It judges values that are handed to it. It opens no connection, reads no
// registry and no PGP key, and does not derive a digest from bytes.
package claim
