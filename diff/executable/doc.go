// Package executable compares programs: ELF, deeply; PE, WebAssembly and Java
// classes by their parts. It says in words what differs in headers and tables,
// and shows machine code as instructions around what changed: what was put in,
// what was changed, and what only moved.
//
// Functions are paired by name, by the program's own tables, by their code without
// addresses, and by likeness; their instructions are then aligned. An operand that
// differs is explained only when what it points to is the same on both sides: the
// same import, the same symbol with the same content, the same place of parts that
// are aligned, or the same bytes, as far as they are known to reach, to which no
// other code refers otherwise. How far data without a name reaches is taken from the
// instruction, from the end of a text, from a length beside its address, or from
// the next place that something refers to; the last two are what compilers do, and
// no proof. Every other difference stays unexplained, and is a suspicion. The
// package does not run, link or recover anything, does not follow what a program
// computes, and does not judge whether a change is harmful.
package executable
