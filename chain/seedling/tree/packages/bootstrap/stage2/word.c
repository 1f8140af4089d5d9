/* word.c - text becomes words; directives and macros. */

int tok;       /* the current word */
int tok_value; /* NUMBER: its value; NAME: its symbol; STRING: its length */
char text[STR_MAX]; /* STRING: its characters */

int is_name(int c)
{
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_';
}

/* skip_blank skips blanks and comments up to the end of the line, which it
   does not pass. */
int skip_blank()
{
	while (1) {
		if (macro_stop && pos >= macro_stop)
			return 0;
		if (src[pos] == ' ' || src[pos] == '\t' || src[pos] == 13) {
			pos = pos + 1;
		} else if (src[pos] == '\\' && src[pos + 1] == '\n') {
			pos = pos + 2;
			in_line = in_line + 1;
		} else if (src[pos] == '/' && src[pos + 1] == '/') {
			while (src[pos] && src[pos] != '\n')
				pos = pos + 1;
		} else if (src[pos] == '/' && src[pos + 1] == '*') {
			pos = pos + 2;
			while (src[pos] != '*' || src[pos + 1] != '/') {
				if (src[pos] == 0)
					fail("comment does not end", 0);
				if (src[pos] == '\n')
					in_line = in_line + 1;
				pos = pos + 1;
			}
			pos = pos + 2;
		} else {
			return 0;
		}
	}
}

/* word_at gives the symbol of the name at pos and passes it. */
int word_at()
{
	int from = pos;
	while (is_name(src[pos]))
		pos = pos + 1;
	if (pos == from)
		fail("name expected", 0);
	return intern(src, from, pos - from);
}

int skip_line()
{
	while (src[pos] && src[pos] != '\n')
		pos = pos + 1;
}

int if_depth;

/* skip_group passes everything up to the #else or #endif that belongs to the
   #if before it; an #else ends it only when that is wanted. */
int skip_group(int stop_at_else)
{
	int depth = 0;
	while (src[pos]) {
		skip_blank();
		if (src[pos] == '#') {
			pos = pos + 1;
			skip_blank();
			int word = 0;
			if (is_name(src[pos]))
				word = word_at();
			if (word == named("ifdef") || word == named("ifndef")) {
				depth = depth + 1;
			} else if (word == named("endif")) {
				if (depth == 0) {
					if_depth = if_depth - 1;
					return 0;
				}
				depth = depth - 1;
			} else if (word == named("else") && depth == 0 && stop_at_else) {
				return 0;
			}
		}
		skip_line();
		if (src[pos] == '\n') {
			pos = pos + 1;
			in_line = in_line + 1;
		}
	}
	fail("#endif expected", 0);
}

/* define makes the rest of the line the text of a macro. */
int define(int symbol)
{
	skip_blank();
	sym_macro[symbol] = pos;
	while (src[pos] && src[pos] != '\n') {
		if (src[pos] == '/' && (src[pos + 1] == '*' || src[pos + 1] == '/'))
			break;
		pos = pos + 1;
	}
	sym_macro_end[symbol] = pos;
}

/* directive obeys the line after '#'. */
int directive()
{
	skip_blank();
	int word = word_at();
	skip_blank();
	if (word == named("include")) {
		if (src[pos] != '"')
			fail("#include wants a name in quotes", 0);
		pos = pos + 1;
		int from = pos;
		while (src[pos] != '"') {
			if (src[pos] < ' ')
				fail("#include wants a name in quotes", 0);
			pos = pos + 1;
		}
		int n = pos - from;
		pos = pos + 1;
		skip_line();
		include(from, n);
	} else if (word == named("define")) {
		int symbol = word_at();
		if (src[pos] == '(')
			fail("macros with arguments are not known", symbol);
		define(symbol);
		skip_blank();
	} else if (word == named("undef")) {
		sym_macro[word_at()] = 0;
		skip_line();
	} else if (word == named("ifdef") || word == named("ifndef")) {
		int is = sym_macro[word_at()] != 0;
		if_depth = if_depth + 1;
		skip_line();
		if (is != (word == named("ifdef")))
			skip_group(1);
	} else if (word == named("else")) {
		if (if_depth == 0)
			fail("#else without #ifdef", 0);
		skip_line();
		skip_group(0);
	} else if (word == named("endif")) {
		if (if_depth == 0)
			fail("#endif without #ifdef", 0);
		if_depth = if_depth - 1;
		skip_line();
	} else {
		fail("unknown directive", word);
	}
}

