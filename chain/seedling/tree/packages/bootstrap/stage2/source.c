/* source.c - files, and what is being read of them. */

char src[SRC_MAX]; /* every file that was read, each ended by a zero byte; then made-up texts */
int src_end;
int pos; /* the next character */

/* What is being read: files within files, and macros within them. */
int input_pos[INPUT_MAX];
int input_line[INPUT_MAX];
int input_name[INPUT_MAX];
int input_macro[INPUT_MAX]; /* symbol of the macro, 0 for a file */
int input_stop[INPUT_MAX];  /* end of the macro's text */
int inputs;
int macro_stop; /* of the current input; 0 for a file */
int macro_name;

int push_input()
{
	if (inputs == INPUT_MAX)
		fail("includes or macros too deep", 0);
	input_pos[inputs] = pos;
	input_line[inputs] = in_line;
	input_name[inputs] = in_name;
	input_macro[inputs] = macro_name;
	input_stop[inputs] = macro_stop;
	inputs = inputs + 1;
}

int pop_input()
{
	if (macro_name)
		sym_hidden[macro_name] = 0;
	inputs = inputs - 1;
	pos = input_pos[inputs];
	in_line = input_line[inputs];
	in_name = input_name[inputs];
	macro_name = input_macro[inputs];
	macro_stop = input_stop[inputs];
}

/* A path that is being put together. */
char path[4096];
int path_len;

int path_add(char *s, int from, int n)
{
	int i = 0;
	if (path_len + n > 4000)
		fail("path too long", 0);
	while (i < n) {
		path[path_len] = s[from + i];
		path_len = path_len + 1;
		i = i + 1;
	}
	path[path_len] = 0;
}

/* read_path makes the file named by path the input; 0 when there is none. */
int read_path()
{
	int file = syscall(2, path, 0, 0);
	if (file < 0)
		return 0;
	if (in_name)
		push_input();
	macro_name = 0;
	macro_stop = 0;
	in_name = intern(path, 0, path_len);
	in_line = 1;
	pos = src_end;
	char *base = src;
	while (1) {
		int n = syscall(0, file, base + src_end, SRC_MAX - 2 - src_end);
		if (n < 0)
			fail("reading failed", 0);
		if (n == 0)
			break;
		src_end = src_end + n;
	}
	syscall(3, file, 0, 0);
	if (src_end >= SRC_MAX - 2)
		fail("source too long", 0);
	src[src_end] = 0;
	src_end = src_end + 1;
	return 1;
}

int include_dir[16];
int include_dirs;

/* include reads the file whose name of n characters is at src[from]: from the
   including file's directory or one given by -I. */
int include(int from, int n)
{
	int at = sym_name[in_name];
	int slash = 0;
	int i = 0;
	while (names[at + i]) {
		if (names[at + i] == '/')
			slash = i + 1;
		i = i + 1;
	}
	path_len = 0;
	path_add(names, at, slash);
	path_add(src, from, n);
	if (read_path())
		return 1;
	i = 0;
	while (i < include_dirs) {
		char *dir = include_dir[i];
		path_len = 0;
		path_add(dir, 0, length(dir));
		path_add("/", 0, 1);
		path_add(src, from, n);
		if (read_path())
			return 1;
		i = i + 1;
	}
	fail("included file not found", intern(src, from, n));
}
