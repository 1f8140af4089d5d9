// Package seedling is the chain that is in the binary: from a seed of 251
// bytes, written by hand, to a C compiler that compiles itself, and packages
// built with it. All of its sources are in tree, in the layout of a StageX
// checkout; README.md walks the reader through them.
//
// It holds sources and the digests they lead to. It does not build them
// (package rebuild does).
package seedling
