// Package history looks digests up in the releases of a tree's git repository:
// which release published it, for which stage, and what came after.
//
// It reads tags, trees and the files of published digests, of a checkout, a
// linked worktree or a bare repository, packed or not, and never runs git. It
// verifies no signature of a tag, and builds nothing: that a release published a
// digest says nothing of whether it is right.
package history
