/* stream.c - reading files as a whole, and writing through a buffer. */

struct stream {
	int fd;
	int used;
	int failed; /* an error number once a write failed */
	char buffer[16384];
};

struct stream standard_output, standard_error;

void flush(struct stream *s)
{
	int done = 0;
	while (done < s->used && s->failed == 0) {
		int n = write(s->fd, s->buffer + done, s->used - done);
		if (n <= 0)
			s->failed = n ? n : -5;
		else
			done += n;
	}
	s->used = 0;
}

void put(struct stream *s, char *from, int n)
{
	while (n > 0) {
		int part = sizeof(s->buffer) - s->used;
		if (part > n)
			part = n;
		memcpy(s->buffer + s->used, from, part);
		s->used += part;
		from += part;
		n -= part;
		if (s->used == sizeof(s->buffer))
			flush(s);
	}
}

void put_char(struct stream *s, int c)
{
	if (s->used == sizeof(s->buffer))
		flush(s);
	s->buffer[s->used++] = c;
}

/* put_number writes n in the given radix, with zeros up to the given width. */
void put_number(struct stream *s, int n, int radix, int width)
{
	char digits[80];
	int i = 80;
	if (n < 0 && radix == 10) {
		put_char(s, '-');
		n = -n;
	}
	if (n < 0) { /* in another radix all 64 bits count: take the lowest digit off by shifting */
		int bits = radix == 16 ? 4 : 3;
		digits[--i] = "0123456789abcdef"[n & radix - 1];
		n = n >> bits & ~(-1 << 64 - bits);
	}
	do {
		digits[--i] = "0123456789abcdef"[n % radix];
		n /= radix;
	} while (n);
	while (80 - i < width)
		digits[--i] = '0';
	put(s, digits + i, 80 - i);
}

/* format writes text in which %s is the next argument as a string, %d, %x and
   %o as a number, %c as a character, %% a percent sign; a width of one or two
   digits before d, x and o asks for leading zeros. */
void format(struct stream *s, char *text, int *args)
{
	for (; *text; text++) {
		int width = 0;
		if (*text != '%') {
			put_char(s, *text);
			continue;
		}
		text++;
		while (*text >= '0' && *text <= '9')
			width = width * 10 + *text++ - '0';
		switch (*text) {
		case 's': {
			char *string = (char *)*args++;
			put(s, string, strlen(string));
			break;
		}
		case 'd':
			put_number(s, *args++, 10, width);
			break;
		case 'x':
			put_number(s, *args++, 16, width);
			break;
		case 'o':
			put_number(s, *args++, 8, width);
			break;
		case 'c':
			put_char(s, *args++);
			break;
		default:
			put_char(s, *text);
		}
	}
}

void fprintf(struct stream *s, char *text, ...)
{
	format(s, text, (int *)(&text + 1));
}

/* printf writes to standard output. finish must be called in the end. */
void printf(char *text, ...)
{
	standard_output.fd = 1;
	format(&standard_output, text, (int *)(&text + 1));
}

char *program_name = "program";

/* complain writes a line to standard error that begins with the program's name. */
void complain(char *text, ...)
{
	standard_error.fd = 2;
	fprintf(&standard_error, "%s: ", program_name);
	format(&standard_error, text, (int *)(&text + 1));
	put_char(&standard_error, '\n');
	flush(&standard_error);
}

/* finish writes what is left and ends the program; with status 1 when a write failed. */
void finish(int status)
{
	flush(&standard_output);
	if (standard_output.failed) {
		complain("writing failed: error %d", -standard_output.failed);
		status = status ? status : 1;
	}
	exit(status);
}

/* die says what is wrong and ends the program. */
void die(char *what, char *name)
{
	flush(&standard_output);
	complain("%s: %s", what, name);
	exit(1);
}

/* create opens a file to be written through a stream. */
struct stream *create(char *path, int mode)
{
	struct stream *s = (struct stream *)malloc(sizeof(struct stream));
	s->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
	if (s->fd < 0)
		die("cannot create", path);
	return s;
}

/* close_stream writes what is left; it ends the program when a write failed. */
void close_stream(struct stream *s, char *path)
{
	flush(s);
	if (s->failed || close(s->fd) < 0)
		die("cannot write", path);
}

/* read_fd reads to the end of fd; n gets the number of bytes, and a zero byte follows them. */
char *read_fd(int fd, int *n)
{
	int room = 65536, used = 0, r;
	char *p = malloc(room + 1), *larger;
	while ((r = read(fd, p + used, room - used)) > 0) {
		used += r;
		if (used == room) {
			larger = malloc(2 * room + 1);
			memcpy(larger, p, used);
			p = larger;
			room *= 2;
		}
	}
	if (r < 0)
		return NULL;
	p[used] = 0;
	*n = used;
	return p;
}

/* read_file reads a whole file; it ends the program when that fails. */
char *read_file(char *path, int *n)
{
	int fd = open(path, O_RDONLY, 0);
	char *p;
	if (fd < 0)
		die("cannot open", path);
	p = read_fd(fd, n);
	if (p == NULL)
		die("cannot read", path);
	close(fd);
	return p;
}
