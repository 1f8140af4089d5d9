// Package xz writes xz streams byte for byte as liblzma (XZ Utils 5.0 to 5.8)
// does at its presets, for the question whether a stream follows from its
// content.
//
// It makes the library's choices in all that the format leaves open: which
// matches are found and weighed, where chunks end, and where blocks do when
// several threads compress. It is no general compressor; use it to compare.
package xz
