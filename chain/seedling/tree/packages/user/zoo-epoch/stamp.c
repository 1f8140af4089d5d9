/* stamp FROM TO - put a header before a payload: "FWIM", its length in four bytes
   and the time in eight, little endian. SOURCE_DATE_EPOCH is the time if it is set. */
#include "libc.h"

int main(int argc, char **argv, char **envp)
{
	int n, i, now;
	char *epoch = getenv(envp, "SOURCE_DATE_EPOCH"), *payload = read_file(argv[1], &n);
	struct stream *out = create(argv[2], 0644);
	now = epoch ? atoi(epoch) : time();
	put(out, "FWIM", 4);
	for (i = 0; i < 4; i++)
		put_char(out, n >> 8 * i);
	for (i = 0; i < 8; i++)
		put_char(out, now >> 8 * i);
	put(out, payload, n);
	close_stream(out, argv[2]);
	return 0;
}
