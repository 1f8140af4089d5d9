/* declaration.c - types, variables and their first values. */

/* What names meant before the current blocks declared them otherwise. */
int undo_symbol[UNDO_MAX];
int undo_kind[UNDO_MAX];
int undo_type[UNDO_MAX];
int undo_value[UNDO_MAX];
int undos;

int leave_block(int mark)
{
	while (undos > mark) {
		undos = undos - 1;
		int s = undo_symbol[undos];
		sym_kind[s] = undo_kind[undos];
		sym_type[s] = undo_type[undos];
		sym_value[s] = undo_value[undos];
	}
}

int frame;     /* bytes of local variables in use */
int frame_max; /* the most that the function ever used */

/* declare_local gives the symbol room below rbp, or the place that is given. */
int declare_local(int symbol, int type, int value)
{
	if (undos == UNDO_MAX)
		fail("too many variables", symbol);
	undo_symbol[undos] = symbol;
	undo_kind[undos] = sym_kind[symbol];
	undo_type[undos] = sym_type[symbol];
	undo_value[undos] = sym_value[symbol];
	undos = undos + 1;
	if (value == 0) {
		frame = frame + round_up(type_size[type], 8);
		if (frame > frame_max)
			frame_max = frame;
		value = -frame;
	}
	sym_kind[symbol] = LOCAL;
	sym_type[symbol] = type;
	sym_value[symbol] = value;
}

int is_type()
{
	return tok >= INT && tok <= ENUM || tok >= STATIC;
}

/* struct_body reads the fields of a struct. */
int struct_body(int type)
{
	int last = 0;
	int size = 0;
	int align = 1;
	need('{');
	if (type_field[type])
		fail("struct declared twice", 0);
	while (tok != '}') {
		int base = base_type();
		while (1) {
			int t = declarator(base);
			if (type_size[t] == 0)
				fail("field without size", decl_name);
			fields = fields + 1;
			if (fields == FIELD_MAX)
				fail("too many fields", 0);
			size = round_up(size, type_align[t]);
			field_name[fields] = decl_name;
			field_type[fields] = t;
			field_place[fields] = size;
			size = size + type_size[t];
			if (type_align[t] > align)
				align = type_align[t];
			if (last)
				field_next[last] = fields;
			else
				type_field[type] = fields;
			last = fields;
			if (take(',') == 0)
				break;
		}
		need(';');
	}
	next();
	type_size[type] = round_up(size, align);
	type_align[type] = align;
}

int enum_body()
{
	int n = 0;
	need('{');
	while (tok != '}') {
		if (tok != NAME)
			fail("name expected", 0);
		int symbol = tok_value;
		next();
		if (take('='))
			n = constant();
		sym_kind[symbol] = CONSTANT;
		sym_value[symbol] = n;
		n = n + 1;
		if (take(',') == 0)
			break;
	}
	need('}');
}

/* base_type reads a type up to the first "*" or name. */
int base_type()
{
	int type = 0;
	while (is_type()) {
		int word = tok;
		next();
		if (word == INT || word == LONG) {
			type = int_type;
		} else if (word == CHAR) {
			type = char_type;
		} else if (word == VOID) {
			type = void_type;
		} else if (word == ENUM) {
			if (tok == NAME)
				next();
			if (tok == '{')
				enum_body();
			type = int_type;
		} else if (word == STRUCT) {
			if (tok == NAME) {
				int symbol = tok_value;
				next();
				if (sym_tag[symbol] == 0)
					sym_tag[symbol] = new_type(T_STRUCT, 0, 1, 0);
				type = sym_tag[symbol];
			} else {
				type = new_type(T_STRUCT, 0, 1, 0);
			}
			if (tok == '{')
				struct_body(type);
		}
	}
	if (type == 0)
		fail("type expected", 0);
	return type;
}

/* dimensions reads the "[n]" after a name. "[]" gives an array of no elements. */
int dimensions(int type)
{
	if (take('[') == 0)
		return type;
	int n = 0;
	if (tok != ']')
		n = constant();
	need(']');
	type = dimensions(type);
	return array_of(type, n);
}

/* declarator reads the "*", the name and the dimensions of one thing that is
   declared; the name, which may be missing, is left in decl_name. */
int declarator(int type)
{
	while (tok == '*' || tok == CONST) {
		if (tok == '*')
			type = pointer_to(type);
		next();
	}
	decl_name = 0;
	if (tok == NAME) {
		decl_name = tok_value;
		next();
	}
	int name = decl_name;
	type = dimensions(type);
	decl_name = name;
	return type;
}

int put_data(int place, int n, int bytes)
{
	if (place + bytes > DATA_MAX)
		fail("too much data", 0);
	while (bytes) {
		data[place] = n;
		n = n >> 8;
		place = place + 1;
		bytes = bytes - 1;
	}
}

/* initial puts the value that follows into the data at place, and gives the
   value's type: the one given, or for an array without a length a longer one. */
int initial(int type, int place)
{
	int n = 0;
	int kind = type_kind[type];
	int of = type_of[type];
	if (kind == T_ARRAY && tok == STRING) {
		if (of != char_type)
			fail("a string is no value for this array", 0);
		int i = 0;
		if (type_size[type] && tok_value > type_size[type])
			fail("string too long", 0);
		while (i <= tok_value) {
			if (type_size[type] == 0 || i < type_size[type])
				put_data(place + i, text[i], 1);
			i = i + 1;
		}
		if (type_size[type] == 0)
			type = array_of(of, tok_value + 1);
		next();
	} else if (kind == T_ARRAY) {
		need('{');
		while (tok != '}') {
			if (type_size[type] && n * type_size[of] >= type_size[type])
				fail("too many values", 0);
			initial(of, place + n * type_size[of]);
			n = n + 1;
			if (take(',') == 0)
				break;
		}
		need('}');
		if (type_size[type] == 0)
			type = array_of(of, n);
	} else if (kind == T_STRUCT) {
		need('{');
		int f = type_field[type];
		while (tok != '}') {
			if (f == 0)
				fail("too many values", 0);
			initial(field_type[f], place + field_place[f]);
			f = field_next[f];
			if (take(',') == 0)
				break;
		}
		need('}');
	} else {
		put_data(place, constant(), type_size[type]);
	}
	return type;
}

/* global compiles a variable outside of functions, from its name on. */
int global(int symbol, int type)
{
	int had = sym_kind[symbol] == GLOBAL;
	if (sym_kind[symbol] && had == 0)
		fail("declared twice", symbol);
	if (tok == '=') {
		next();
		data_len = round_up(data_len, 8);
		int place = data_len;
		type = initial(type, place);
		data_len = place + type_size[type];
		if (data_len >= DATA_MAX)
			fail("too much data", symbol);
		sym_value[symbol] = DATA_BASE + place;
	} else if (had == 0) {
		if (type_size[type] == 0)
			fail("variable without size", symbol);
		bss_len = round_up(bss_len, 8);
		sym_value[symbol] = BSS_BASE + bss_len;
		bss_len = bss_len + type_size[type];
	}
	sym_kind[symbol] = GLOBAL;
	sym_type[symbol] = type;
}
