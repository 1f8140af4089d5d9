/* sha256.c - SHA-256 (FIPS 180-4). Not part of libc.h: include it where needed. */

enum { WORD = 0xffffffff };

/* The constants are the first 32 bits of the fractional parts of the cube
   roots of the first 64 primes; those of the state, of the square roots of the
   first 8. They are computed, so that nobody has to compare a table. */
int constants[64];
int start[8];

/* multiply: numbers of six digits of 16 bits each, the lowest first; a product has twelve. */
void multiply(int *a, int *b, int *result)
{
	int i, j, carry;
	for (i = 0; i < 12; i++)
		result[i] = 0;
	for (i = 0; i < 6; i++) {
		carry = 0;
		for (j = 0; j < 6; j++) {
			carry += result[i + j] + a[i] * b[j];
			result[i + j] = carry & 0xffff;
			carry >>= 16;
		}
		result[i + 6] = carry;
	}
}

/* root gives the first 32 bits of the fractional part of the square or cube
   root of p: the greatest x below 2^32 with (whole + x / 2^32)^power <= p. Products
   would not fit 64 bits, so they are computed in digits. */
int root(int p, int power)
{
	int whole = 1, bit, x = 0, i;
	int a[12], square[12], product[12];
	while ((whole + 1) * (whole + 1) * (power == 3 ? whole + 1 : 1) <= p)
		whole++;
	for (bit = 31; bit >= 0; bit--) {
		x |= 1 << bit;
		for (i = 0; i < 12; i++)
			a[i] = 0;
		a[0] = x & 0xffff;
		a[1] = x >> 16;
		a[2] = whole;
		multiply(a, a, square); /* 64 bits after the point */
		if (power == 3) {
			multiply(square, a, product); /* 96 bits */
			if (product[6] + (product[7] << 16) >= p)
				x -= 1 << bit;
		} else if (square[4] + (square[5] << 16) >= p) {
			x -= 1 << bit;
		}
	}
	return x;
}

/* sha256_prepare must be called once before sha256. */
void sha256_prepare()
{
	int n = 0, p = 2, d;
	for (; n < 64; p++) {
		for (d = 2; d * d <= p; d++)
			if (p % d == 0)
				break;
		if (d * d <= p)
			continue;
		if (n < 8)
			start[n] = root(p, 2);
		constants[n++] = root(p, 3);
	}
}

/* turn rotates a word of 32 bits to the right. */
int turn(int x, int n)
{
	return (x >> n | x << 32 - n) & WORD;
}

/* block works 64 bytes into the state h. */
void block(int *h, char *p)
{
	int w[64], v[8], i, t, u;
	for (i = 0; i < 16; i++)
		w[i] = p[4 * i] << 24 | p[4 * i + 1] << 16 | p[4 * i + 2] << 8 | p[4 * i + 3];
	for (; i < 64; i++) {
		t = w[i - 15];
		u = w[i - 2];
		w[i] = w[i - 16] + (turn(t, 7) ^ turn(t, 18) ^ t >> 3) + w[i - 7]
		     + (turn(u, 17) ^ turn(u, 19) ^ u >> 10) & WORD;
	}
	for (i = 0; i < 8; i++)
		v[i] = h[i];
	for (i = 0; i < 64; i++) {
		t = v[7] + (turn(v[4], 6) ^ turn(v[4], 11) ^ turn(v[4], 25))
		  + (v[4] & v[5] ^ ~v[4] & v[6]) + constants[i] + w[i];
		u = (turn(v[0], 2) ^ turn(v[0], 13) ^ turn(v[0], 22))
		  + (v[0] & v[1] ^ v[0] & v[2] ^ v[1] & v[2]);
		v[7] = v[6];
		v[6] = v[5];
		v[5] = v[4];
		v[4] = v[3] + t & WORD;
		v[3] = v[2];
		v[2] = v[1];
		v[1] = v[0];
		v[0] = t + u & WORD;
	}
	for (i = 0; i < 8; i++)
		h[i] = h[i] + v[i] & WORD;
}

char sha256_text[65];

/* sha256 gives the digest of n bytes in hexadecimal; the next call overwrites it. */
char *sha256(char *p, int n)
{
	char last[128];
	int h[8], i, at, rest;
	for (i = 0; i < 8; i++)
		h[i] = start[i];
	for (at = 0; n - at >= 64; at += 64)
		block(h, p + at);
	rest = n - at;
	memset(last, 0, 128);
	memcpy(last, p + at, rest);
	last[rest] = 0x80;
	at = rest < 56 ? 56 : 120;
	for (i = 0; i < 8; i++)
		last[at + i] = n * 8 >> 56 - 8 * i;
	block(h, last);
	if (at == 120)
		block(h, last + 64);
	for (i = 0; i < 64; i++)
		sha256_text[i] = "0123456789abcdef"[h[i / 8] >> 28 - 4 * (i % 8) & 15];
	return sha256_text;
}
