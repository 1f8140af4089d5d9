/* chmod MODE FILE... - set the mode, an octal number, of files. */
#include "libc.h"

int main(int argc, char **argv)
{
	int i, mode;
	char *end;
	program_name = "chmod";
	if (argc < 3)
		die("usage", "chmod MODE FILE...");
	mode = number(argv[1], 8, &end);
	if (*end || mode < 0 || mode > 07777)
		die("no octal mode", argv[1]);
	for (i = 2; i < argc; i++)
		if (chmod(argv[i], mode) < 0)
			die("cannot change", argv[i]);
	return 0;
}
