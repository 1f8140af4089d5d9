// Package executable compares programs: ELF, deeply; PE, WebAssembly and Java
// classes by their parts. It says in words what differs in headers and tables,
// and shows machine code as instructions around what changed: what was put in,
// what was changed, and what only moved.
//
// Code is aligned by instruction, with addresses in operands taken out. An
// operand that differs is said to have moved only when what it points to in A is
// aligned with what it points to in B; every other difference stays unexplained,
// and is a suspicion. The package does not run, link or recover anything, does
// not follow what a program computes, and does not judge whether a change is
// harmful.
package executable
