/* run.c - obeying a tree of commands. Each routine gives the exit status. */

/* environment makes the list of "NAME=value" for a new program. */
char **environment()
{
	struct variable *v;
	int n = 0;
	char **list;
	for (v = variables; v; v = v->next)
		n++;
	list = (char **)malloc((n + 1) * 8);
	n = 0;
	for (v = variables; v; v = v->next)
		if (v->exported)
			list[n++] = join(v->name, "=", v->value);
	return list;
}

/* execute becomes the program; it does not return. */
void execute(char **argv)
{
	struct variable *v = find_variable("PATH");
	char *p = v ? v->value : "", *end, **env = environment();
	if (strchr(argv[0], '/'))
		execve(argv[0], argv, env);
	else
		for (; *p; p = *end ? end + 1 : end) {
			end = strchr(p, ':');
			if (end == NULL)
				end = p + strlen(p);
			execve(join(copy_bytes(p, end - p), "/", argv[0]), argv, env);
		}
	complain("%s: cannot be run", argv[0]);
	exit(127);
}

/* redirect opens the files of a command onto their descriptors; 1 when one
   cannot be opened. */
int redirect(struct redirect *r)
{
	for (; r; r = r->next) {
		char *file = expand_one(r->file);
		int fd;
		if (*file == '&' && file[1] >= '0' && file[1] <= '9') {
			dup2(file[1] - '0', r->fd);
			continue;
		}
		fd = open(file, r->flags, 0666);
		if (fd < 0) {
			complain("%s: cannot be opened", file);
			return 1;
		}
		if (fd != r->fd) {
			dup2(fd, r->fd);
			close(fd);
		}
	}
	return 0;
}

/* test evaluates the words of "test" and "[". */
int test(char **a, int n)
{
	struct stat s;
	if (n > 0 && strcmp(a[0], "!") == 0)
		return !test(a + 1, n - 1);
	if (n == 1)
		return a[0][0] == 0;
	if (n == 2) {
		switch (a[0][1]) {
		case 'n':
			return a[1][0] == 0;
		case 'z':
			return a[1][0] != 0;
		case 'd':
			return !is_directory(a[1]);
		case 'f':
			return stat(a[1], &s) < 0 || (s.mode & S_TYPE) != S_REGULAR;
		case 'e':
			return stat(a[1], &s) < 0;
		}
	}
	if (n == 3) {
		if (strcmp(a[1], "=") == 0)
			return strcmp(a[0], a[2]) != 0;
		if (strcmp(a[1], "!=") == 0)
			return strcmp(a[0], a[2]) == 0;
		if (strcmp(a[1], "-eq") == 0)
			return atoi(a[0]) != atoi(a[2]);
		if (strcmp(a[1], "-ne") == 0)
			return atoi(a[0]) == atoi(a[2]);
		if (strcmp(a[1], "-lt") == 0)
			return atoi(a[0]) >= atoi(a[2]);
		if (strcmp(a[1], "-gt") == 0)
			return atoi(a[0]) <= atoi(a[2]);
	}
	if (n)
		complain("test: not understood");
	return n ? 2 : 1;
}

int wait_all()
{
	int status, r = 0;
	while (wait(-1, &status) > 0)
		if (status)
			r = status;
	return r;
}

int set_options(char **argv)
{
	char *p;
	for (argv++; *argv; argv++) {
		for (p = *argv + 1; *p; p++) {
			if (*p == 'e')
				exit_on_error = **argv == '-';
			else if (*p == 'x')
				show = **argv == '-';
			else if (*p != 'u')
				return 2;
		}
	}
	return 0;
}

int export(char **argv)
{
	char *p;
	struct variable *v;
	for (argv++; *argv; argv++) {
		p = strchr(*argv, '=');
		if (p) {
			v = set_variable(copy_bytes(*argv, p - *argv), p + 1);
		} else {
			v = find_variable(*argv);
			if (v == NULL)
				v = set_variable(*argv, "");
		}
		v->exported = 1;
	}
	return 0;
}

/* built_in runs a command that the shell knows itself; -1 when it is none. */
int built_in(char **argv, int n)
{
	char *name = argv[0];
	int i;
	if (strcmp(name, "true") == 0 || strcmp(name, ":") == 0)
		return 0;
	if (strcmp(name, "false") == 0)
		return 1;
	if (strcmp(name, "cd") == 0) {
		if (n == 2 && chdir(argv[1]) >= 0)
			return 0;
		complain("cd: %s: no such directory", n == 2 ? argv[1] : "");
		return 1;
	}
	if (strcmp(name, "exit") == 0)
		finish(n > 1 ? atoi(argv[1]) : last_status);
	if (strcmp(name, "echo") == 0) {
		int newline = !(n > 1 && strcmp(argv[1], "-n") == 0);
		for (i = 2 - newline; i < n; i++)
			printf(i + 1 < n ? "%s " : "%s", argv[i]);
		if (newline)
			printf("\n");
		flush(&standard_output);
		return standard_output.failed != 0;
	}
	if (strcmp(name, "[") == 0) {
		if (strcmp(argv[n - 1], "]"))
			die("missing", "]");
		return test(argv + 1, n - 2);
	}
	if (strcmp(name, "test") == 0)
		return test(argv + 1, n - 1);
	if (strcmp(name, "set") == 0)
		return set_options(argv);
	if (strcmp(name, "export") == 0)
		return export(argv);
	if (strcmp(name, "wait") == 0)
		return wait_all();
	if (strcmp(name, "umask") == 0) {
		if (n > 1) {
			umask(number(argv[1], 8, NULL));
		} else {
			i = umask(0);
			umask(i);
			printf("%4o\n", i);
			flush(&standard_output);
		}
		return 0;
	}
	return -1;
}

