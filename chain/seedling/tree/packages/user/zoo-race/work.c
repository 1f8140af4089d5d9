/* work - take between 0 and 4 milliseconds, as a compilation takes now longer,
   now shorter. */
#include "libc.h"

int main()
{
	char r[2];
	random_bytes(r, 2);
	sleep((r[0] | r[1] << 8) % 4000);
	return 0;
}
