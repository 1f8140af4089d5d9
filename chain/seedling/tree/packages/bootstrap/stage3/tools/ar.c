/*
 * ar - archives in the common format of Unix.
 *
 *     ar r ARCHIVE FILE...   make the archive anew, with each file's time, owner and mode
 *     ar rD ARCHIVE FILE...  the same with time 0, owner 0 and mode 644: files alone decide
 *     ar t ARCHIVE           list
 *     ar x ARCHIVE           extract into the current directory
 *
 * The format: "!<arch>\n", then for each member a header of 60 characters (name
 * 16, time 12, user 6, group 6, octal mode 8, size 10, "`\n") and the content,
 * filled up to an even length. Names of more than 15 characters are refused.
 */
#include "libc.h"

struct stream *out;

/* field writes a number, left-justified in a field of blanks. */
void field(int n, int radix, int width)
{
	char digits[32];
	int i = 32;
	do
		digits[--i] = '0' + n % radix;
	while (n /= radix);
	put(out, digits + i, 32 - i);
	for (width -= 32 - i; width > 0; width--)
		put_char(out, ' ');
}

void add(char *path, int deterministic)
{
	struct stat s;
	int n, i;
	char *data, *name = base_name(path);
	if (stat(path, &s) < 0)
		die("no such file", path);
	if (strlen(name) > 15)
		die("name too long", path);
	data = read_file(path, &n);
	put(out, name, strlen(name));
	put_char(out, '/');
	for (i = strlen(name) + 1; i < 16; i++)
		put_char(out, ' ');
	field(deterministic ? 0 : s.mtime, 10, 12);
	field(deterministic ? 0 : s.uid, 10, 6);
	field(deterministic ? 0 : s.gid, 10, 6);
	field(deterministic ? 0100644 : s.mode, 8, 8);
	field(n, 10, 10);
	put(out, "`\n", 2);
	put(out, data, n);
	if (n & 1)
		put_char(out, '\n');
}

/* walk goes over the members of an archive, and lists or extracts them. */
void walk(char *archive, int extract)
{
	int n, size, i, at = 8;
	char *p = read_file(archive, &n), *name;
	if (n < 8 || memcmp(p, "!<arch>\n", 8))
		die("not an archive", archive);
	for (; at < n; at += 60 + size + (size & 1)) {
		if (at + 60 > n || p[at + 58] != '`')
			die("bad member header", archive);
		size = atoi(p + at + 48);
		if (size < 0 || at + 60 + size > n)
			die("member goes beyond the end", archive);
		for (i = 0; i < 16 && p[at + i] != '/' && p[at + i] != ' '; i++)
			;
		name = copy_bytes(p + at, i);
		if (extract) {
			if (*name == 0 || strcmp(name, "..") == 0 || strcmp(name, ".") == 0)
				die("bad member name", archive);
			out = create(name, number(p + at + 40, 8, NULL) & 0777);
			put(out, p + at + 60, size);
			close_stream(out, name);
		} else {
			printf("%s\n", name);
		}
	}
}

int main(int argc, char **argv)
{
	int i;
	program_name = "ar";
	if (argc < 3)
		die("usage", "ar r[D]|t|x ARCHIVE [FILE]...");
	if (argv[1][0] == 'r') {
		out = create(argv[2], 0666);
		put(out, "!<arch>\n", 8);
		for (i = 3; i < argc; i++)
			add(argv[i], strchr(argv[1], 'D') != NULL);
		close_stream(out, argv[2]);
	} else if (argv[1][0] == 't' || argv[1][0] == 'x') {
		walk(argv[2], argv[1][0] == 'x');
	} else {
		die("unknown operation", argv[1]);
	}
	finish(0);
}
