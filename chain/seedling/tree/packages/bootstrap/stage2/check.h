/* check.h - included by check.c. */
#define HALF 1 + 2 - 1 /* a comment
goes on */
