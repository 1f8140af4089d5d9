/* tempdir - make a directory with a random name and print the name. */
#include "libc.h"

int main()
{
	char name[32];
	int i;
	strcpy(name, "/tmp.XXXXXX");
	random_bytes(name + 5, 6);
	for (i = 5; i < 11; i++)
		name[i] = 'a' + name[i] % 26;
	if (mkdir(name, 0700) < 0)
		die("cannot create", name);
	printf("%s\n", name);
	finish(0);
}
