// Package policy reads policy.toml: what has to be agreed, by how many, before a
// stage counts as reproduced.
//
// It judges nothing. It says of a policy whether the parties at hand could ever
// meet it.
package policy
