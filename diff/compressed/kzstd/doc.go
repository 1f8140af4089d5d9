// Package kzstd writes zstd frames (RFC 8878) byte for byte as the streaming
// encoder of klauspost/compress/zstd did in its releases, of which nearly every
// zstd layer of an image comes, for the question whether a stream follows from
// its content.
//
// The library's choices changed in few places from release to release: how long a
// block is, how eagerly matches are sought, what counts as not compressible, which
// table codes a block's sequences. An [Era] is a run of releases that chose alike;
// the library itself, as far as one program links it, is one era only.
//
// The levels are as the library counts them: fastest, default, better, and of the
// eras since 1.16.5 best.
// Neither the number of processors nor the setting for less memory changes bytes.
// Huffman coding, in which no release differs, is the library's.
package kzstd
