//go:build !linux

package sandbox

// Init does nothing: there are no namespaces to be re-executed in.
func Init() {}
