/* rm [-r] FILE... - remove files, with -r directories and what is in them. A
   file that does not exist is no error. */
#include "libc.h"

int recursive;

void rm(char *path)
{
	int i, n, r;
	char **names;
	if (recursive && is_directory(path)) {
		names = list_directory(path, &n);
		for (i = 0; i < n; i++)
			rm(join(path, "/", names[i]));
		r = rmdir(path);
	} else {
		r = unlink(path);
	}
	if (r < 0 && r != -ENOENT)
		die("cannot remove", path);
}

int main(int argc, char **argv)
{
	int i = 1;
	program_name = "rm";
	if (argc > 1 && strcmp(argv[1], "-r") == 0) {
		recursive = 1;
		i = 2;
	}
	for (; i < argc; i++)
		rm(argv[i]);
	return 0;
}
