//go:build !unix

package rebuild

func freeBytes(string) int64 { return -1 }
