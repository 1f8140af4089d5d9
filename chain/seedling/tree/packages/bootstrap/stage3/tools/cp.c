/* cp [-r] FROM... TO - copy files, with -r directories; the mode is kept. */
#include "libc.h"

int recursive;

void copy(char *from, char *to)
{
	struct stat s;
	struct stream *out;
	char **names, *data;
	int i, n;
	if (stat(from, &s) < 0)
		die("no such file", from);
	if ((s.mode & S_TYPE) == S_DIRECTORY) {
		if (!recursive)
			die("is a directory", from);
		n = mkdir(to, s.mode & 07777);
		if (n < 0 && n != -EEXIST)
			die("cannot create", to);
		names = list_directory(from, &n);
		if (n < 0)
			die("cannot read", from);
		sort(names, n);
		for (i = 0; i < n; i++)
			copy(join(from, "/", names[i]), join(to, "/", names[i]));
		return;
	}
	data = read_file(from, &n);
	out = create(to, s.mode & 07777);
	put(out, data, n);
	close_stream(out, to);
}

int main(int argc, char **argv)
{
	int i = 1;
	char *to = argv[argc - 1];
	program_name = "cp";
	if (argc > 1 && strcmp(argv[1], "-r") == 0) {
		recursive = 1;
		i = 2;
	}
	if (argc - i < 2)
		die("usage", "cp [-r] FROM... TO");
	if (argc - i > 2 && !is_directory(to))
		die("not a directory", to);
	for (; i < argc - 1; i++)
		copy(argv[i], is_directory(to) ? join(to, "/", base_name(argv[i])) : to);
	return 0;
}
