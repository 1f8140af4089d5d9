/* operator.c - what operators compute. */

enum {
	OR_OR = 31868, AND_AND = 9766, EQUAL = 15677, NOT_EQUAL = 15649, AT_MOST = 15676, AT_LEAST = 15678,
	LEFT = 15420, RIGHT = 15934, INCREMENT = 11051, DECREMENT = 11565, ARROW = 15917, ELLIPSIS = 3026478
};

int precedence(int operator)
{
	if (operator == '*' || operator == '/' || operator == '%')
		return 10;
	if (operator == '+' || operator == '-')
		return 9;
	if (operator == LEFT || operator == RIGHT)
		return 8;
	if (operator == '<' || operator == '>' || operator == AT_MOST || operator == AT_LEAST)
		return 7;
	if (operator == EQUAL || operator == NOT_EQUAL)
		return 6;
	if (operator == '&')
		return 5;
	if (operator == '^')
		return 4;
	if (operator == '|')
		return 3;
	if (operator == AND_AND)
		return 2;
	if (operator == OR_OR)
		return 1;
	return 0;
}

int fold(int operator, int a, int b)
{
	if (operator == '+') return a + b;
	if (operator == '-') return a - b;
	if (operator == '*') return a * b;
	if (operator == '&') return a & b;
	if (operator == '|') return a | b;
	if (operator == '^') return a ^ b;
	if (operator == LEFT) return a << b;
	if (operator == RIGHT) return a >> b;
	if (operator == '<') return a < b;
	if (operator == '>') return a > b;
	if (operator == AT_MOST) return a <= b;
	if (operator == AT_LEAST) return a >= b;
	if (operator == EQUAL) return a == b;
	if (operator == NOT_EQUAL) return a != b;
	if (b == 0)
		fail("division by zero", 0);
	if (operator == '/') return a / b;
	return a % b;
}

/* compare emits rax = 1 or 0 by the condition whose setcc opcode is given. */
int compare(int setcc)
{
	op(0x4839c8);       /* cmp rax, rcx */
	op(setcc * 256 + 0xc0);
	op(0x0fb6c0);       /* movzx eax, al */
}

/* compute emits rax = rax operator rcx, without regard to pointers. */
int compute(int operator)
{
	if (operator == '+') op(0x4801c8);
	else if (operator == '-') op(0x4829c8);
	else if (operator == '*') op(0x480fafc1);
	else if (operator == '&') op(0x4821c8);
	else if (operator == '|') op(0x4809c8);
	else if (operator == '^') op(0x4831c8);
	else if (operator == LEFT) op(0x48d3e0);
	else if (operator == RIGHT) op(0x48d3f8);
	else if (operator == '<') compare(0x0f9c);
	else if (operator == '>') compare(0x0f9f);
	else if (operator == AT_MOST) compare(0x0f9e);
	else if (operator == AT_LEAST) compare(0x0f9d);
	else if (operator == EQUAL) compare(0x0f94);
	else if (operator == NOT_EQUAL) compare(0x0f95);
	else {
		op(0x4899);   /* cqo */
		op(0x48f7f9); /* idiv rcx */
		if (operator == '%')
			op(0x4889d0); /* mov rax, rdx */
	}
}

/* step is how far a pointer of this type goes when 1 is added; 1 for what is no pointer. */
int step(int type)
{
	if (type_kind[type] != T_POINTER)
		return 1;
	if (type_size[type_of[type]] == 0)
		return 1;
	return type_size[type_of[type]];
}

/* combine emits the operation on rax of type left and rcx of type right. */
int combine(int operator, int left, int right)
{
	int type = int_type;
	if (operator == '+' || operator == '-') {
		int both = type_kind[left] == T_POINTER && type_kind[right] == T_POINTER;
		if (both == 0 && step(left) > 1) {
			op(0x4869c9); /* imul rcx, rcx, step */
			emit4(step(left));
		}
		if (both == 0 && step(right) > 1) {
			op(0x4869c0); /* imul rax, rax, step */
			emit4(step(right));
		}
		compute(operator);
		if (both && step(left) > 1) {
			load_number(step(left), 1);
			compute('/');
		}
		if (both == 0 && type_kind[left] == T_POINTER)
			type = left;
		else if (both == 0 && type_kind[right] == T_POINTER)
			type = right;
	} else {
		compute(operator);
	}
	set(V_RAX, type, 0);
}

/* operate ends an operation whose left operand was of the given kind, type
   and value, and on the stack, pushed before place, unless it is a constant.
   The right one is the current value. */
int operate(int operator, int kind, int type, int value, int place)
{
	decay();
	int right = v_type;
	if (kind == V_CONST && v_kind == V_CONST) {
		int both = type_kind[type] == T_POINTER && type_kind[right] == T_POINTER;
		if ((operator == '+' || operator == '-') && both == 0)
			value = fold(operator, value * step(right), v_value * step(type));
		else if (operator == '-')
			value = (value - v_value) / step(type);
		else
			value = fold(operator, value, v_value);
		if (operator != '+' && operator != '-' || both)
			type = int_type;
		else if (type_kind[type] != T_POINTER)
			type = right;
		if (type_kind[type] == T_CHAR)
			type = int_type;
		set(V_CONST, type, value);
		return 0;
	}
	if (kind == V_CONST) {
		load();
		op(0x4889c1); /* mov rcx, rax */
		load_number(value, 0);
	} else if (is_lazy() && code_len == place) {
		code_len = code_len - 1; /* the push is not needed */
		load_rcx();
	} else {
		load();
		op(0x4889c1); /* mov rcx, rax */
		op(0x58);     /* pop rax */
	}
	combine(operator, type, right);
}
