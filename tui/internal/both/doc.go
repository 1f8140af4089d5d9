// Package both prepares the bytes of a compared pair for the eye: as one text
// with what only one side has, or as pairs of hex rows.
//
// It decides nothing about what a difference means; package diff does.
package both
