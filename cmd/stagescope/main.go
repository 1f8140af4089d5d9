// Command stagescope is a workbench for bootstrap chains of container images:
// it walks a chain from its seed, rebuilds stages bit for bit, and shows where
// and why two images differ.
//
// Without a verb it opens the workbench. Every verb that prints has --json.
//
// Exit codes: 0 when something was established and it is good (same,
// reproduced); 1 when a difference or mismatch is proven; 2 when nothing was
// proven, with one line on standard error that says what is wrong and what to
// do. Output that is no terminal holds no escape sequence.
package main

import (
	"os"

	"github.com/stagescope/stagescope/rebuild/engine"
)

func main() {
	engine.Init() // does not return in the engine's own processes
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