/* escape gives the character of a string or character constant at pos and passes it. */
int escape()
{
	int c = src[pos];
	if (c == 0 || c == '\n')
		fail("constant does not end on its line", 0);
	pos = pos + 1;
	if (c != '\\')
		return c;
	c = src[pos];
	pos = pos + 1;
	if (c == 'n')
		return '\n';
	if (c == 't')
		return '\t';
	if (c == 'r')
		return 13;
	if (c == '0')
		return 0;
	if (c == 'x') {
		int n = 0;
		while (is_name(src[pos])) {
			int d = src[pos];
			if (d >= '0' && d <= '9')
				d = d - '0';
			else if (d >= 'a' && d <= 'f')
				d = d - 'a' + 10;
			else
				break;
			n = n * 16 + d;
			pos = pos + 1;
		}
		return n & 255;
	}
	if (c == '\\' || c == '\'' || c == '"')
		return c;
	fail("unknown escape", 0);
}

int put_text(char *s)
{
	tok = STRING;
	tok_value = 0;
	while (s[tok_value]) {
		text[tok_value] = s[tok_value];
		tok_value = tok_value + 1;
	}
	text[tok_value] = 0;
}

int two_digits(int at, int n)
{
	text[at] = '0' + n / 10;
	text[at + 1] = '0' + n % 10;
}

int *arguments; /* of the command line; a null pointer and the environment follow them */
int argument_count;

/* seconds_now gives the time that __DATE__ and __TIME__ mean: that of the
   environment's SOURCE_DATE_EPOCH if it is set, so that a build can be repeated. */
int seconds_now()
{
	char *want = "SOURCE_DATE_EPOCH=";
	int i = argument_count + 1;
	while (arguments[i]) {
		char *s = arguments[i];
		int j = 0;
		while (want[j] && s[j] == want[j])
			j = j + 1;
		if (want[j] == 0) {
			int n = 0;
			while (s[j] >= '0' && s[j] <= '9') {
				n = n * 10 + s[j] - '0';
				j = j + 1;
			}
			return n;
		}
		i = i + 1;
	}
	return syscall(201, 0, 0, 0); /* time */
}

/* put_clock makes the current word the string of __DATE__, "Mmm dd yyyy", or
   of __TIME__, "hh:mm:ss", in universal time. */
int put_clock(int date)
{
	int seconds = seconds_now();
	if (date == 0) {
		put_text("00:00:00");
		two_digits(0, seconds / 3600 % 24);
		two_digits(3, seconds / 60 % 60);
		two_digits(6, seconds % 60);
		return 0;
	}
	/* Days are counted from 1 March of the year 0, so that a leap day is a year's last. */
	int days = seconds / 86400 + 719468;
	int era = days / 146097;
	int day = days % 146097;
	int year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	day = day - (365 * year + year / 4 - year / 100);
	int month = (5 * day + 2) / 153;
	day = day - (153 * month + 2) / 5 + 1;
	year = year + era * 400;
	if (month > 9)
		year = year + 1;
	put_text("... dd yyyy");
	char *months = "MarAprMayJunJulAugSepOctNovDecJanFeb";
	text[0] = months[month * 3];
	text[1] = months[month * 3 + 1];
	text[2] = months[month * 3 + 2];
	two_digits(4, day);
	if (day < 10)
		text[4] = ' ';
	two_digits(7, year / 100);
	two_digits(9, year % 100);
}

