// Package source gets the pinned files that a stage is built from: out of the
// store, the tree, local directories or their mirrors, and verifies each
// against its pin before anyone sees it.
//
// It does not unpack or build anything, and does not choose what to trust: the
// pin does.
package source
