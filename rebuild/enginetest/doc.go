// Package enginetest is an engine for tests: it makes small images in code, the
// same for the same recipe and inputs, and misbehaves when told to.
//
// It runs nothing, needs no privilege, and does not read a Containerfile.
package enginetest
