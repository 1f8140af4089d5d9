/* hello - greet the world, or those named. */
#include "libc.h"

int main(int argc, char **argv)
{
	int i;
	if (argc < 2)
		printf("hello, whole world\n");
	for (i = 1; i < argc; i++)
		printf("hello, %s\n", argv[i]);
	finish(0);
}
