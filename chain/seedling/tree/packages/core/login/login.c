/*
 * login - let someone in who knows the password.
 *
 *     login [-f FILE] NAME
 *
 * reads the password from standard input, up to the end of the line, and
 * compares it with FILE, or /etc/passwords. Each line of that file is
 * name:salt:digest, the digest being the SHA-256 of salt and password in
 * hexadecimal. (One round of SHA-256 shows how login works; a file that might be
 * stolen deserves a slow hash.) Status 0 and a welcome when the password is
 * right, 1 when it is not, without saying whether there is such a name.
 */

#include "libc.h"
#include "sha256.c"

char *file = "/etc/passwords";

/* read_password gives the first line of standard input. */
char *read_password()
{
	int n;
	char *text = read_fd(0, &n), *end;
	if (text == NULL)
		die("cannot read", "the password");
	end = strchr(text, '\n');
	if (end)
		*end = 0;
	return text;
}

/* same compares two digests in a time that does not tell where they differ. */
int same(char *a, char *b)
{
	int i, differ = 0;
	for (i = 0; i < 64; i++)
		differ |= a[i] ^ b[i];
	return differ == 0;
}

/* check_password looks for the line of the name: 1 when the password fits it. */
int check_password(char *name, char *password)
{
	int n, length = strlen(name);
	char *p = read_file(file, &n), *end, *salt, *digest;
	for (; *p; p = end + 1) {
		end = strchr(p, '\n');
		if (end == NULL)
			die("last line without an end", file);
		*end = 0;
		if (strncmp(p, name, length) || p[length] != ':')
			continue;
		salt = p + length + 1;
		digest = strchr(salt, ':');
		if (digest == NULL || strlen(digest + 1) != 64)
			die("damaged line in", file);
		*digest++ = 0;
		salt = join(salt, password, "");
		return same(sha256(salt, strlen(salt)), digest);
	}
	return 0;
}

int main(int argc, char **argv)
{
	char *name;
	program_name = "login";
	sha256_prepare();
	if (argc == 4 && strcmp(argv[1], "-f") == 0) {
		file = argv[2];
		name = argv[3];
	} else if (argc == 2) {
		name = argv[1];
	} else {
		die("usage", "login [-f FILE] NAME");
	}
	if (*name == 0 || strchr(name, ':') || !check_password(name, read_password())) {
		printf("login incorrect\n");
		finish(1);
	}
	printf("welcome, %s\n", name);
	finish(0);
}
