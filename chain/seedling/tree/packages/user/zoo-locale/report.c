/* report - sorted words and a number, by the locale. */
#include "libc.h"

/* fold gives a copy in lower case. */
char *fold(char *s)
{
	char *copy = strdup(s);
	int i;
	for (i = 0; copy[i]; i++)
		if (copy[i] >= 'A' && copy[i] <= 'Z')
			copy[i] += 32;
	return copy;
}

int main(int argc, char **argv, char **envp)
{
	char *locale = getenv(envp, "LC_ALL"), *words[6], *t;
	int i, j, plain = locale == NULL || *locale == 0 || strcmp(locale, "C") == 0 || strncmp(locale, "C.", 2) == 0;
	words[0] = "Zebra"; words[1] = "apple"; words[2] = "Banana";
	words[3] = "cherry"; words[4] = "Apple"; words[5] = "zoo";
	for (i = 1; i < 6; i++)
		for (j = i; j > 0; j--)
			if ((plain ? strcmp(words[j - 1], words[j]) : strcmp(fold(words[j - 1]), fold(words[j]))) > 0) {
				t = words[j];
				words[j] = words[j - 1];
				words[j - 1] = t;
			}
	for (i = 0; i < 6; i++)
		printf("%s\n", words[i]);
	printf(plain ? "1.5\n" : "1,5\n");
	finish(0);
}
