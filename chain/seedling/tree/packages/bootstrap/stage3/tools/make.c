/*
 * make - run the commands of rules whose results are missing or out of date.
 *
 *     make [-f FILE] [TARGET]...
 *
 * FILE, or "Makefile", has lines of three kinds; '#' begins a comment line:
 *
 *     NAME = VALUE
 *     TARGET: FILE...        what TARGET is made of
 *     <tab>COMMAND           and how: each line goes to sh -e; "@" in front: not shown
 *
 * $(NAME) is a variable's value; in commands $@ is the target, $< the first file
 * it is made of, $^ all of them, $$ a dollar. The first rule's target is made
 * when none is named. Rules are obeyed one after the other, in the order of the
 * text: the same every time.
 */
#include "libc.h"

struct item {
	char *text;
	struct item *next;
};

struct rule {
	char *target;
	struct item *needs, *commands;
	int state; /* 0 not looked at, 1 being made, 2 done */
	struct rule *next;
};

struct variable {
	char *name, *value;
	struct variable *next;
};

struct rule *rules;
struct variable *variables;
char **environment;
char *makefile = "Makefile";

struct item *item(char *text)
{
	struct item *i = (struct item *)malloc(sizeof(struct item));
	i->text = text;
	return i;
}

struct rule *find_rule(char *target)
{
	struct rule *r;
	for (r = rules; r; r = r->next)
		if (strcmp(r->target, target) == 0)
			return r;
	return NULL;
}

char *value_of(char *name)
{
	struct variable *v;
	for (v = variables; v; v = v->next)
		if (strcmp(v->name, name) == 0)
			return v->value;
	die("no such variable", name);
}

/* expand replaces $(NAME), and with a rule also $@, $<, $^ and $$. */
char *expand(char *s, struct rule *r)
{
	char *p = s, *end, *value = "";
	struct item *i;
	while (*p && *p != '$')
		p++;
	if (*p == 0)
		return s;
	end = p + 2;
	if (p[1] == '(') {
		end = strchr(p, ')');
		if (end == NULL)
			die("missing )", s);
		value = expand(value_of(copy_bytes(p + 2, end - p - 2)), r);
		end++;
	} else if (r && p[1] == '@') {
		value = r->target;
	} else if (r && p[1] == '<' && r->needs) {
		value = r->needs->text;
	} else if (r && p[1] == '^') {
		for (i = r->needs; i; i = i->next)
			value = join(value, *value ? " " : "", i->text);
	} else if (p[1] == '$') {
		value = "$";
	} else {
		die("unknown variable", p);
	}
	return join(copy_bytes(s, p - s), value, expand(end, r));
}

/* cut gives the next word of the text at p, and moves p behind it; NULL at the end. */
char *cut(char **p)
{
	char *from;
	while (**p == ' ' || **p == '\t')
		(*p)++;
	from = *p;
	while (**p && **p != ' ' && **p != '\t')
		(*p)++;
	return *p == from ? NULL : copy_bytes(from, *p - from);
}

/* parse_line reads one line; command lines belong to the rule before them. */
struct rule *parse_line(char *line, struct rule *current)
{
	char *p, *word;
	struct item **end;
	struct rule **last;
	if (*line == '\t') {
		if (current == NULL)
			die("command before the first rule", line);
		for (end = &current->commands; *end; end = &(*end)->next)
			;
		*end = item(line + 1);
		return current;
	}
	p = line;
	word = cut(&p);
	if (word == NULL || *word == '#')
		return current;
	while (*p == ' ')
		p++;
	if (*p == '=') {
		struct variable *v = (struct variable *)malloc(sizeof(struct variable));
		for (p++; *p == ' '; p++)
			;
		v->name = word;
		v->value = p;
		v->next = variables;
		variables = v;
		return current;
	}
	p = expand(line, NULL);
	word = strchr(p, ':');
	if (word == NULL)
		die("neither rule nor variable", line);
	*word = 0;
	line = word + 1;
	word = cut(&p);
	if (word == NULL || find_rule(word))
		die("no target, or a second rule for one", word ? word : "");
	current = (struct rule *)malloc(sizeof(struct rule));
	current->target = word;
	for (last = &rules; *last; last = &(*last)->next)
		;
	*last = current;
	end = &current->needs;
	while ((word = cut(&line)) != NULL) {
		*end = item(word);
		end = &(*end)->next;
	}
	return current;
}

void command(char *line)
{
	char *argv[5];
	int pid, status = 1, quiet = *line == '@';
	argv[0] = "sh";
	argv[1] = "-ec";
	argv[2] = line + quiet;
	argv[3] = NULL;
	if (!quiet)
		printf("%s\n", line);
	flush(&standard_output);
	pid = fork();
	if (pid == 0) {
		execve("/bin/sh", argv, environment);
		exit(127);
	}
	wait(pid, &status);
	if (status)
		die("command failed", line);
}

/* build brings a target up to date and gives the time of its last change. */
int build(char *target)
{
	struct rule *r = find_rule(target);
	struct item *i;
	struct stat s;
	int newest = 0, time, exists = stat(target, &s) == 0;
	if (r == NULL) {
		if (!exists)
			die("no rule makes", target);
		return s.mtime;
	}
	if (r->state == 1)
		die("made of itself", target);
	if (r->state == 0) {
		r->state = 1;
		for (i = r->needs; i; i = i->next) {
			time = build(i->text);
			if (time > newest)
				newest = time;
		}
		if (!exists || s.mtime < newest)
			for (i = r->commands; i; i = i->next)
				command(expand(i->text, r));
		r->state = 2;
	}
	if (stat(target, &s) < 0)
		return newest; /* a target that is only a name */
	return s.mtime;
}

int main(int argc, char **argv, char **envp)
{
	int i = 1, n;
	char *p, *end;
	struct rule *current = NULL;
	program_name = "make";
	environment = envp;
	if (argc > 2 && strcmp(argv[1], "-f") == 0) {
		makefile = argv[2];
		i = 3;
	}
	for (p = read_file(makefile, &n); *p; p = end + 1) {
		end = strchr(p, '\n');
		if (end == NULL)
			die("last line without an end", makefile);
		*end = 0;
		current = parse_line(p, current);
	}
	if (rules == NULL)
		die("no rule", makefile);
	if (i == argc)
		build(rules->target);
	for (; i < argc; i++)
		build(argv[i]);
	finish(0);
}
