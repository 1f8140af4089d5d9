// Package containerfile reads a recipe with BuildKit's own parser and tells
// what it takes from elsewhere and which steps it runs, so that nothing hides
// behind a flag, a variable or a mount.
//
// It does not build, resolve images or judge what it finds.
package containerfile
