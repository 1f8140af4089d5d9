/* output.c - the file that is written, and the command line. */

char header[HEADER];
int header_len;

int put(int n, int bytes)
{
	while (bytes) {
		header[header_len] = n;
		header_len = header_len + 1;
		n = n >> 8;
		bytes = bytes - 1;
	}
}

int segment(int flags, int offset, int at, int file_size, int size)
{
	put(1, 4);
	put(flags, 4);
	put(offset, 8);
	put(at, 8);
	put(at, 8);
	put(file_size, 8);
	put(size, 8);
	put(4096, 8);
}

int write_all(int file, char *from, int n)
{
	while (n > 0) {
		int done = syscall(1, file, from, n);
		if (done <= 0)
			fail("writing failed", 0);
		char *rest = from + done;
		from = rest;
		n = n - done;
	}
}

char zeros[4096];

/* write_program writes headers, code, data and strings, each from a multiple
   of 4096 bytes on, as they are mapped. */
int write_program(char *name)
{
	int size = HEADER + code_len;
	int data_at = round_up(size, 4096);
	int strings_at = round_up(data_at + data_len, 4096);
	put(0x464c457f, 4);         /* 7F "ELF" */
	put(0x010102, 4);           /* 64-bit, little endian, version 1 */
	put(0, 8);
	put(2, 2);                  /* executable */
	put(62, 2);                 /* x86-64 */
	put(1, 4);
	put(TEXT_BASE + HEADER, 8); /* entry point */
	put(64, 8);                 /* program headers */
	put(0, 8);
	put(0, 4);
	put(64, 2);
	put(56, 2);
	put(4, 2);
	put(64, 2);
	put(0, 4);
	segment(5, 0, TEXT_BASE, size, size);
	segment(6, data_at, DATA_BASE, data_len, round_up(data_len + 1, 8));
	segment(4, strings_at, STRING_BASE, strings_len, round_up(strings_len + 1, 8));
	segment(6, 0, BSS_BASE, 0, bss_len + 8);
	int file = syscall(2, name, 577, 493); /* open: write only, create, truncate; mode 0755 */
	if (file < 0)
		fail("output cannot be created", 0);
	write_all(file, header, header_len);
	write_all(file, code, code_len);
	write_all(file, zeros, data_at - size);
	write_all(file, data, data_len);
	write_all(file, zeros, strings_at - data_at - data_len);
	write_all(file, strings, strings_len);
}

/* option_define obeys -D NAME or NAME=TEXT. */
int option_define(char *s)
{
	int n = 0;
	while (s[n] && s[n] != '=')
		n = n + 1;
	int symbol = intern(s, 0, n);
	sym_macro[symbol] = src_end;
	if (s[n])
		n = n + 1;
	while (s[n]) {
		src[src_end] = s[n];
		src_end = src_end + 1;
		n = n + 1;
	}
	sym_macro_end[symbol] = src_end;
	src[src_end] = 0;
	src_end = src_end + 1;
}

int main(int argc, int *argv)
{
	char *output = 0;
	char *input = 0;
	int i = 1;
	arguments = argv;
	argument_count = argc;
	src_end = 1; /* place 0 means "no macro" */
	code_len = 0;
	intern_keywords();
	void_type = new_type(T_VOID, 0, 1, 0);
	char_type = new_type(T_CHAR, 1, 1, 0);
	int_type = new_type(T_INT, 8, 8, 0);
	while (i < argc) {
		char *arg = argv[i];
		i = i + 1;
		if (arg[0] != '-') {
			input = arg;
		} else if (i == argc || arg[2]) {
			fail("options are -D NAME, -I DIRECTORY, -o OUTPUT", 0);
		} else {
			if (arg[1] == 'o') {
				output = argv[i];
			} else if (arg[1] == 'D') {
				option_define(argv[i]);
			} else if (arg[1] == 'I' && include_dirs < 16) {
				include_dir[include_dirs] = argv[i];
				include_dirs = include_dirs + 1;
			} else {
				fail("unknown option", named(arg));
			}
			i = i + 1;
		}
	}
	if (input == 0 || output == 0)
		fail("usage: cc [-D NAME]... [-I DIRECTORY]... -o OUTPUT INPUT.c", 0);
	path_add(input, 0, length(input));
	if (read_path() == 0)
		fail("file not found", named(path));
	if (src[pos] == '#') {
		pos = pos + 1;
		directive();
	}
	prologue();
	next();
	while (tok != END)
		external_declaration();
	if (if_depth)
		fail("#endif expected", 0);
	link();
	write_program(output);
	return 0;
}
