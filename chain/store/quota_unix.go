//go:build unix

package store

import "syscall"

// errQuota is the error of a used-up quota.
const errQuota = syscall.EDQUOT
