/* smoke.c - what cc0 compiles first: every form that it knows, once. The status
   is 0 when all values are right, else the number of the first that is not. */

enum { ZERO, FIVE = 5, SIX, };
int global;
int table[FIVE];
char bytes[SIX];

int later(int a, int b);

int fibonacci(int n)
{
	if (n < 2)
		return n;
	return fibonacci(n - 1) + fibonacci(n - 2);
}

int length(char *s)
{
	int n = 0;
	while (1) {
		if (s[n] == 0)
			break;
		n = n + 1;
	}
	return n;
}

int main(int argc, int *argv)
{
	int i = 0;
	int *numbers = table;
	char *name = argv[0];
	if (argc != 1 || name[0] != '/')
		return 1;
	if (fibonacci(15) != 610)
		return 2;
	while (i < FIVE) {
		table[i] = i * i;
		bytes[i] = 250 + i * 3; /* the last one does not fit a byte */
		i = i + 1;
	}
	if (numbers[4] + table[1] != 17 || bytes[1] != 253 || bytes[2] != 0)
		return 3;
	if (length("four") != 4 || length("\\\'\"\n\t") != FIVE)
		return 4;
	if (1 + 2 * 3 - 8 / 2 % 3 != 6 || (1 | 6 & 3 ^ 8) != 11 || 1 << 4 >> 2 != 4)
		return 5;
	if (-7 / 2 != -3 || -7 % 2 != -1 || -8 >> 1 != -4 || ~0 != -1 || !5 != 0)
		return 6;
	if ((2 < 2) + (2 <= 2) * 2 + (3 > 4) * 4 + (4 >= 4) * 8 + (1 == 1) * 16 + (1 != 1) * 32 != 26)
		return 7;
	if ((5 && 0) + (5 && 7) * 2 + (0 || 3) * 4 + (0 || ZERO) * 8 != 6)
		return 8;
	global = table[2] = 0x1f;
	if (global + table[2] != 62 || later(9, 4) != 5)
		return 9;
	return 0;
}

int later(int a, int b)
{
	return a - b;
}
