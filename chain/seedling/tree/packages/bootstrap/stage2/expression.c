/* expression.c - expressions. */

int assignment();
int expression();
int unary();
int base_type();
int declarator(int type);
int is_type();
int decl_name;

int sym_params[SYM_MAX]; /* FUNCTION: number of parameters plus 1; 0 when there may be any */

/* call compiles a call from its "(" on. The first argument lies lowest, so
   that a function with "..." can find those that follow. */
int call(int symbol)
{
	int n = 0;
	int room = 0;
	next();
	if (tok != ')') {
		op(0x4881ec); /* sub rsp, room */
		room = code_len;
		emit4(0);
		while (1) {
			assignment();
			load();
			op(0x48898424); /* mov [rsp + 8 * n], rax */
			emit4(8 * n);
			n = n + 1;
			if (tok != ',')
				break;
			next();
		}
	}
	need(')');
	if (sym_params[symbol] && sym_params[symbol] != n + 1)
		fail("wrong number of arguments", symbol);
	if (fixes == FIX_MAX)
		fail("too many calls", 0);
	fix_symbol[fixes] = symbol;
	fix_place[fixes] = jump(0xe8);
	fixes = fixes + 1;
	if (n) {
		patch4(room, 8 * n);
		op(0x4881c4); /* add rsp, room */
		emit4(8 * n);
	}
	set(V_RAX, sym_type[symbol], 0);
}

int string()
{
	int at = strings_len;
	while (tok == STRING) {
		int i = 0;
		if (strings_len + tok_value >= DATA_MAX - 1)
			fail("too many strings", 0);
		while (i < tok_value) {
			strings[strings_len] = text[i];
			strings_len = strings_len + 1;
			i = i + 1;
		}
		next();
	}
	strings[strings_len] = 0;
	strings_len = strings_len + 1;
	set(V_CONST, pointer_to(char_type), STRING_BASE + at);
}

/* change compiles ++ and --: adds to the variable whose address is in rax. */
int change(int by)
{
	if (type_kind[v_type] == T_CHAR) {
		op(0x8000); /* add byte [rax], by */
		emit(by);
	} else {
		op(0x488100); /* add qword [rax], by */
		emit4(by * step(v_type));
	}
}

/* cast compiles a type conversion from the type on. */
int cast()
{
	int type = declarator(base_type());
	need(')');
	unary();
	decay();
	if (type_kind[type] == T_CHAR) {
		load();
		op(0x0fb6c0); /* movzx eax, al */
	} else if (v_kind != V_CONST) {
		load();
	}
	v_type = type;
}

int primary()
{
	int symbol = tok_value;
	if (tok == NUMBER) {
		set(V_CONST, int_type, tok_value);
		next();
	} else if (tok == STRING) {
		string();
	} else if (tok == '(') {
		next();
		if (is_type()) {
			cast();
		} else {
			expression();
			need(')');
		}
	} else if (tok == NAME) {
		next();
		int kind = sym_kind[symbol];
		if (kind == CONSTANT)
			set(V_CONST, int_type, sym_value[symbol]);
		else if (kind == LOCAL)
			set(V_LOCAL, sym_type[symbol], sym_value[symbol]);
		else if (kind == GLOBAL)
			set(V_GLOBAL, sym_type[symbol], sym_value[symbol]);
		else if (kind == FUNCTION && tok == '(')
			call(symbol);
		else
			fail("not declared", symbol);
	} else {
		fail("expression expected", 0);
	}
}

/* select goes from a struct whose address is known to one of its fields. */
int select()
{
	if (tok != NAME)
		fail("field name expected", 0);
	int f = find_field(v_type, tok_value);
	next();
	if (v_kind == V_RAX || v_kind == V_ADDRESS) {
		if (field_place[f]) {
			op(0x4805); /* add rax, place */
			emit4(field_place[f]);
		}
		set(V_ADDRESS, field_type[f], 0);
	} else {
		set(v_kind, field_type[f], v_value + field_place[f]);
	}
}

/* dereference goes from a pointer to what it points to. */
int dereference()
{
	if (type_kind[v_type] != T_POINTER)
		fail("no pointer", 0);
	if (v_kind == V_CONST) {
		set(V_GLOBAL, type_of[v_type], v_value);
	} else {
		load();
		set(V_ADDRESS, type_of[v_type], 0);
	}
}

int postfix()
{
	primary();
	while (1) {
		if (tok == '[') {
			decay();
			int kind = v_kind;
			int type = v_type;
			int value = v_value;
			if (kind != V_CONST) {
				load();
				op(0x50); /* push rax */
			}
			int place = code_len;
			next();
			expression();
			need(']');
			operate('+', kind, type, value, place);
			dereference();
		} else if (tok == '.') {
			next();
			select();
		} else if (tok == ARROW) {
			next();
			decay();
			dereference();
			select();
		} else if (tok == INCREMENT || tok == DECREMENT) {
			address();
			op(0x4889c1); /* mov rcx, rax */
			int by = 1;
			if (tok == DECREMENT)
				by = -1;
			int before = v_type;
			load();
			op(0x4891); /* xchg rax, rcx: rcx has the value, rax the address */
			v_type = before;
			change(by);
			op(0x4889c8); /* mov rax, rcx */
			set(V_RAX, before, 0);
			next();
		} else {
			return 0;
		}
	}
}

