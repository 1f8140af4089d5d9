/* parse.c - a tree of commands from their text. */

char *source;    /* what is not read yet */
char *token;     /* the current word or operator; NULL at the end */
int token_is_word;

void syntax_error(char *what)
{
	die("syntax error near", what ? what : "the end");
}

/* skip_quoted gives the end of the quoted text or $(…) that begins at p. */
char *skip_quoted(char *p)
{
	int close = *p, depth = 0;
	if (*p == '$' && p[1] == '(') {
		for (; *p; p++) {
			if (*p == '\'' || *p == '"' || *p == '\\') {
				p = skip_quoted(p) - 1;
			} else if (*p == '(') {
				depth++;
			} else if (*p == ')' && --depth == 0) {
				return p + 1;
			}
		}
		syntax_error("$(");
	}
	if (*p == '\\')
		return p[1] ? p + 2 : p + 1;
	for (p++; *p && *p != close; p++) {
		if (close == '"' && (*p == '\\' || *p == '$' && p[1] == '('))
			p = skip_quoted(p) - 1;
	}
	if (*p == 0)
		syntax_error("a quote that does not end");
	return p + 1;
}

int is_operator(int c)
{
	return c && strchr(";&|()<>\n", c) != NULL;
}

void advance()
{
	char *p = source, *from;
	while (*p == ' ' || *p == '\t' || *p == '\\' && p[1] == '\n')
		p += *p == '\\' ? 2 : 1;
	if (*p == '#')
		while (*p && *p != '\n')
			p++;
	from = p;
	token_is_word = 0;
	if (*p == 0) {
		token = NULL;
		source = p;
		return;
	}
	if (is_operator(*p)) {
		p++;
		if (*p == *from && strchr("&|>", *p))
			p++;
	} else if (*p >= '0' && *p <= '9' && (p[1] == '<' || p[1] == '>')) {
		p += 2;
		if (*p == '>')
			p++;
	} else {
		token_is_word = 1;
		while (*p && *p != ' ' && *p != '\t' && !is_operator(*p)) {
			if (*p == '\'' || *p == '"' || *p == '\\' || *p == '$' && p[1] == '(')
				p = skip_quoted(p);
			else
				p++;
		}
	}
	token = copy_bytes(from, p - from);
	source = p;
}

int is_token(char *s)
{
	return token && strcmp(token, s) == 0;
}

void expect(char *s)
{
	if (!is_token(s))
		syntax_error(token);
	advance();
}

void skip_lines()
{
	while (is_token("\n"))
		advance();
}

struct command *new_command(int kind, struct command *left, struct command *right)
{
	struct command *c = (struct command *)malloc(sizeof(struct command));
	c->kind = kind;
	c->left = left;
	c->right = right;
	return c;
}

struct word *new_word()
{
	struct word *w = (struct word *)malloc(sizeof(struct word));
	if (token == NULL || !token_is_word)
		syntax_error(token);
	w->text = token;
	advance();
	return w;
}

struct command *parse_list();

/* parse_redirect reads a redirection, if one stands here. */
struct redirect *parse_redirect()
{
	struct redirect *r;
	char *p = token;
	if (p == NULL || token_is_word || *p != '<' && *p != '>' && !(*p >= '0' && *p <= '9'))
		return NULL;
	r = (struct redirect *)malloc(sizeof(struct redirect));
	r->fd = *p == '<' ? 0 : 1;
	if (*p >= '0' && *p <= '9')
		r->fd = *p++ - '0';
	r->flags = *p == '<' ? O_RDONLY : O_WRONLY | O_CREAT | (p[1] ? O_APPEND : O_TRUNC);
	advance();
	r->file = "";
	if (is_token("&")) { /* ">&1": another descriptor, kept as "&1" */
		advance();
		r->file = "&";
	}
	r->file = join(r->file, new_word()->text, "");
	return r;
}

/* ends_list: does a word stand here that ends the list of commands before it? */
int ends_list()
{
	return token == NULL || is_token("then") || is_token("else") || is_token("elif") || is_token("fi")
	    || is_token("do") || is_token("done") || is_token("}") || is_token(")");
}

/* parse_if reads what follows "if" or "elif". */
struct command *parse_if()
{
	struct command *c = new_command(IF_ELSE, parse_list(), NULL);
	expect("then");
	c->right = parse_list();
	if (is_token("elif")) {
		advance();
		c->otherwise = parse_if();
		return c;
	}
	if (is_token("else")) {
		advance();
		c->otherwise = parse_list();
	}
	expect("fi");
	return c;
}

struct command *parse_for()
{
	struct command *c = new_command(FOR_LOOP, NULL, NULL);
	struct word **end = &c->words;
	c->name = new_word()->text;
	expect("in");
	while (token && token_is_word) {
		*end = new_word();
		end = &(*end)->next;
	}
	if (is_token(";"))
		advance();
	skip_lines();
	expect("do");
	c->left = parse_list();
	expect("done");
	return c;
}

struct command *parse_compound()
{
	struct command *c;
	if (is_token("if")) {
		advance();
		return parse_if();
	}
	if (is_token("while")) {
		advance();
		c = new_command(WHILE_LOOP, parse_list(), NULL);
		expect("do");
		c->right = parse_list();
		expect("done");
		return c;
	}
	if (is_token("for")) {
		advance();
		return parse_for();
	}
	if (is_token("{")) {
		advance();
		c = new_command(GROUP, parse_list(), NULL);
		expect("}");
		return c;
	}
	if (is_token("(")) {
		advance();
		c = new_command(SUBSHELL, parse_list(), NULL);
		expect(")");
		return c;
	}
	return NULL;
}

struct command *parse_command()
{
	struct command *c;
	struct word **end;
	struct redirect **last, *r;
	if (is_token("!")) {
		advance();
		return new_command(NOT, parse_command(), NULL);
	}
	c = parse_compound();
	if (c == NULL)
		c = new_command(SIMPLE, NULL, NULL);
	end = &c->words;
	last = &c->redirects;
	while (1) {
		r = parse_redirect();
		if (r) {
			*last = r;
			last = &r->next;
		} else if (c->kind == SIMPLE && token && token_is_word) {
			*end = new_word();
			end = &(*end)->next;
		} else {
			break;
		}
	}
	if (c->kind == SIMPLE && c->words == NULL && c->redirects == NULL)
		syntax_error(token);
	return c;
}

struct command *parse_pipe()
{
	struct command *c = parse_command();
	if (is_token("|")) {
		advance();
		skip_lines();
		return new_command(PIPE, c, parse_pipe());
	}
	return c;
}

struct command *parse_and_or()
{
	struct command *c = parse_pipe();
	while (is_token("&&") || is_token("||")) {
		int kind = is_token("&&") ? AND : OR;
		advance();
		skip_lines();
		c = new_command(kind, c, parse_pipe());
	}
	return c;
}

/* parse_list reads commands up to a word that ends them; NULL when there are none. */
struct command *parse_list()
{
	struct command *list = NULL, *c;
	skip_lines();
	while (!ends_list()) {
		c = parse_and_or();
		if (is_token("&"))
			c = new_command(BACKGROUND, c, NULL);
		list = list ? new_command(SEQUENCE, list, c) : c;
		if (is_token(";") || is_token("&") || is_token("\n"))
			advance();
		else if (!ends_list())
			syntax_error(token);
		skip_lines();
	}
	return list;
}
