/* code.c - what is written into the program. */

char code[CODE_MAX];
int code_len;
char data[DATA_MAX];    /* variables with a value at the start */
int data_len;
char strings[DATA_MAX]; /* string constants: a segment of their own, not writable */
int strings_len;
int bss_len;            /* bytes of variables that are zero at the start */
enum { STRING_BASE = 0x18000000 };

/* Calls of functions that had no place yet. */
int fix_place[FIX_MAX];
int fix_symbol[FIX_MAX];
int fixes;

int emit(int byte)
{
	if (code_len >= CODE_MAX - 8)
		fail("program too long", 0);
	code[code_len] = byte;
	code_len = code_len + 1;
}

/* op emits an instruction's bytes, written as one number: the first byte,
   which is not 0, is the highest. */
int op(int bytes)
{
	if (bytes > 0xffffff)
		emit(bytes >> 24);
	if (bytes > 0xffff)
		emit(bytes >> 16);
	if (bytes > 0xff)
		emit(bytes >> 8);
	emit(bytes);
}

int emit4(int n)
{
	emit(n);
	emit(n >> 8);
	emit(n >> 16);
	emit(n >> 24);
}

int patch4(int place, int n)
{
	code[place] = n;
	code[place + 1] = n >> 8;
	code[place + 2] = n >> 16;
	code[place + 3] = n >> 24;
}

int fits32(int n)
{
	return n >> 31 == 0 || n >> 31 == -1;
}

/* jump emits a jump with the given opcode to a place that is not known yet,
   and gives the place of its distance, for land. */
int jump(int opcode)
{
	op(opcode);
	emit4(0);
	return code_len - 4;
}

/* land makes the jump lead here. */
int land(int place)
{
	patch4(place, code_len - place - 4);
}

int jump_back(int opcode, int target)
{
	op(opcode);
	emit4(target - code_len - 4);
}

enum { JMP = 0xe9, JZ = 0x0f84, JNZ = 0x0f85, JE = 0x0f84 };
