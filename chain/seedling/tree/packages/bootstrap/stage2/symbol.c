/* symbol.c - what a name means. */

/* One symbol per name. What a name means outside of functions and in the
   innermost block that declares it is kept in the same place; leaving a block
   restores what was there. */
enum { UNKNOWN = 0, CONSTANT, GLOBAL, LOCAL, FUNCTION };
int sym_kind[SYM_MAX];
int sym_type[SYM_MAX];  /* of a FUNCTION: the type that it returns */
int sym_value[SYM_MAX]; /* CONSTANT: value; GLOBAL: address; LOCAL: place relative to rbp; FUNCTION: place in code, 0 when not defined */
int sym_tag[SYM_MAX];   /* type of "struct name", 0 when there is none */
int sym_macro[SYM_MAX]; /* place of the macro's text in src, 0 when it is none */
int sym_macro_end[SYM_MAX];
int sym_hidden[SYM_MAX];/* the macro is being expanded: its name stands for itself */
int sym_word[SYM_MAX];  /* keyword, or 0 */
int sym_count;
int names_end;
int hash[HASH_SIZE];

/* intern gives the symbol of the name of n characters at s[from]. */
int intern(char *s, int from, int n)
{
	int h = 0;
	int i = 0;
	while (i < n) {
		h = (h * 33 + s[from + i]) & 0xffffff;
		i = i + 1;
	}
	h = h & (HASH_SIZE - 1);
	while (hash[h]) {
		int k = hash[h];
		int at = sym_name[k];
		i = 0;
		while (i < n && names[at + i] == s[from + i])
			i = i + 1;
		if (i == n && names[at + n] == 0)
			return k;
		h = (h + 1) & (HASH_SIZE - 1);
	}
	sym_count = sym_count + 1;
	if (sym_count == SYM_MAX || names_end + n + 1 > NAMES_MAX)
		fail("too many names", 0);
	hash[h] = sym_count;
	sym_name[sym_count] = names_end;
	i = 0;
	while (i < n) {
		names[names_end + i] = s[from + i];
		i = i + 1;
	}
	names_end = names_end + n + 1;
	return sym_count;
}

int named(char *s)
{
	return intern(s, 0, length(s));
}

int word_count;

int keyword(char *s)
{
	sym_word[named(s)] = INT + word_count;
	word_count = word_count + 1;
}

int intern_keywords()
{
	keyword("int"); keyword("char"); keyword("void"); keyword("struct");
	keyword("enum"); keyword("sizeof"); keyword("if"); keyword("else");
	keyword("while"); keyword("for"); keyword("do"); keyword("return");
	keyword("break"); keyword("continue"); keyword("switch"); keyword("case");
	keyword("default"); keyword("static"); keyword("const"); keyword("long");
	keyword("extern");
}
