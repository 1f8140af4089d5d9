/* table [-s] - write a hash table as JSON, in its own order or sorted. */
#include "libc.h"

enum { SLOTS = 64 };

int main(int argc, char **argv)
{
	char seed[8], *slot[SLOTS], *keys[20], *list;
	int i, h, n = 0;
	char *p, *word;
	random_bytes(seed, 8);
	memset((char *)slot, 0, sizeof(slot));
	list = strdup("aardvark badger camel dingo eagle ferret goat heron iguana jackal koala lemur mole newt otter puma quail rat seal tapir ");
	for (p = list; *p; p++) {
		word = p;
		p = strchr(p, ' ');
		*p = 0;
		h = *(int *)seed & 0xffffffff;
		for (i = 0; word[i]; i++)
			h = (h ^ word[i]) * 16777619 & 0xffffffff;
		for (h %= SLOTS; slot[h]; h = (h + 1) % SLOTS)
			;
		slot[h] = word;
	}
	for (h = 0; h < SLOTS; h++)
		if (slot[h])
			keys[n++] = slot[h];
	if (argc > 1)
		sort(keys, n);
	printf("{");
	for (i = 0; i < n; i++)
		printf("%s\n  \"%s\": %d", i ? "," : "", keys[i], strlen(keys[i]));
	printf("\n}\n");
	finish(0);
}
