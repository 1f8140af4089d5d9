/* statement.c - statements. */

/* Jumps out of the loops and switches around the current statement, which are
   completed when their end is known; and the cases of the switches. */
int break_jump[JUMP_MAX];
int breaks;
int continue_jump[JUMP_MAX];
int continues;
int in_loop;  /* how many loops and switches there are around */
int case_value[CASE_MAX];
int case_place[CASE_MAX];
int cases;
int default_place;

int statement();

int land_breaks(int mark)
{
	while (breaks > mark) {
		breaks = breaks - 1;
		land(break_jump[breaks]);
	}
}

int land_continues(int mark)
{
	while (continues > mark) {
		continues = continues - 1;
		land(continue_jump[continues]);
	}
}

/* condition compiles an expression and gives the jump taken when it is 0. */
int condition()
{
	expression();
	load();
	op(0x4885c0); /* test rax, rax */
	return jump(JZ);
}

int if_statement()
{
	need('(');
	int otherwise = condition();
	need(')');
	statement();
	if (take(ELSE)) {
		int end = jump(JMP);
		land(otherwise);
		statement();
		land(end);
	} else {
		land(otherwise);
	}
}

int while_statement()
{
	int b = breaks;
	int c = continues;
	int top = code_len;
	need('(');
	int end = condition();
	need(')');
	statement();
	land_continues(c);
	jump_back(JMP, top);
	land(end);
	land_breaks(b);
}

int do_statement()
{
	int b = breaks;
	int c = continues;
	int top = code_len;
	statement();
	land_continues(c);
	if (take(WHILE) == 0)
		fail("while expected", 0);
	need('(');
	int end = condition();
	need(')');
	need(';');
	jump_back(JMP, top);
	land(end);
	land_breaks(b);
}

/* for_statement: the third expression is compiled before the body, where it
   stands, and jumped over. */
int for_statement()
{
	int b = breaks;
	int c = continues;
	int mark = undos;
	int end = 0;
	need('(');
	if (is_type())
		statement(); /* a declaration, with its ";" */
	else {
		if (tok != ';')
			expression();
		need(';');
	}
	int top = code_len;
	if (tok != ';')
		end = condition();
	need(';');
	int body = jump(JMP);
	int again = code_len;
	if (tok != ')')
		expression();
	need(')');
	jump_back(JMP, top);
	land(body);
	statement();
	land_continues(c);
	jump_back(JMP, again);
	if (end)
		land(end);
	land_breaks(b);
	leave_block(mark);
}

/* switch_statement: the value waits in a local variable while the body is
   compiled; the comparisons come after the body. */
int switch_statement()
{
	int b = breaks;
	int first = cases;
	int outer = default_place;
	default_place = 0;
	need('(');
	expression();
	need(')');
	load();
	frame = frame + 8;
	if (frame > frame_max)
		frame_max = frame;
	int place = -frame;
	store(V_LOCAL, int_type, place);
	int choose = jump(JMP);
	statement();
	int end = jump(JMP);
	land(choose);
	op(0x488b85); /* mov rax, [rbp + place] */
	emit4(place);
	int i = first;
	while (i < cases) {
		load_number(case_value[i], 1);
		op(0x4839c8); /* cmp rax, rcx */
		jump_back(JE, case_place[i]);
		i = i + 1;
	}
	if (default_place)
		jump_back(JMP, default_place);
	land(end);
	land_breaks(b);
	cases = first;
	default_place = outer;
}

int case_label(int word)
{
	if (word == CASE) {
		if (cases == CASE_MAX)
			fail("too many cases", 0);
		case_value[cases] = constant();
		case_place[cases] = code_len;
		cases = cases + 1;
	} else {
		default_place = code_len;
	}
	need(':');
	statement();
}

int local_declaration()
{
	int base = base_type();
	if (take(';'))
		return 0;
	while (1) {
		int type = declarator(base);
		int symbol = decl_name;
		if (symbol == 0 || type_size[type] == 0)
			fail("variable without name or size", symbol);
		declare_local(symbol, type, 0);
		int place = sym_value[symbol];
		if (take('=')) {
			if (type_kind[type] == T_ARRAY || type_kind[type] == T_STRUCT)
				fail("local arrays and structs cannot be given a value here", symbol);
			assignment();
			load();
			store(V_LOCAL, type, place);
		}
		if (take(',') == 0)
			break;
	}
	need(';');
}

int block()
{
	int mark = undos;
	int room = frame;
	while (tok != '}') {
		if (tok == END)
			fail("} expected", 0);
		statement();
	}
	next();
	leave_block(mark);
	frame = room;
}

/* leave compiles break and continue. */
int leave(int word)
{
	if (in_loop == 0 || breaks == JUMP_MAX || continues == JUMP_MAX)
		fail("break or continue outside of a loop, or too many", 0);
	if (word == BREAK) {
		break_jump[breaks] = jump(JMP);
		breaks = breaks + 1;
	} else {
		continue_jump[continues] = jump(JMP);
		continues = continues + 1;
	}
	need(';');
}

int statement()
{
	int word = tok;
	if (is_type())
		return local_declaration();
	if (word == WHILE || word == DO || word == FOR || word == SWITCH) {
		next();
		in_loop = in_loop + 1;
		if (word == WHILE)
			while_statement();
		else if (word == DO)
			do_statement();
		else if (word == FOR)
			for_statement();
		else
			switch_statement();
		in_loop = in_loop - 1;
	} else if (word == '{') {
		next();
		block();
	} else if (word == IF) {
		next();
		if_statement();
	} else if (word == CASE || word == DEFAULT) {
		next();
		case_label(word);
	} else if (word == BREAK || word == CONTINUE) {
		next();
		leave(word);
	} else if (word == RETURN) {
		next();
		if (tok != ';') {
			expression();
			load();
		}
		need(';');
		op(0xc9c3); /* leave; ret */
	} else if (word == ';') {
		next();
	} else {
		expression();
		load();
		need(';');
	}
}
