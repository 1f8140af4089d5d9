/* limit.c - how much of everything there is room for, and the kinds of words. */

enum {
	SRC_MAX = 8000000, NAMES_MAX = 400000, SYM_MAX = 20000, HASH_SIZE = 32768,
	TYPE_MAX = 4000, FIELD_MAX = 4000, CODE_MAX = 4000000, DATA_MAX = 4000000,
	FIX_MAX = 60000, UNDO_MAX = 4000, INPUT_MAX = 64, STR_MAX = 100000,
	CASE_MAX = 2000, JUMP_MAX = 2000,
	/* where the segments of a program are loaded */
	TEXT_BASE = 0x400000, DATA_BASE = 0x10000000, BSS_BASE = 0x20000000,
	HEADER = 288 /* bytes before the code: ELF header and four program headers */
};

/* Words of the language. An operator is its character, plus 256 times its
   second one and 65536 times its third one; these are the others. Keywords
   stand in the order in which intern_keywords enters them. */
enum {
	END = 0, NUMBER = 1, STRING = 2, NAME = 3,
	INT = 0x80, CHAR, VOID, STRUCT, ENUM, SIZEOF, IF, ELSE, WHILE, FOR, DO,
	RETURN, BREAK, CONTINUE, SWITCH, CASE, DEFAULT, STATIC, CONST, LONG, EXTERN
};
