// Package tui is the workbench: the screens through which a person walks a
// chain, rebuilds stages and compares what came out.
//
// It loads no tree, builds nothing and compares nothing itself; all that is
// handed to it in a Config. Nothing in it reads or writes while a key is
// handled or a frame is drawn.
package tui
