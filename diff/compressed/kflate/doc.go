// Package kflate writes deflate (RFC 1951) and gzip as klauspost/compress and
// klauspost/pgzip do, bit for bit, in the versions that tools were released with.
// Skopeo, podman, buildah and umoci write layers with them, and only the same
// choices give the same bytes: a library that is linked knows its own version's.
//
// Estimates are made as on amd64. Versions before v1.20.1 may round some of them
// otherwise on machines that fuse multiplications with additions, arm64 among
// them; what those wrote is then not recognised.
//
// It is for comparing: it is not fast, and it does not read deflate.
package kflate
