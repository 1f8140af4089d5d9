/* mkdir [-p] DIRECTORY... - create directories; -p: also those above them, and
   it is no error when they exist. */
#include "libc.h"

int main(int argc, char **argv)
{
	int i = 1, parents = 0, r;
	char *p, *path;
	program_name = "mkdir";
	if (argc > 1 && strcmp(argv[1], "-p") == 0) {
		parents = 1;
		i = 2;
	}
	for (; i < argc; i++) {
		path = argv[i];
		for (p = path + 1; parents && *p; p++) {
			if (*p == '/') {
				*p = 0;
				mkdir(path, 0777);
				*p = '/';
			}
		}
		r = mkdir(path, 0777);
		if (r < 0 && !(parents && r == -EEXIST && is_directory(path)))
			die("cannot create", path);
	}
	return 0;
}
