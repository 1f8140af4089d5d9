/* identity [FILE] - a random UUID, or one derived from the content of FILE. */
#include "libc.h"
#include "sha256.c"

int main(int argc, char **argv)
{
	char id[16], *data, *digest, pair[3];
	int i, n;
	if (argc > 1) {
		data = read_file(argv[1], &n);
		sha256_prepare();
		digest = sha256(data, n);
		pair[2] = 0;
		for (i = 0; i < 16; i++) {
			memcpy(pair, digest + 2 * i, 2);
			id[i] = number(pair, 16, NULL);
		}
	} else {
		random_bytes(id, 16);
	}
	id[6] = id[6] & 15 | (argc > 1 ? 0x80 : 0x40);
	id[8] = id[8] & 0x3f | 0x80;
	for (i = 0; i < 16; i++)
		printf(i == 4 || i == 6 || i == 8 || i == 10 ? "-%2x" : "%2x", id[i]);
	printf("\n");
	finish(0);
}
