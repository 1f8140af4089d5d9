// Package stagex loads a StageX tree into a chain: packages, recipes, sources,
// edges, build arguments, exporter settings and published digests, by the rules
// of the release that the tree itself shows.
//
// It reads what is written and reports what the tree's own scripts would crash
// on or drop in silence. It does not fetch, build or judge anything.
package stagex