int unary()
{
	int operator = tok;
	if (operator == '-' || operator == '~' || operator == '!' || operator == '+') {
		next();
		unary();
		decay();
		if (v_kind == V_CONST) {
			if (operator == '-')
				v_value = -v_value;
			else if (operator == '~')
				v_value = ~v_value;
			else if (operator == '!')
				v_value = !v_value;
			v_type = int_type;
			return 0;
		}
		load();
		if (operator == '-') {
			op(0x48f7d8); /* neg rax */
		} else if (operator == '~') {
			op(0x48f7d0); /* not rax */
		} else if (operator == '!') {
			op(0x4885c0); /* test rax, rax */
			op(0x0f94c0); /* sete al */
			op(0x0fb6c0); /* movzx eax, al */
		}
		set(V_RAX, int_type, 0);
	} else if (operator == '*') {
		next();
		unary();
		decay();
		dereference();
	} else if (operator == '&') {
		next();
		unary();
		int type = pointer_to(v_type);
		if (v_kind == V_GLOBAL) {
			set(V_CONST, type, v_value);
		} else {
			address();
			set(V_RAX, type, 0);
		}
	} else if (operator == INCREMENT || operator == DECREMENT) {
		next();
		unary();
		address();
		if (operator == INCREMENT)
			change(1);
		else
			change(-1);
	} else if (operator == SIZEOF) {
		next();
		need('(');
		int size;
		if (is_type()) {
			size = type_size[declarator(base_type())];
		} else {
			int before = code_len;
			expression();
			size = type_size[v_type];
			code_len = before;
		}
		need(')');
		set(V_CONST, int_type, size);
	} else {
		return postfix();
	}
}

int binary(int least)
{
	unary();
	while (1) {
		int operator = tok;
		int p = precedence(operator);
		if (p == 0 || p < least)
			return 0;
		next();
		if (p <= 2) {
			int end;
			load();
			op(0x4885c0); /* test rax, rax */
			if (operator == OR_OR)
				end = jump(JNZ);
			else
				end = jump(JZ);
			binary(p + 1);
			load();
			op(0x4885c0); /* test rax, rax */
			land(end);
			op(0x0f95c0); /* setne al: both ways come here right after a test */
			op(0x0fb6c0); /* movzx eax, al */
			set(V_RAX, int_type, 0);
		} else {
			decay();
			int kind = v_kind;
			int type = v_type;
			int value = v_value;
			if (kind != V_CONST) {
				load();
				op(0x50); /* push rax */
			}
			int place = code_len;
			binary(p + 1);
			operate(operator, kind, type, value, place);
		}
	}
}

int conditional()
{
	binary(1);
	if (tok != '?')
		return 0;
	load();
	op(0x4885c0); /* test rax, rax */
	int otherwise = jump(JZ);
	next();
	expression();
	load();
	int type = v_type;
	int end = jump(JMP);
	land(otherwise);
	need(':');
	conditional();
	load();
	land(end);
	if (type_kind[v_type] == T_INT)
		v_type = type;
}

/* store emits: the variable of the given kind and place becomes rax. For
   V_ADDRESS the address is in rcx. */
int store(int kind, int type, int value)
{
	int is_char = type_kind[type] == T_CHAR;
	if (kind == V_LOCAL) {
		if (is_char)
			op(0x8885);   /* mov [rbp + value], al */
		else
			op(0x488985); /* mov [rbp + value], rax */
		emit4(value);
	} else if (kind == V_GLOBAL) {
		if (is_char)
			op(0x880425);   /* mov [value], al */
		else
			op(0x48890425); /* mov [value], rax */
		emit4(value);
	} else if (is_char) {
		op(0x8801);   /* mov [rcx], al */
	} else {
		op(0x488901); /* mov [rcx], rax */
	}
	if (is_char)
		op(0x0fb6c0); /* movzx eax, al */
	set(V_RAX, type, 0);
}

/* copy_struct compiles the assignment of a whole struct. */
int copy_struct(int type)
{
	address();
	op(0x50); /* push rax */
	next();
	assignment();
	if (v_type != type)
		fail("structs differ", 0);
	load();
	op(0x4889c6); /* mov rsi, rax */
	op(0x5f);     /* pop rdi */
	op(0xb9);     /* mov ecx, size */
	emit4(type_size[type]);
	op(0xf3a4);   /* rep movsb */
}

int assignment()
{
	conditional();
	int kind = v_kind;
	int type = v_type;
	int value = v_value;
	if (tok == '=') {
		if (type_kind[type] == T_STRUCT)
			return copy_struct(type);
		if (type_kind[type] == T_ARRAY || kind == V_RAX || kind == V_CONST)
			fail("this cannot be assigned to", 0);
		if (kind == V_ADDRESS)
			op(0x50); /* push rax */
		next();
		assignment();
		load();
		if (kind == V_ADDRESS)
			op(0x59); /* pop rcx */
		store(kind, type, value);
	} else if (tok > 255 && (tok & 0xff00) == 256 * '=' && precedence(tok & 255) > 2 && tok != AT_MOST && tok != AT_LEAST
	        || tok == LEFT + 65536 * '=' || tok == RIGHT + 65536 * '=') {
		int operator = tok & 255;
		if (tok > 65535)
			operator = tok & 65535;
		address();
		op(0x50); /* push rax */
		load();
		op(0x50); /* push rax */
		next();
		assignment();
		load();
		int right = v_type;
		op(0x4889c1); /* mov rcx, rax */
		op(0x58);     /* pop rax */
		combine(operator, type, right);
		op(0x59);     /* pop rcx */
		store(V_ADDRESS, type, 0);
	}
}

int expression()
{
	assignment();
	while (tok == ',') {
		next();
		assignment();
	}
}

/* constant gives the value of a constant expression. */
int constant()
{
	conditional();
	decay();
	if (v_kind != V_CONST)
		fail("constant expected", 0);
	return v_value;
}
