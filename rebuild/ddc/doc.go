// Package ddc checks by diverse double-compiling whether a compiler's binary is
// what its source says (David A. Wheeler, "Fully Countering Trusting Trust
// through Diverse Double-Compiling", 2009).
//
// Two compilers, the suspect and one that is trusted, compile the suspect's
// source; what comes out compiles it again. If the suspect's binary does what
// its source says, and nothing else, the two results are the same bytes, however
// different the compilers are. A compiler that puts something into what it
// compiles cannot reach the other side.
//
// The answer is about bytes and is worth what the trusted compiler is: that the
// two do not carry the same infection. It does not read the source, whose own
// sins both sides would have, and it does not choose the trusted compiler.
package ddc
