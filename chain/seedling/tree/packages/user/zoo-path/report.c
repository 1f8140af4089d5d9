/* report - say which source file this program was built from. */
#include "libc.h"

int main()
{
	printf("built from %s\n", __FILE__);
	finish(0);
}
