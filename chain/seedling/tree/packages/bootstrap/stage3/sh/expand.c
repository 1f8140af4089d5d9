/* expand.c - the fields that a word stands for. */

enum { STAR = 1 }; /* stands for a "*" that was not quoted */

char *capture(char *commands);

/* What is being built: the current field, and the fields before it. */
struct fields {
	char **list;
	int count, room;
	char *text;
	int used, size;
	int begun; /* the current field exists, even if it is empty */
};

void add_char(struct fields *f, int c)
{
	if (f->used + 1 >= f->size) {
		char *larger = malloc(f->size * 2 + 64);
		memcpy(larger, f->text, f->used);
		f->text = larger;
		f->size = f->size * 2 + 64;
	}
	f->text[f->used++] = c;
	f->text[f->used] = 0;
	f->begun = 1;
}

void add_field(struct fields *f, char *s)
{
	if (f->count + 1 >= f->room) {
		char **larger = (char **)malloc((f->room * 2 + 16) * 8);
		memcpy((char *)larger, (char *)f->list, f->count * 8);
		f->list = larger;
		f->room = f->room * 2 + 16;
	}
	f->list[f->count++] = s;
	f->list[f->count] = NULL;
}

/* matches: does the name fit the pattern, in which STAR is any text? */
int matches(char *pattern, char *name)
{
	for (; *pattern; pattern++, name++) {
		if (*pattern == STAR) {
			do
				if (matches(pattern + 1, name))
					return 1;
			while (*name++);
			return 0;
		}
		if (*pattern != *name)
			return 0;
	}
	return *name == 0;
}

/* end_field ends the current field; if it has a STAR it becomes the files that
   it fits, in the order of their bytes. */
void end_field(struct fields *f)
{
	char *text, *slash, *directory, **names, *p;
	int n, i, found = 0;
	if (!f->begun)
		return;
	text = f->used ? copy_bytes(f->text, f->used) : "";
	f->used = 0;
	f->begun = 0;
	if (strchr(text, STAR)) {
		slash = strrchr(text, '/');
		directory = slash ? copy_bytes(text, slash + 1 - text) : "";
		names = list_directory(*directory ? directory : ".", &n);
		if (n > 0)
			sort(names, n);
		for (i = 0; i < n; i++) {
			if (names[i][0] != '.' && matches(slash ? slash + 1 : text, names[i])) {
				add_field(f, join(directory, names[i], ""));
				found = 1;
			}
		}
		if (found)
			return;
		for (p = text; *p; p++)
			if (*p == STAR)
				*p = '*';
	}
	add_field(f, text);
}

/* add_value adds the value of an expansion: within quotes as it is, else it is
   split at white space. */
void add_value(struct fields *f, char *s, int quoted)
{
	for (; *s; s++) {
		if (!quoted && (*s == ' ' || *s == '\t' || *s == '\n'))
			end_field(f);
		else
			add_char(f, *s);
	}
}

char *decimal(int n)
{
	char text[32];
	int i = 31;
	text[31] = 0;
	do
		text[--i] = '0' + n % 10;
	while (n /= 10);
	return strdup(text + i);
}

/* add_dollar adds what the "$" at p stands for and gives what follows it. */
char *add_dollar(struct fields *f, char *p, int quoted)
{
	char *end, *name;
	struct variable *v;
	int i, braces;
	p++;
	if (*p == '(') {
		end = skip_quoted(p - 1);
		add_value(f, capture(copy_bytes(p + 1, end - p - 2)), quoted);
		return end;
	}
	if (*p == '?' || *p == '#' || *p == '$') {
		add_value(f, decimal(*p == '?' ? last_status : *p == '#' ? argument_count - 1 : getpid()), quoted);
		return p + 1;
	}
	if (*p == '@' || *p == '*') {
		for (i = 1; i < argument_count; i++) {
			add_value(f, arguments[i], quoted);
			if (i + 1 < argument_count)
				end_field(f);
		}
		return p + 1;
	}
	braces = *p == '{';
	p += braces;
	for (end = p; is_name(*end); end++)
		;
	if (end == p || braces && *end != '}') {
		if (braces)
			syntax_error("${");
		add_char(f, '$');
		return p;
	}
	name = copy_bytes(p, end - p);
	if (*name >= '0' && *name <= '9') {
		i = atoi(name);
		if (i < argument_count)
			add_value(f, arguments[i], quoted);
	} else {
		v = find_variable(name);
		if (v)
			add_value(f, v->value, quoted);
	}
	return end + braces;
}

void expand_into(struct fields *f, char *p, int split)
{
	while (*p) {
		if (*p == '\'') {
			f->begun = 1;
			for (p++; *p != '\''; p++)
				add_char(f, *p);
			p++;
		} else if (*p == '"') {
			/* "$@" without arguments is no field, other quotes are one */
			f->begun = f->begun || strncmp(p, "\"$@\"", 4);
			p++;
			while (*p != '"') {
				if (*p == '$') {
					p = add_dollar(f, p, 1);
				} else {
					if (*p == '\\' && strchr("$\"\\`", p[1]))
						p++;
					add_char(f, *p++);
				}
			}
			p++;
		} else if (*p == '\\') {
			if (p[1])
				add_char(f, p[1]);
			p += p[1] ? 2 : 1;
		} else if (*p == '$') {
			p = add_dollar(f, p, !split);
		} else {
			add_char(f, *p == '*' && split ? STAR : *p);
			p++;
		}
	}
}

/* expand_words gives the fields of a list of words, ended by NULL. */
char **expand_words(struct word *w, int *count)
{
	struct fields f;
	memset((char *)&f, 0, sizeof(f));
	add_field(&f, NULL);
	f.count = 0;
	for (; w; w = w->next) {
		expand_into(&f, w->text, 1);
		end_field(&f);
	}
	*count = f.count;
	return f.list;
}

/* expand_one gives a word's value as one string, as assignments and file names want it. */
char *expand_one(char *text)
{
	struct fields f;
	memset((char *)&f, 0, sizeof(f));
	expand_into(&f, text, 0);
	return f.used ? f.text : "";
}
