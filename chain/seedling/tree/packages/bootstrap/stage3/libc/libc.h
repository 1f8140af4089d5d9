/* libc.h - the chain's C library. A program includes this one file; as the
   compiler has no linker, the library's text is part of every program. */

#ifndef LIBC
#define LIBC
#define NULL 0
#include "system.c"
#include "string.c"
#include "memory.c"
#include "stream.c"
#include "directory.c"
#endif
