/* memory.c - memory is given out and never taken back: the tools are short-lived. */

char *memory_next;
int memory_left;

/* malloc gives n bytes of zeros at a multiple of 16. It does not return when
   there are none. */
char *malloc(int n)
{
	char *p;
	n = (n + 15) / 16 * 16;
	if (n > memory_left) {
		int chunk = n > 1048576 ? n : 1048576;
		/* mmap, readable and writable, private and anonymous */
		int at = syscall(9, 0, chunk, 3, 34, -1, 0);
		if (at < 0 && at > -4096) {
			write(2, "out of memory\n", 14);
			exit(1);
		}
		memory_next = (char *)at;
		memory_left = chunk;
	}
	p = memory_next;
	memory_next += n;
	memory_left -= n;
	return p;
}

/* copy_bytes gives a string of the n bytes at s. */
char *copy_bytes(char *s, int n)
{
	char *p = malloc(n + 1);
	memcpy(p, s, n);
	return p;
}

char *strdup(char *s)
{
	return copy_bytes(s, strlen(s));
}

/* join gives the string of a, b and c, one after the other. */
char *join(char *a, char *b, char *c)
{
	int n = strlen(a), m = strlen(b);
	char *p = malloc(n + m + strlen(c) + 1);
	memcpy(p, a, n);
	memcpy(p + n, b, m);
	strcpy(p + n + m, c);
	return p;
}
