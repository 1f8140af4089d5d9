/* sort [FILE] - the lines of a file, or of standard input, in the order of their bytes. */
#include "libc.h"

int main(int argc, char **argv)
{
	int n, i, count = 0;
	char *p, *data, **lines;
	program_name = "sort";
	data = argc > 1 ? read_file(argv[1], &n) : read_fd(0, &n);
	if (data == NULL)
		die("cannot read", "standard input");
	lines = (char **)malloc((n + 1) * 8);
	for (p = data; p < data + n;) {
		lines[count++] = p;
		while (p < data + n && *p != '\n')
			p++;
		*p++ = 0;
	}
	sort(lines, count);
	for (i = 0; i < count; i++)
		printf("%s\n", lines[i]);
	finish(0);
}
