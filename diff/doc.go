// Package diff compares images, archives, directories and files, and yields a
// tree that says where they part, what differs, and which bytes nothing
// explains.
//
// It never says "same" of what it did not read: the zero Status is NotChecked,
// and a node is Same only when all that is below it was read and is equal.
// It does not decide what a difference means for a stage; package rebuild and
// package claim do.
package diff
