// Package sandbox runs one process of a build in namespaces of its own, in
// pure Go, as BuildKit's executor. What a step can see of it equals what the
// stock runc executor shows, and where it cannot, the difference is documented
// at the place.
//
// Each step is one process of this binary that becomes the step: init, PID 1 of
// the step's namespaces. The root file system is mounted by the process that
// calls Run, which must be in a mount namespace of its own, so that nothing is
// ever mounted on the host, and PID 1 of a PID namespace of its own, so that no
// step outlives it, however it ends. No step has a network with a way out. The
// package does not build images; package engine does.
package sandbox
