/* banner [HOST] - a banner like a kernel's, for this host or a given one. */
#include "libc.h"

int main(int argc, char **argv)
{
	printf("zoo 1.0 (builder@%s)\n", argc > 1 ? argv[1] : uname_field(1));
	finish(0);
}
