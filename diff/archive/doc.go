// Package archive opens archives inside files for a comparison: ar and zip.
//
// It does not extract anything, and names in archives are never used as paths.
package archive
