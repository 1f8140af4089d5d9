// Package bzip2 writes bzip2 streams byte for byte as libbzip2 1.0.3 and later
// do, for the question whether a stream follows from its content.
//
// It makes the same choices as the C library in everything that the format
// leaves open: where blocks end, which of several equal rotations is the first,
// how symbols are shared out among the code tables and how long their codes are.
// It is no general compressor; use it to compare.
package bzip2
