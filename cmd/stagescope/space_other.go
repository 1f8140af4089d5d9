//go:build !unix || netbsd || openbsd || solaris || illumos

package main

// freeSpace is not known here.
func freeSpace(string) int64 { return -1 }
