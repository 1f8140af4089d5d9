/* shard [N] - deal 24 functions to N shards, or one for each processor. */
#include "libc.h"

int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : cpu_count(), shard, i;
	for (shard = 0; shard < n; shard++) {
		printf("shard %d of %d:", shard, n);
		for (i = shard; i < 24; i += n)
			printf(" f%2d", i);
		printf("\n");
	}
	finish(0);
}
