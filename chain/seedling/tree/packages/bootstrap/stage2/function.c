/* function.c - functions, and what goes around them. */

/* function compiles a function, or its declaration, from the "(" on. */
int function(int symbol, int type)
{
	int mark = undos;
	int n = 0;
	int any = 0;
	if (sym_kind[symbol] && sym_kind[symbol] != FUNCTION)
		fail("declared twice", symbol);
	sym_kind[symbol] = FUNCTION;
	sym_type[symbol] = type;
	need('(');
	frame = 0;
	frame_max = 0;
	while (tok != ')') {
		if (take(ELLIPSIS)) {
			any = 1;
			break;
		}
		int t = declarator(base_type());
		if (t == void_type && decl_name == 0)
			break;
		if (type_kind[t] == T_ARRAY)
			t = pointer_to(type_of[t]);
		if (type_kind[t] == T_STRUCT)
			fail("a struct cannot be a parameter", decl_name);
		if (decl_name)
			declare_local(decl_name, t, 16 + 8 * n);
		n = n + 1;
		if (take(',') == 0)
			break;
	}
	need(')');
	int had = sym_params[symbol];
	sym_params[symbol] = n + 1;
	if (any)
		sym_params[symbol] = 0;
	if (had && had != sym_params[symbol])
		fail("declared with another number of parameters", symbol);
	if (take(';')) {
		leave_block(mark);
		return 0;
	}
	if (sym_value[symbol])
		fail("function defined twice", symbol);
	sym_value[symbol] = code_len;
	op(0x55);     /* push rbp */
	op(0x4889e5); /* mov rbp, rsp */
	op(0x4881ec); /* sub rsp, frame_max */
	int room = code_len;
	emit4(0);
	need('{');
	block();
	op(0x31c0);   /* xor eax, eax: a function that ends without return gives 0 */
	op(0xc9c3);   /* leave; ret */
	patch4(room, frame_max);
	leave_block(mark);
}

int external_declaration()
{
	int base = base_type();
	if (take(';'))
		return 0;
	while (1) {
		int type = declarator(base);
		int symbol = decl_name;
		if (symbol == 0)
			fail("name expected", 0);
		if (tok == '(') {
			function(symbol, type);
			return 0;
		}
		global(symbol, type);
		if (take(',') == 0)
			break;
	}
	need(';');
}

/* prologue emits what the kernel starts, exit(main(argc, argv, envp)), and the
   function syscall(number, a, b, c, d, e, f). */
int prologue()
{
	op(0x488b3c24);       /* mov rdi, [rsp]: argc */
	op(0x488d7424); emit(8);        /* lea rsi, [rsp + 8]: argv */
	op(0x488d54fc); emit(16);       /* lea rdx, [rsp + 8 * rdi + 16]: envp */
	op(0x52);             /* push rdx */
	op(0x56);             /* push rsi */
	op(0x57);             /* push rdi */
	fix_symbol[0] = named("main");
	fix_place[0] = jump(0xe8);
	fixes = 1;
	op(0x89c7);           /* mov edi, eax */
	op(0xb8); emit4(60);  /* mov eax, 60: exit */
	op(0x0f05);           /* syscall */

	int symbol = named("syscall");
	sym_kind[symbol] = FUNCTION;
	sym_type[symbol] = int_type;
	sym_value[symbol] = code_len;
	op(0x488b4424); emit(8);        /* mov rax, [rsp + 8] */
	op(0x488b7c24); emit(16);       /* mov rdi, [rsp + 16] */
	op(0x488b7424); emit(24);       /* mov rsi, [rsp + 24] */
	op(0x488b5424); emit(32);       /* mov rdx, [rsp + 32] */
	op(0x4c8b5424); emit(40);       /* mov r10, [rsp + 40] */
	op(0x4c8b4424); emit(48);       /* mov r8, [rsp + 48] */
	op(0x4c8b4c24); emit(56);       /* mov r9, [rsp + 56] */
	op(0x0f05);           /* syscall */
	op(0xc3);             /* ret */
}

/* link completes the calls of functions. */
int link()
{
	int i = 0;
	while (i < fixes) {
		int symbol = fix_symbol[i];
		if (sym_value[symbol] == 0)
			fail("function not defined", symbol);
		patch4(fix_place[i], sym_value[symbol] - fix_place[i] - 4);
		i = i + 1;
	}
}
