// Package list is the one list of the workbench: chain, trees, differences,
// hex rows, logs and menus are all shown through it. It asks its rows for the
// lines of the window only, so its cost does not depend on how many there are.
//
// It does not know what a row is, reads nothing, and runs no command.
package list
