/* order [-s] - list symbols in the order of a table that is hashed by address;
   -s sorts them. The table's ids are addresses, and are shown without -s. */
#include "libc.h"

enum { SLOTS = 251 };

int main(int argc, char **argv)
{
	char *names[16], *slot[SLOTS];
	int i, h, n = 0;
	memset((char *)slot, 0, sizeof(slot));
	for (i = 0; i < 16; i++) {
		char *name = malloc(64);
		strcpy(name, "symbol_a");
		name[7] += i;
		names[i] = name;
		for (h = ((int)name >> 4) * 40503 % SLOTS; slot[h]; h = (h + 1) % SLOTS)
			;
		slot[h] = name;
	}
	if (argc > 1) {
		for (i = 0; i < 16; i++)
			printf("%s\n", names[i]);
		finish(0);
	}
	for (h = 0; h < SLOTS; h++)
		if (slot[h])
			printf("%d 0x%x %s\n", n++, (int)slot[h], slot[h]);
	finish(0);
}
