/*
 * cc - the chain's C compiler.
 *
 *     cc [-D NAME]... [-I DIRECTORY]... -o OUTPUT INPUT.c
 *
 * compiles one C file, with all that it includes, to a program for Linux on
 * x86-64. README.md says which part of C it knows. It reads the text once and
 * writes machine code as it goes; what is not known yet (the place of a later
 * function, the end of a loop) is filled in when it is.
 *
 * The files below must also be understood by cc0, which knows less: no structs, no
 * for, no ++, only indexed pointers, no initialised globals, constants below
 * 2^31, syscall with exactly four arguments, one scope per function. Hence the
 * parallel arrays in place of structs.
 */

#include "limit.c"
#include "message.c"
#include "symbol.c"
#include "source.c"
#include "word.c"
#include "type.c"
#include "code.c"
#include "value.c"
#include "operator.c"
#include "expression.c"
#include "declaration.c"
#include "statement.c"
#include "function.c"
#include "output.c"
