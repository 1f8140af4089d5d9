// Package lz4 writes lz4 frames byte for byte as the C library (1.8 to 1.10) does
// at its levels 1 to 9, with blocks that do not refer to each other, for the
// question whether a frame follows from its content.
//
// The levels from 10 on and linked blocks, whose bytes depend on how a program
// hands its input over, are not written; nor is level 2 of 1.10, which searches
// otherwise than those before.
package lz4
