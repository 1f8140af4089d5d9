/* string.c - strings, which end with a zero byte, and runs of bytes. */

int strlen(char *s)
{
	char *p = s;
	while (*p)
		p++;
	return p - s;
}

int strcmp(char *a, char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a - *b;
}

int strncmp(char *a, char *b, int n)
{
	while (n > 0 && *a && *a == *b) {
		a++;
		b++;
		n--;
	}
	return n > 0 ? *a - *b : 0;
}

/* strchr gives the first c in s, or NULL; the zero byte is part of s. */
char *strchr(char *s, int c)
{
	while (*s != c) {
		if (*s == 0)
			return NULL;
		s++;
	}
	return s;
}

char *strrchr(char *s, int c)
{
	char *last = NULL;
	for (; *s; s++)
		if (*s == c)
			last = s;
	return last;
}

void memcpy(char *to, char *from, int n)
{
	while (n-- > 0)
		*to++ = *from++;
}

void memset(char *to, int c, int n)
{
	while (n-- > 0)
		*to++ = c;
}

int memcmp(char *a, char *b, int n)
{
	while (n-- > 0) {
		if (*a != *b)
			return *a - *b;
		a++;
		b++;
	}
	return 0;
}

char *strcpy(char *to, char *from)
{
	memcpy(to, from, strlen(from) + 1);
	return to;
}

/* number reads a number in the given radix and, when end is given, leaves
   there what follows it. */
int number(char *s, int radix, char **end)
{
	int n = 0, negative = 0;
	if (*s == '-') {
		negative = 1;
		s++;
	}
	while (*s >= '0' && *s < '0' + (radix < 10 ? radix : 10)
	    || radix == 16 && (*s >= 'a' && *s <= 'f')) {
		n = n * radix + (*s > '9' ? *s - 'a' + 10 : *s - '0');
		s++;
	}
	if (end)
		*end = s;
	return negative ? -n : n;
}

/* atoi reads a decimal number. */
int atoi(char *s)
{
	return number(s, 10, NULL);
}

/* base_name is what follows the last slash of a path. */
char *base_name(char *path)
{
	char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

/* sort puts n strings into the order of their bytes: a merge sort, which is
   quick for every input and keeps equal strings in their order. */
void sort_into(char **v, char **room, int n)
{
	int half = n / 2, i = 0, j = half, k = 0;
	if (n < 2)
		return;
	sort_into(v, room, half);
	sort_into(v + half, room, n - half);
	while (i < half || j < n) {
		if (j == n || i < half && strcmp(v[i], v[j]) <= 0)
			room[k++] = v[i++];
		else
			room[k++] = v[j++];
	}
	for (i = 0; i < n; i++)
		v[i] = room[i];
}

char *malloc(int n);

void sort(char **v, int n)
{
	sort_into(v, (char **)malloc(n * 8 + 8), n);
}
