/* type.c - sizes and fields. */

enum { T_VOID = 1, T_CHAR, T_INT, T_POINTER, T_ARRAY, T_STRUCT };
int type_kind[TYPE_MAX];
int type_size[TYPE_MAX];
int type_align[TYPE_MAX];
int type_of[TYPE_MAX];      /* what a pointer points to, or an array holds */
int type_pointer[TYPE_MAX]; /* the pointer to it, once there is one */
int type_field[TYPE_MAX];   /* first field of a struct; 0 when it has none yet */
int types;
int field_name[FIELD_MAX];
int field_type[FIELD_MAX];
int field_place[FIELD_MAX];
int field_next[FIELD_MAX];
int fields;
int void_type;
int char_type;
int int_type;

int new_type(int kind, int size, int align, int of)
{
	types = types + 1;
	if (types == TYPE_MAX)
		fail("too many types", 0);
	type_kind[types] = kind;
	type_size[types] = size;
	type_align[types] = align;
	type_of[types] = of;
	return types;
}

int pointer_to(int type)
{
	if (type_pointer[type] == 0)
		type_pointer[type] = new_type(T_POINTER, 8, 8, type);
	return type_pointer[type];
}

int array_of(int type, int n)
{
	return new_type(T_ARRAY, type_size[type] * n, type_align[type], type);
}

int is_pointer(int type)
{
	return type_kind[type] == T_POINTER || type_kind[type] == T_ARRAY;
}

/* find_field gives the field of a struct type by its name. */
int find_field(int type, int symbol)
{
	if (type_kind[type] != T_STRUCT)
		fail("no struct", symbol);
	int f = type_field[type];
	while (f) {
		if (field_name[f] == symbol)
			return f;
		f = field_next[f];
	}
	fail("no such field", symbol);
}

int round_up(int n, int align)
{
	return (n + align - 1) / align * align;
}
