//go:build !unix

package store

import "syscall"

// errQuota is the error of a used-up quota; here it has no errno of its own.
const errQuota = syscall.ENOSPC
