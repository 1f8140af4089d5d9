/* sha256sum FILE... - the SHA-256 of files;
   sha256sum -c LIST  - check files against a list in the same form. */
#include "libc.h"
#include "sha256.c"

/* check compares with a list of lines "digest, two characters, name". */
int check(char *list)
{
	int n, size, bad = 0;
	char *p = read_file(list, &n), *end, *name, *data;
	while (*p) {
		end = strchr(p, '\n');
		if (end == NULL || end - p < 67)
			die("not a list of digests", list);
		*end = 0;
		name = p + 66;
		data = read_file(name, &size);
		if (memcmp(sha256(data, size), p, 64)) {
			printf("%s: FAILED\n", name);
			bad = 1;
		} else {
			printf("%s: OK\n", name);
		}
		p = end + 1;
	}
	return bad;
}

int main(int argc, char **argv)
{
	int i, n;
	char *data;
	program_name = "sha256sum";
	sha256_prepare();
	if (argc == 3 && strcmp(argv[1], "-c") == 0)
		finish(check(argv[2]));
	for (i = 1; i < argc; i++) {
		data = read_file(argv[i], &n);
		printf("%s  %s\n", sha256(data, n), argv[i]);
	}
	finish(0);
}
