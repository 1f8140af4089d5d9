// Package diff compares images, archives, directories and files, and yields a
// tree that says where they part, what differs, and which bytes nothing
// explains.
//
// It never says "same" of what it did not read: the zero Status is NotChecked,
// and a node is Same only when all that is below it was read and is equal.
// It does not decide what a difference means for a stage; package rebuild does.
//
// To add a format, write one file that registers a Format from its init
// function, in a package that package formats imports. Its Compare takes both
// sides apart: into ranges (Examiner.Parts), into members (Examiner.Streams), or
// into something decoded (Examiner.Keep and Examiner.Pair). Each of the three
// accounts for every byte. What is not of the format is refused with ErrFormat,
// and whatever the input says of sizes, counts and depths is bounded.
package diff
