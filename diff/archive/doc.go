// Package archive opens archives and packages inside files for a comparison: ar
// and deb, cpio, rpm, zip, and kernel modules with a signature at their end.
//
// It does not extract anything, and names in archives are never used as paths.
package archive
