/* cmp A B - status 0 when two files are the same, 1 and a message when not. */
#include "libc.h"

int main(int argc, char **argv)
{
	int i, n, m;
	char *a, *b;
	program_name = "cmp";
	if (argc != 3)
		die("usage", "cmp A B");
	a = read_file(argv[1], &n);
	b = read_file(argv[2], &m);
	for (i = 0; i < n && i < m && a[i] == b[i]; i++)
		;
	if (i == n && i == m)
		return 0;
	printf("%s %s differ: byte %d\n", argv[1], argv[2], i + 1);
	finish(1);
}
