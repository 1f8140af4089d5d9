/* cat [FILE]... - write files, or standard input, to standard output. */
#include "libc.h"

void copy(int fd, char *name)
{
	char buffer[16384];
	int n;
	while ((n = read(fd, buffer, sizeof(buffer))) > 0)
		put(&standard_output, buffer, n);
	if (n < 0)
		die("cannot read", name);
}

int main(int argc, char **argv)
{
	int i;
	program_name = "cat";
	standard_output.fd = 1;
	if (argc < 2)
		copy(0, "standard input");
	for (i = 1; i < argc; i++) {
		int fd = open(argv[i], O_RDONLY, 0);
		if (fd < 0)
			die("cannot open", argv[i]);
		copy(fd, argv[i]);
		close(fd);
	}
	finish(0);
}
