/* value.c - what an expression is before code is made for it. */

/* What the expression compiled last is. As long as possible no code is made
   for it: a constant or a variable may be used in a better way. */
enum {
	V_RAX,    /* the value is in rax; of a struct, its address */
	V_ADDRESS,/* rax has the address of a variable */
	V_LOCAL,  /* a variable, v_value bytes above rbp */
	V_GLOBAL, /* a variable at address v_value */
	V_CONST   /* the value is v_value */
};
int v_kind;
int v_type;
int v_value;

int set(int kind, int type, int value)
{
	v_kind = kind;
	v_type = type;
	v_value = value;
}

/* load_number emits rax = n, or rcx = n when reg is 1. */
int load_number(int n, int reg)
{
	if (n >> 31 == 0) {
		emit(0xb8 + reg);
		emit4(n);
	} else if (fits32(n)) {
		op(0x48c7c0 + reg);
		emit4(n);
	} else {
		op(0x48b8 + reg);
		emit4(n);
		emit4(n >> 32);
	}
}

/* decay makes an array what it is in an expression: a pointer to its first element. */
int decay()
{
	if (type_kind[v_type] != T_ARRAY)
		return 0;
	int type = pointer_to(type_of[v_type]);
	if (v_kind == V_LOCAL) {
		op(0x488d85); /* lea rax, [rbp + v_value] */
		emit4(v_value);
		set(V_RAX, type, 0);
	} else if (v_kind == V_GLOBAL) {
		set(V_CONST, type, v_value);
	} else {
		set(V_RAX, type, 0);
	}
}

/* load brings the value into rax. */
int load()
{
	decay();
	int kind = type_kind[v_type];
	if (v_kind == V_CONST) {
		load_number(v_value, 0);
	} else if (v_kind == V_LOCAL) {
		if (kind == T_CHAR)
			op(0x0fb685); /* movzx eax, byte [rbp + v_value] */
		else if (kind == T_STRUCT)
			op(0x488d85); /* lea rax, [rbp + v_value] */
		else
			op(0x488b85); /* mov rax, [rbp + v_value] */
		emit4(v_value);
	} else if (v_kind == V_GLOBAL) {
		if (kind == T_CHAR)
			op(0x0fb60425); /* movzx eax, byte [v_value] */
		else if (kind == T_STRUCT)
			op(0xb8); /* mov eax, v_value */
		else
			op(0x488b0425); /* mov rax, [v_value] */
		emit4(v_value);
	} else if (v_kind == V_ADDRESS) {
		if (kind == T_CHAR)
			op(0x0fb600); /* movzx eax, byte [rax] */
		else if (kind != T_STRUCT)
			op(0x488b00); /* mov rax, [rax] */
	}
	v_kind = V_RAX;
}

/* address brings the address of a variable into rax. */
int address()
{
	if (v_kind == V_LOCAL) {
		op(0x488d85); /* lea rax, [rbp + v_value] */
		emit4(v_value);
	} else if (v_kind == V_GLOBAL) {
		load_number(v_value, 0);
	} else if (v_kind != V_ADDRESS && (v_kind != V_RAX || type_kind[v_type] != T_STRUCT)) {
		fail("a variable is needed here", 0);
	}
	v_kind = V_ADDRESS;
}

/* is_lazy: no code was made for the value, and load_rcx can be used. */
int is_lazy()
{
	return v_kind >= V_LOCAL && type_kind[v_type] != T_STRUCT;
}

/* load_rcx brings a lazy value into rcx and leaves rax alone. */
int load_rcx()
{
	int is_char = type_kind[v_type] == T_CHAR;
	if (v_kind == V_CONST) {
		load_number(v_value, 1);
	} else if (v_kind == V_LOCAL) {
		if (is_char)
			op(0x0fb68d); /* movzx ecx, byte [rbp + v_value] */
		else
			op(0x488b8d); /* mov rcx, [rbp + v_value] */
		emit4(v_value);
	} else {
		if (is_char)
			op(0x0fb60c25); /* movzx ecx, byte [v_value] */
		else
			op(0x488b0c25); /* mov rcx, [v_value] */
		emit4(v_value);
	}
}
