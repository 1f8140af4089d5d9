// Package image opens a container image wherever it is (registry, OCI layout,
// docker save archive, store) and reads it lazily, hashing every byte it gives.
//
// It does not write images, run anything from them or judge a digest.
package image
