// Package lz4 writes lz4 frames byte for byte as the C library (1.8 to 1.10) does
// at its fast level, with blocks that do not refer to each other, for the
// question whether a frame follows from its content.
//
// Levels from 3 on, which search in chains, and linked blocks, whose bytes depend
// on how a program hands its input over, are not written.
package lz4