/* in_child runs a command in a new process and waits for it. */
int in_child(struct command *c, char **argv)
{
	int status = 1, pid = fork();
	if (pid == 0) {
		if (redirect(c->redirects))
			exit(1);
		if (argv)
			execute(argv);
		exit_on_error = exit_on_error && !ignore_errors;
		exit(run(c->left));
	}
	wait(pid, &status);
	return status;
}

/* keep_and_redirect does what redirect does, and copies each descriptor first
   to one that is 10 higher; restore brings them back. */
int keep_and_redirect(struct redirect *r)
{
	struct redirect *each;
	for (each = r; each; each = each->next)
		dup2(each->fd, each->fd + 10);
	return redirect(r);
}

void restore(struct redirect *r)
{
	for (; r; r = r->next) {
		dup2(r->fd + 10, r->fd);
		close(r->fd + 10);
	}
}

int run_simple(struct command *c)
{
	struct word *w = c->words;
	char **argv, *p;
	int n, i, status;
	for (; w; w = w->next) { /* assignments come first */
		for (p = w->text; is_name(*p); p++)
			;
		if (*p != '=' || p == w->text)
			break;
		last_status = 0;
		set_variable(copy_bytes(w->text, p - w->text), expand_one(p + 1));
	}
	if (w == NULL && c->redirects == NULL)
		return last_status;
	argv = expand_words(w, &n);
	if (show && n) {
		standard_error.fd = 2;
		put_char(&standard_error, '+');
		for (i = 0; i < n; i++)
			fprintf(&standard_error, " %s", argv[i]);
		put_char(&standard_error, '\n');
		flush(&standard_error);
	}
	status = keep_and_redirect(c->redirects);
	if (status == 0 && n) {
		status = built_in(argv, n);
		if (status < 0) {
			restore(c->redirects);
			return in_child(c, argv);
		}
	}
	restore(c->redirects);
	return status;
}

/* run_pipe runs left and right at once, joined by a pipe; the status is right's. */
int run_pipe(struct command *c)
{
	char pair[8];
	int left, right, status = 1, unused;
	if (pipe_into(pair) < 0)
		die("cannot make", "a pipe");
	left = fork();
	if (left == 0) {
		dup2(half(pair + 4), 1);
		close(half(pair));
		close(half(pair + 4));
		exit(run(c->left));
	}
	right = fork();
	if (right == 0) {
		dup2(half(pair), 0);
		close(half(pair));
		close(half(pair + 4));
		exit(run(c->right));
	}
	close(half(pair));
	close(half(pair + 4));
	wait(left, &unused);
	wait(right, &status);
	return status;
}

/* run_quietly runs a command whose failure is looked at. */
int run_quietly(struct command *c)
{
	int status;
	ignore_errors++;
	status = run(c);
	ignore_errors--;
	return status;
}

int run_for(struct command *c)
{
	int n, i, status = 0;
	char **values = expand_words(c->words, &n);
	for (i = 0; i < n; i++) {
		set_variable(c->name, values[i]);
		status = run(c->left);
	}
	return status;
}

int run_kind(struct command *c)
{
	int status = 0;
	switch (c->kind) {
	case SIMPLE:
		return run_simple(c);
	case PIPE:
		return run_pipe(c);
	case AND:
		status = run_quietly(c->left);
		return status ? status : run(c->right);
	case OR:
		status = run_quietly(c->left);
		return status ? run(c->right) : 0;
	case SEQUENCE:
		run(c->left);
		return run(c->right);
	case NOT:
		return !run_quietly(c->left);
	case BACKGROUND:
		if (fork() == 0)
			exit(run(c->left));
		return 0;
	case IF_ELSE:
		return run_quietly(c->left) == 0 ? run(c->right) : run(c->otherwise);
	case WHILE_LOOP:
		while (run_quietly(c->left) == 0)
			status = run(c->right);
		return status;
	case FOR_LOOP:
		return run_for(c);
	case SUBSHELL:
		return in_child(c, NULL);
	case GROUP:
		return run(c->left);
	}
	return 1;
}

int run(struct command *c)
{
	int compound;
	if (c == NULL)
		return 0;
	compound = c->kind != SIMPLE && c->kind != SUBSHELL && c->redirects;
	if (compound && keep_and_redirect(c->redirects))
		last_status = 1;
	else
		last_status = run_kind(c);
	if (compound)
		restore(c->redirects);
	if (last_status && exit_on_error && !ignore_errors && (c->kind == SIMPLE || c->kind == PIPE || c->kind == SUBSHELL))
		finish(last_status);
	return last_status;
}

int run_text(char *text)
{
	char *before = source;
	struct command *c;
	source = text;
	advance();
	c = parse_list();
	if (token)
		syntax_error(token);
	source = before;
	return run(c);
}

/* capture gives what the commands write to standard output, without the line
   ends after it. */
char *capture(char *commands)
{
	char pair[8], *text;
	int n, pid;
	if (pipe_into(pair) < 0)
		die("cannot make", "a pipe");
	pid = fork();
	if (pid == 0) {
		dup2(half(pair + 4), 1);
		close(half(pair));
		close(half(pair + 4));
		exit(run_text(commands));
	}
	close(half(pair + 4));
	text = read_fd(half(pair), &n);
	close(half(pair));
	wait(pid, &last_status);
	while (n > 0 && text[n - 1] == '\n')
		text[--n] = 0;
	return text;
}
