/*
 * gzip [-n] FILE TO - wrap a file in the gzip format (RFC 1952), with its name
 * and the present time in the header; -n: without. The content is stored, not
 * compressed (RFC 1951, 3.2.4), which every reader understands.
 */
#include "libc.h"

int crc(char *p, int n)
{
	int c = 0xffffffff, bit;
	for (; n > 0; n--) {
		c ^= *p++;
		for (bit = 0; bit < 8; bit++)
			c = c & 1 ? c >> 1 ^ 0xedb88320 : c >> 1;
	}
	return c ^ 0xffffffff;
}

void put_little(struct stream *out, int value, int bytes)
{
	for (; bytes > 0; bytes--) {
		put_char(out, value);
		value >>= 8;
	}
}

int main(int argc, char **argv)
{
	int n, at, part, plain = argc == 4;
	char *data = read_file(argv[argc - 2], &n);
	struct stream *out = create(argv[argc - 1], 0644);
	put(out, "\x1f\x8b\x08", 3);
	put_char(out, plain ? 0 : 8); /* 8: a name follows the header */
	put_little(out, plain ? 0 : time(), 4);
	put(out, "\0\x03", 2); /* no level, Unix */
	if (!plain)
		put(out, base_name(argv[argc - 2]), strlen(base_name(argv[argc - 2])) + 1);
	for (at = 0; at < n || at == 0; at += part ? part : 1) {
		part = n - at < 65535 ? n - at : 65535;
		put_char(out, at + part == n); /* the last block has bit 0 set */
		put_little(out, part, 2);
		put_little(out, ~part, 2);
		put(out, data + at, part);
	}
	put_little(out, crc(data, n), 4);
	put_little(out, n, 4);
	close_stream(out, argv[argc - 1]);
	return 0;
}
