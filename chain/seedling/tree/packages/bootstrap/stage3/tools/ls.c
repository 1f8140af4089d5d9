/* ls [-f] [DIRECTORY] - the names in a directory, in the order of their bytes;
   with -f in the order in which the file system has them. */
#include "libc.h"

int main(int argc, char **argv)
{
	int i = 1, n, raw = 0;
	char **names;
	program_name = "ls";
	if (argc > 1 && strcmp(argv[1], "-f") == 0) {
		raw = 1;
		i = 2;
	}
	names = list_directory(i < argc ? argv[i] : ".", &n);
	if (n < 0)
		die("cannot read", i < argc ? argv[i] : ".");
	if (!raw)
		sort(names, n);
	for (i = 0; i < n; i++)
		printf("%s\n", names[i]);
	finish(0);
}
