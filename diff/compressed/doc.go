// Package compressed opens compressed streams inside files for a comparison,
// and names the encoder whose output they are when one of the known encoders
// gives exactly these bytes.
//
// Known are, of gzip, Go's encoder, klauspost's and pgzip in the versions from
// v1.11.0 to v1.20.4, zlib and GNU gzip; of xz, liblzma's presets in one block or in
// the blocks of several threads; of bzip2, libbzip2; of lz4, the C library's levels
// up to 9 and pierrec's; of zstd, klauspost's alone: levels 1 to 3 of its releases
// since 1.11, level 4 of those since 1.16.5.
//
// It does not guess an encoder from a header, and what no known encoder gives
// stays unexplained.
package compressed
