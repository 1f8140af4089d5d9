/* message.c - names, and errors about them. */

int in_name;  /* symbol that holds the name of the current file */
int in_line;
char names[NAMES_MAX]; /* all names, each followed by a zero byte */
int sym_name[SYM_MAX]; /* place of a symbol's name in names */
char numeral[32];

int length(char *s)
{
	int n = 0;
	while (s[n])
		n = n + 1;
	return n;
}

int complain(char *s)
{
	syscall(1, 2, s, length(s));
}

/* decimal gives the text of n, which is not negative; the next call overwrites it. */
int decimal(int n)
{
	int i = 31;
	numeral[31] = 0;
	while (1) {
		i = i - 1;
		numeral[i] = '0' + n % 10;
		n = n / 10;
		if (n == 0)
			break;
	}
	int j = 0;
	while (i <= 31) {
		numeral[j] = numeral[i];
		j = j + 1;
		i = i + 1;
	}
	return numeral;
}

int complain_name(int place)
{
	while (names[place]) {
		numeral[0] = names[place];
		syscall(1, 2, numeral, 1);
		place = place + 1;
	}
}

/* fail reports an error at the current place, perhaps about a symbol, and ends. */
int fail(char *message, int symbol)
{
	if (in_name)
		complain_name(sym_name[in_name]);
	complain(":");
	complain(decimal(in_line));
	complain(": ");
	complain(message);
	if (symbol) {
		complain(": ");
		complain_name(sym_name[symbol]);
	}
	complain("\n");
	syscall(60, 1, 0, 0);
}
