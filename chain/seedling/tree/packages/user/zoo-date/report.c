/* report - say when this program was built. */
#include "libc.h"

int main()
{
	printf("built on %s at %s\n", __DATE__, __TIME__);
	finish(0);
}