int read_number()
{
	tok = NUMBER;
	tok_value = 0;
	int radix = 10;
	if (src[pos] == '0' && (src[pos + 1] == 'x' || src[pos + 1] == 'X')) {
		radix = 16;
		pos = pos + 2;
	} else if (src[pos] == '0') {
		radix = 8;
	}
	while (is_name(src[pos])) {
		int d = src[pos];
		if (d >= '0' && d <= '9')
			d = d - '0';
		else
			d = (d | 32) - 'a' + 10;
		if (d < 0 || d >= radix)
			fail("bad number", 0);
		tok_value = tok_value * radix + d;
		pos = pos + 1;
	}
}

/* read_name makes the name at pos the current word; 0 when it was a macro,
   whose text is now the input. */
int read_name()
{
	int symbol = word_at();
	if (sym_macro[symbol] && sym_hidden[symbol] == 0) {
		push_input();
		pos = sym_macro[symbol];
		macro_stop = sym_macro_end[symbol];
		macro_name = symbol;
		sym_hidden[symbol] = 1;
		return 0;
	}
	tok = NAME;
	tok_value = symbol;
	if (sym_word[symbol]) {
		tok = sym_word[symbol];
	} else if (names[sym_name[symbol]] == '_' && names[sym_name[symbol] + 1] == '_') {
		if (symbol == named("__FILE__")) {
			char *all = names;
			put_text(all + sym_name[in_name]);
		} else if (symbol == named("__LINE__")) {
			tok = NUMBER;
			tok_value = in_line;
		} else if (symbol == named("__DATE__")) {
			put_clock(1);
		} else if (symbol == named("__TIME__")) {
			put_clock(0);
		}
	}
	return 1;
}

int read_operator()
{
	int c = src[pos];
	int d = src[pos + 1];
	tok = c;
	pos = pos + 1;
	if (d == '=' && (c == '=' || c == '!' || c == '<' || c == '>' || c == '+' || c == '-' || c == '*' || c == '/' || c == '%' || c == '&' || c == '|' || c == '^')
	 || d == c && (c == '&' || c == '|' || c == '<' || c == '>' || c == '+' || c == '-')
	 || c == '-' && d == '>') {
		tok = c + 256 * d;
		pos = pos + 1;
		if (d == c && (c == '<' || c == '>') && src[pos] == '=') {
			tok = tok + 65536 * '=';
			pos = pos + 1;
		}
	} else if (c == '.' && d == '.' && src[pos + 1] == '.') {
		tok = c + 256 * d + 65536 * d;
		pos = pos + 2;
	}
}

/* next makes the next word the current one. */
int next()
{
	while (1) {
		skip_blank();
		if (macro_stop && pos >= macro_stop) {
			pop_input();
		} else if (src[pos] == '\n') {
			pos = pos + 1;
			in_line = in_line + 1;
			skip_blank();
			if (src[pos] == '#' && macro_stop == 0) {
				pos = pos + 1;
				directive();
			}
		} else if (src[pos] == 0) {
			tok = END;
			if (inputs == 0)
				return 0;
			pop_input();
		} else if (src[pos] >= '0' && src[pos] <= '9') {
			return read_number();
		} else if (is_name(src[pos])) {
			if (read_name())
				return 0;
		} else if (src[pos] == '\'') {
			pos = pos + 1;
			tok = NUMBER;
			tok_value = escape();
			if (src[pos] != '\'')
				fail("character constant does not end", 0);
			pos = pos + 1;
			return 0;
		} else if (src[pos] == '"') {
			pos = pos + 1;
			tok = STRING;
			tok_value = 0;
			while (src[pos] != '"') {
				text[tok_value] = escape();
				tok_value = tok_value + 1;
				if (tok_value >= STR_MAX - 1)
					fail("string too long", 0);
			}
			text[tok_value] = 0;
			pos = pos + 1;
			return 0;
		} else {
			return read_operator();
		}
	}
}

/* need passes the operator that must stand here. */
int need(int operator)
{
	if (tok != operator) {
		numeral[0] = operator;
		numeral[1] = 0;
		fail("expected", named(numeral));
	}
	next();
}

int take(int operator)
{
	if (tok != operator)
		return 0;
	next();
	return 1;
}
