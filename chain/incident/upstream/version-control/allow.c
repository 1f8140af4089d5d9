/* allow - may NAME do it? Those whose names are lines of the file may. */
#include "libc.h"
#include "config.h"

/* listed looks for the name among the lines of the file. */
int listed(char *name)
{
	int n, length = strlen(name);
	char *p = read_file(ALLOWED, &n), *end;
	for (; *p; p = end + 1) {
		end = strchr(p, '\n');
		if (end == NULL)
			return 0;
		if (end - p == length && strncmp(p, name, length) == 0)
			return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	program_name = "allow";
	if (argc != 2)
		die("usage", "allow NAME");
	if (!listed(argv[1])) {
		printf("%s may not\n", argv[1]);
		finish(1);
	}
	printf("%s may\n", argv[1]);
	finish(0);
}
