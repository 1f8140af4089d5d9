// Package zlib writes deflate (RFC 1951) as the C libraries do, bit for bit: zlib
// 1.2 and 1.3 with its usual settings, and GNU gzip. Most of what is compressed in
// the world was made by one of the two, and only the same choices give the same
// bytes.
//
// It is for comparing: it is not fast, and it does not read deflate.
package zlib
