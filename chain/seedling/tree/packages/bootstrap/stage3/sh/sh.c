/*
 * sh - the chain's shell.
 *
 *     sh [-ex] [-c COMMANDS | FILE] [ARGUMENT]...
 *
 * Commands with words, 'single' and "double" quotes, \x, $NAME ${NAME} $1 $# $@
 * $? $$ and $(commands); * in the last part of a path; < > >> 2> 2>>; pipes,
 * && || ! ; & and line ends; { } and ( ); if, for, while. -e ends the shell when
 * a command fails whose status nothing looks at, -x shows commands. Built in: cd
 * exit set export umask wait echo test [ true false : .
 *
 * parse.c makes a tree of the text, expand.c fields of a word, run.c obeys.
 */

#include "libc.h"

enum { SIMPLE, PIPE, AND, OR, SEQUENCE, BACKGROUND, NOT, IF_ELSE, WHILE_LOOP, FOR_LOOP, GROUP, SUBSHELL };

struct word {
	char *text; /* as written, quotes and all */
	struct word *next;
};

struct redirect {
	int fd;
	int flags; /* for open */
	char *file;
	struct redirect *next;
};

struct command {
	int kind;
	struct word *words; /* SIMPLE: the command; FOR_LOOP: the values */
	struct redirect *redirects;
	char *name; /* FOR_LOOP: the variable */
	struct command *left, *right, *otherwise;
};

struct variable {
	char *name, *value;
	int exported;
	struct variable *next;
};

struct variable *variables;
int last_status, exit_on_error, show, ignore_errors;
char **arguments; /* $0, $1 … */
int argument_count;

int run(struct command *c);
int run_text(char *text);

struct variable *find_variable(char *name)
{
	struct variable *v;
	for (v = variables; v; v = v->next)
		if (strcmp(v->name, name) == 0)
			return v;
	return NULL;
}

struct variable *set_variable(char *name, char *value)
{
	struct variable *v = find_variable(name);
	if (v == NULL) {
		v = (struct variable *)malloc(sizeof(struct variable));
		v->name = name;
		v->next = variables;
		variables = v;
	}
	v->value = value;
	return v;
}

int is_name(int c)
{
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_';
}

#include "parse.c"
#include "expand.c"
#include "run.c"

int main(int argc, char **argv, char **envp)
{
	int i = 1, n, commands = 0;
	char *text, *p;
	program_name = "sh";
	for (; *envp; envp++) {
		p = strchr(*envp, '=');
		if (p)
			set_variable(copy_bytes(*envp, p - *envp), p + 1)->exported = 1;
	}
	if (find_variable("PATH") == NULL)
		set_variable("PATH", "/bin:/usr/bin");
	for (; i < argc && argv[i][0] == '-'; i++) {
		for (p = argv[i] + 1; *p; p++) {
			if (*p == 'e')
				exit_on_error = 1;
			else if (*p == 'x')
				show = 1;
			else if (*p == 'c')
				commands = 1;
			else if (*p != 'l' && *p != 'u')
				die("unknown option", argv[i]);
		}
	}
	if (commands && i == argc)
		die("no commands after", "-c");
	if (commands)
		text = argv[i++];
	else if (i < argc)
		text = read_file(argv[i], &n);
	else
		text = read_fd(0, &n);
	arguments = argv + i;
	argument_count = argc - i;
	if (commands) {
		arguments--; /* $0 is not used, $1 is what follows the commands */
		argument_count++;
	}
	return run_text(text);
}
