// Package sandbox runs one process of a build in namespaces of its own, in
// pure Go, as BuildKit's executor. What a step can see of it equals what the
// stock runc executor shows, and where it cannot, the difference is documented
// at the place.
//
// It starts three processes, all of them this binary: the shim owns the root
// file system's mounts in a private mount namespace, so that nothing is ever
// mounted on the host; init is PID 1 of the step's namespaces and becomes the
// step. No step has a network with a way out. The package does not build
// images; package engine does.
package sandbox
