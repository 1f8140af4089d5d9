// Package engine runs recipes with BuildKit: in a process of its own that this
// binary starts, or at any BuildKit address.
//
// Both go through one code path. Nothing is taken from a network: images come
// from OCI layouts by digest, sources from the context; what a recipe would
// fetch by itself is refused, with the line that asks for it. The package does
// not judge what a build gave; package rebuild does.
package engine
