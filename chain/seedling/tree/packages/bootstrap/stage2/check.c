/* check.c - what a new cc compiles first: every form of the language that it
   knows. The status is 0 when all values are right, else the number of the
   first check that failed. */

#include "check.h"
#define TWICE 2 * HALF
#ifdef MISSING
this is not compiled
#ifndef NESTED
#else
#endif
#else
#define PRESENT
#endif
#ifndef PRESENT
nor is this
#endif

struct point {
	char tag;
	int x, y;
};

struct node {
	struct node *next;
	struct point at;
	char name[8];
};

enum colour { RED, GREEN = 1 << 2, BLUE };

int zero;
int three = 1 + 2;
int SELF = 40;
#define SELF SELF + 1
char letter = 'x';
char *word = "wo" "rd";
char text[] = "text";
char room[6] = "ab";
int primes[] = { 2, 3, 5, 7, };
int grid[2][3] = { { 1, 2, 3 }, { 4, 5, 6 } };
char *names[] = { "one", "two", "three" };
struct point points[] = { { 'a', 1, 2 }, { 'b', 3 } };
int *second = &primes[1];
struct node first;
static const int big = 0x123456789abcdef;

int later(int a, char *b);
void nothing(void);

/* sum adds n numbers that follow. */
int sum(int n, ...)
{
	int *p = &n + 1;
	int s = 0;
	while (n--)
		s += *p++;
	return s;
}

int length(char *s)
{
	char *p = s;
	while (*p)
		p++;
	return p - s;
}

int kind(int n)
{
	int r = 0;
	switch (n) {
	case 1:
		return 10;
	case 'b': case GREEN:
		r = 20;
		break;
	case -1:
		r = 1;
	default:
		r += 5;
	}
	return r;
}

int count; /* how often touch was called */

int touch(int value)
{
	count++;
	return value;
}

int check_values()
{
	char c = 300;
	int i, j = 2;
	if (TWICE != 3 || (HALF) * 2 != 4 || SELF != 41)
		return 1;
	if (three != 3 || letter != 'x' || zero || big >> 32 != 0x1234567)
		return 2;
	if (length(word) != 4 || word[3] != 'd' || sizeof(text) != 5 || room[1] != 'b' || room[5])
		return 3;
	if (c != 44 || sizeof(int) != 8 || sizeof(struct node) != 40 || sizeof(points) != 48)
		return 4;
	for (i = 0; i < 10; i++) {
		if (i == 3)
			continue;
		if (i == 6)
			break;
		j += i;
	}
	if (i != 6 || j != 2 + 0 + 1 + 2 + 4 + 5)
		return 5;
	do
		i--;
	while (i > 2);
	if (i != 2 || i++ != 2 || ++i != 4 || i-- != 4 || --i != 2)
		return 6;
	i = 7;
	i += 3; i -= 1; i *= 4; i /= 5; i <<= 3; i >>= 1; i |= 1; i &= 0x1d; i ^= 2; i %= 6;
	if (i != 1)
		return 7;
	if ((i ? 5 : 6) != 5 || (!i ? 5 : i == 1 ? 7 : 8) != 7)
		return 8;
	if (-7 / 2 != -3 || -7 % 2 != -1 || (i - 9) / 2 != -4 || (i - 9) >> 1 != -4 || ~i != -2)
		return 9;
	if (kind(1) != 10 || kind('b') != 20 || kind(4) != 20 || kind(-1) != 6 || kind(99) != 5)
		return 10;
	if (touch(0) && touch(1) || count != 1 || !(touch(2) || touch(3)) || count != 2)
		return 11;
	return 0;
}

int check_memory()
{
	struct node second_node, *p;
	struct point local;
	int a[4], i;
	char *s;
	for (i = 0; i < 4; i++)
		a[i] = primes[3 - i];
	if (*a != 7 || a[3] != 2 || *(a + 1) != 5 || &a[3] - a != 3 || *second != 3)
		return 20;
	if (grid[1][2] != 6 || grid[zero][1] != 2 || *names[2] != 't' || names[1][2] != 'o')
		return 21;
	p = &first;
	p->next = &second_node;
	p->next->at.x = 11;
	p->next->name[1] = 'q';
	p->next->next = 0;
	second_node.at.y = 22;
	local = second_node.at;
	first.at = local;
	if (first.at.x != 11 || p->at.y != 22 || second_node.name[1] != 'q' || first.next->next)
		return 22;
	if (points[1].x != 3 || points[1].y || (points + 1)->tag != 'b' || points[three - 3].y != 2)
		return 23;
	if (&points[1] - points != 1 || (char *)&points[1] - (char *)points != 24 || (char)0x141 != 'A')
		return 24;
	s = text;
	*s++ = 'n';
	s[0] += 1;
	if (text[0] != 'n' || text[1] != 'f' || s - text != 1 || s < text || !(s > text))
		return 25;
	if (sum(0) != 0 || sum(4, 1, 2, 3, 4) != 10 || sum(2, sum(1, 5), sum(2, 6, 7)) != 18)
		return 26;
	{
		int i = 5, a = 6;
		if (i + a != 11)
			return 27;
	}
	if (i != 4 || a[0] != 7)
		return 28;
	if (later(3, "abc") != 6 || __LINE__ != 175 || length(__FILE__) < 7)
		return 29;
	if (length(__DATE__) != 11 || length(__TIME__) != 8 || "\x41\\\0"[0] != 'A')
		return 30;
	return 0;
}

int main(int argc, char **argv, char **envp)
{
	int r = check_values();
	if (r == 0)
		r = check_memory();
	if (r == 0 && (argc != 1 || argv[0][0] != '/' && argv[0][0] != '.' || argv[1] || envp[0] == 0))
		r = 40;
	nothing();
	return r;
}

int later(int a, char *b)
{
	return a + length(b);
}

void nothing(void)
{
	return;
}
