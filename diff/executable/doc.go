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
// other code or data refers otherwise. What can be written to has to have moved as
// its neighbours did, too: one instruction alone does not say which variable is
// which. How far data without a name reaches is taken from the instruction, from the
// length that Go keeps beside a text, or from the next place that something refers
// to; the last is what compilers do, and no proof. Where an address is made by two
// instructions, the registers are followed through a function, as far as all ways to
// an instruction agree; a half of an address of which nobody knows the rest explains
// nothing. In programs that are not moved when
// they are loaded, numbers in code may be addresses by their value alone: they are
// counted. Go's table of functions and DWARF are taken apart in the same way: the
// records of both sides are paired by what they say, and what they refer to is held
// to be the same. A record that has no pair, or that says something else, stays
// unexplained and is named; a compressed section follows from its content when one
// known encoder makes exactly its bytes. Every other difference stays unexplained, and is a suspicion; and so is
// what is equal on both sides and leads to something else, because that moved. The
// package does not run, link or recover anything, does not follow what a program
// computes, and does not judge whether a change is harmful.
package executable
