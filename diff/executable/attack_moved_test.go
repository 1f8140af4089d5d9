package executable

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/diff/internal/realtool"
)

// honestC is what every pair of these programs has beside the attack: a function
// with a text, a variable and constants more, so that everything moves.
const honestC = `
#ifdef MOVE
static const int moved_table[8] = {71, 72, 73, 74, 75, 76, 77, 78};
static int moved_word = 4, moved_zero[6];
__attribute__((noinline)) int moved_more(int c) { moved_word += moved_table[c & 7]; moved_zero[c % 6] += 3; puts("a text that is new"); return moved_word + moved_zero[1]; }
#endif
`

// attackC is a program of C in which EVIL puts an attack in and MOVE what is honest.
type attackC struct {
	name, source, victim string
	flags                []string
	cc                   string // a compiler for another architecture; "" for that of this machine
	// part is where more bytes have to be unexplained; "" when a suspicion has to name
	// the victim.
	part string
}

// codeSaid gives what is said of the code, of changed functions and of data.
func codeSaid(n *diff.Node) (out []string) {
	for _, s := range n.Suspicions {
		out = append(out, string(s.Kind)+": "+s.What)
	}
	for _, c := range n.Children {
		if !c.Listing {
			out = append(out, codeSaid(c)...)
		}
	}
	return out
}

// names reports whether a sentence is about the victim, and not about who calls it.
func (a attackC) names(s string) bool {
	for _, jump := range []string{": jmp", ": b ", ": j ", ": jg "} {
		s, _, _ = strings.Cut(s, jump)
	}
	s, _, _ = strings.Cut(s, "; only B calls")
	return strings.Contains(s, a.victim)
}

// try builds the program, the honest one and that with the attack.
func (a attackC) try(t *testing.T) {
	build := func(defs ...string) []byte {
		source, flags := "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n"+honestC+a.source+mainC, append(slices.Clone(a.flags), defs...)
		if a.cc != "" {
			return realtool.CompileBy(t, a.cc, source, flags...)
		}
		return built(t, source, flags...)
	}
	plain := build()
	honest := compareFiles(t, plain, build("-DMOVE"))
	evil := compareFiles(t, plain, build("-DMOVE", "-DEVIL"))
	sh, se := codeSaid(honest), codeSaid(evil)
	if a.part != "" {
		if starts := func(ss []string) int {
			return len(slices.DeleteFunc(slices.Clone(ss), func(s string) bool { return !strings.HasPrefix(s, string(diff.SuspectStart)) }))
		}; starts(se) > starts(sh) {
			return
		}
		if kh, ke := openBytes(honest, a.part), openBytes(evil, a.part); ke <= kh {
			t.Errorf("%d bytes are unexplained, and %d with the attack\n%s", kh, ke, sketch(evil, ""))
		}
		return
	}
	stripped := slices.Contains(a.flags, "-s")
	if slices.ContainsFunc(sh, func(s string) bool { return a.names(s) && !stripped }) {
		t.Errorf("%s is said without the attack:\n%s\n%s", a.victim, strings.Join(sh, "\n"), sketch(honest, ""))
	}
	if !stripped && !slices.ContainsFunc(se, func(s string) bool { return a.names(s) }) || stripped && len(se) <= len(sh) && !saysElse(se, sh) && openBytes(evil, ".text") <= openBytes(honest, ".text") {
		t.Errorf("the attack on %s is hidden; without it:\n%s\nwith it:\n%s\n%s", a.victim, strings.Join(sh, "\n"), strings.Join(se, "\n"), sketch(evil, ""))
	}
}

// number is one of either notation.
var number = regexp.MustCompile(`-?(?:0x[0-9a-f]+|\b[0-9]+\b)`)

// saysElse reports whether a sentence is not among others, whatever the numbers in it.
func saysElse(ss, others []string) bool {
	without := func(s string) string { return number.ReplaceAllString(s, "N") }
	return slices.ContainsFunc(ss, func(s string) bool {
		return !slices.ContainsFunc(others, func(o string) bool { return without(o) == without(s) })
	})
}

// openBytes counts the bytes of a part that nothing explains.
func openBytes(n *diff.Node, part string) (k int64) {
	for _, c := range n.Children {
		if c.Name == part {
			for _, r := range append(slices.Clone(c.UnexplainedA), c.UnexplainedB...) {
				k += r.Len
			}
		}
	}
	return k
}

const mainC = `
int main(int c, char **v) {
	int r = 0;
#ifdef MOVE
	r += moved_more(c);
#endif
	return r + run(c, v);
}
`

// TestAttacks links each program anew with one honest function more, so that
// everything moves, and with an attack beside it: that is said, and of the honest one
// alone nothing of the kind is.
func TestAttacks(t *testing.T) {
	for _, flags := range [][]string{{"-O2"}, {"-O0", "-s"}, {"-O2", "-no-pie", "-s"}} {
		for _, a := range attacks {
			a.flags = append(slices.Clone(flags), a.flags...)
			t.Run(a.name+" "+strings.Join(a.flags, " "), func(t *testing.T) {
				t.Parallel()
				a.try(t)
			})
		}
	}
}

const noinline = "__attribute__((noinline,noclone)) "

var attacks = []attackC{
	{name: "text prefix", victim: "victim", source: `
#ifdef EVIL
#define S "adm-rw"
#else
#define S "adm-ro"
#endif
` + noinline + `int act(const char *s, int n) { return strncmp(getenv("X"), s, n) + puts(s); }
` + noinline + `int other(void) { return act("adm-rw", 4) + act("adm-ro", 4); }
` + noinline + `int victim(void) { return act(S, 4) * 2; }
int run(int c, char **v) { return other() + victim(); }
`},
	{name: "record prefix", victim: "victim", source: `
struct rec { char name[4]; int power; };
static const struct rec recs[6] = {{"ro", 0}, {"ro", 1}, {"ro", 2}, {"ro", 3}, {"ro", 5}, {"ro", 7}};
static const struct rec last = {"zz", 9};
#ifdef EVIL
#define K 3
#else
#define K 0
#endif
` + noinline + `int act(const struct rec *s) { return s->power + puts(s->name); }
` + noinline + `int victim(void) { return act(&recs[K]) * 2; }
int run(int c, char **v) { return victim() + act(&last); }
`},
	{name: "equal variables", victim: "victim", source: `
static int flag_a = 1, flag_b = 1, flag_c = 1;
` + noinline + `int set(int c) { flag_a = c; flag_b = c + 1; flag_c = c * 2; return flag_a; }
` + noinline + `int get(int c) { return flag_a * 3 + flag_b * 5 + flag_c * 7; }
` + noinline + `int victim(int c) {
#ifdef EVIL
	return flag_a + 2 == c;
#else
	return flag_b + 2 == c;
#endif
}
int run(int c, char **v) { return set(c) + get(c) + victim(c); }
`},
	{name: "zero variables", victim: "victim", source: `
static int flag_a, flag_b, flag_c;
` + noinline + `int set(int c) { flag_a = c; flag_b = c + 1; flag_c = c * 2; return flag_a; }
` + noinline + `int get(int c) { return flag_a * 3 + flag_b * 5 + flag_c * 7; }
` + noinline + `int victim(int c) {
#ifdef EVIL
	return flag_a + 2 == c;
#else
	return flag_b + 2 == c;
#endif
}
int run(int c, char **v) { return set(c) + get(c) + victim(c); }
`},
	{name: "other import's neighbour", victim: "victim", source: `
` + noinline + `int say_a(int c) { return fprintf(stderr, "one %d", c); }
` + noinline + `int say_b(int c) { return fprintf(stderr, "two %d", c * 7) + system("id"); }
` + noinline + `int victim(int c) {
#ifdef EVIL
	return say_b(c) + 1;
#else
	return say_a(c) + 1;
#endif
}
int run(int c, char **v) { return victim(c) + say_a(c) + say_b(c); }
`},
	{name: "slots of one import", victim: "victim", source: `
void (*hook_a)(void *) = free; void (*hook_b)(void *) = free;
` + noinline + `int set(int c) { hook_a(&c); hook_b(&c); return 0; }
` + noinline + `int victim(void (*f)(void *)) {
#ifdef EVIL
	hook_b = f;
#else
	hook_a = f;
#endif
	return 7;
}
int run(int c, char **v) { return victim((void (*)(void *))abort) + set(c); }
`},
	{name: "number in a constant", victim: "limits", part: ".data", source: `
#ifdef EVIL
#define L (64 + 48)
#else
#define L 64
#endif
const volatile int limits[4] = {L, 3, 9, 5};
const char *const texts = "some text";
` + noinline + `int victim(int c) { return limits[0] > c; }
int run(int c, char **v) { return victim(c) + puts(texts); }
`},
	{name: "equal bodies", victim: "victim", source: `
` + noinline + `int leaf_a(int c) { return c * 3 + puts("leaf a"); }
` + noinline + `int leaf_b(int c) { return c * 5 + puts("leaf b"); }
` + noinline + `int mid_a(int c) { return leaf_a(c) + 1; }
` + noinline + `int mid_b(int c) { return leaf_b(c) + 1; }
` + noinline + `int victim(int c) {
#ifdef EVIL
	return mid_b(c) + 9;
#else
	return mid_a(c) + 9;
#endif
}
int run(int c, char **v) { return victim(c) + mid_a(c) + mid_b(c); }
`},
	{name: "array element", victim: "victim", source: `
static int list[16];
static char names[8][8];
` + noinline + `int fill(int c) { for (int i = 0; i < 16; i++) list[i] = c * i; return names[c & 7][c & 3]; }
` + noinline + `int victim(int c) {
#ifdef EVIL
	return list[6] + names[3][1];
#else
	return list[5] + names[2][1];
#endif
}
int run(int c, char **v) { return fill(c) + victim(c); }
`},
	{name: "suffix of a text", victim: "victim", source: `
` + noinline + `int act(const char *s) { return puts(s) + strlen(s); }
` + noinline + `int other(void) { return act("forbid: all of it") + act("rbid: all of it"); }
` + noinline + `int victim(void) {
#ifdef EVIL
	return act("id: all of it") + 3;
#else
	return act("all of it") + 3;
#endif
}
int run(int c, char **v) { return other() + victim(); }
`},
	{name: "case redirected", victim: "victim", source: `
` + noinline + `int victim(int c) {
	switch (c) {
	case 0: return puts("zero");
	case 1: return puts("one") + 4;
#ifdef EVIL
	case 7: return system("two");
	case 3: return abs(c) + 9;
	case 2: abort();
#else
	case 2: return system("two");
	case 3: return abs(c) + 9;
	case 7: abort();
#endif
	case 5: return rand();
	case 6: return rand() * 3;
	case 8: return rand() * 7;
	}
	return c;
}
int run(int c, char **v) { return victim(c); }
`},
	{name: "table of handlers", victim: "handlers", source: `
` + noinline + `int h_a(int c) { return c * 3 + puts("handler a"); }
` + noinline + `int h_b(int c) { return c * 5 + puts("handler b"); }
` + noinline + `int h_c(int c) { return c * 7 + system("handler c"); }
int (*handlers[3])(int) = {
#ifdef EVIL
	h_a, h_c, h_b
#else
	h_a, h_b, h_c
#endif
};
` + noinline + `int victim(int c) { return handlers[c % 3](c); }
int run(int c, char **v) { return victim(c); }
`},
	{name: "table of options", victim: "victim", source: `
static int verbose, bypass, third;
static struct opt { const char *name; int *at; } opts[3] = {{"verbose", &verbose}, {"bypass", &bypass}, {"third", &third}};
#ifdef EVIL
#define V bypass
#define B verbose
#else
#define V verbose
#define B bypass
#endif
` + noinline + `int parse(const char *s) { for (int i = 0; i < 3; i++) if (!strcmp(s, opts[i].name)) return ++*opts[i].at; return 0; }
` + noinline + `int victim(int c) { if (B) return system("all"); if (V) puts("verbose"); return third; }
int run(int c, char **v) { return parse(v[1]) + victim(c); }
`},
	{name: "init array", victim: "start", part: ".init_array", source: `
` + noinline + `static void one(void) { puts("one"); }
` + noinline + `static void two(void) { puts("two"); system("x"); }
void *keep[2] = {one, two};
#ifdef EVIL
__attribute__((section(".init_array"), used)) static void (*p)(void) = two;
#else
__attribute__((section(".init_array"), used)) static void (*p)(void) = one;
#endif
int run(int c, char **v) { return keep[c] != 0; }
`},
	{name: "compared pointer", victim: "victim", source: `
static int nodes[32];
` + noinline + `int walk(int *p) { nodes[3] = 5; return *p; }
` + noinline + `int victim(int *p) {
	int s = 0;
#ifdef EVIL
	for (p = nodes; p != nodes + 31; p++) s += *p;
#else
	for (p = nodes; p != nodes + 32; p++) s += *p;
#endif
	return s + (p == (int *)&nodes);
}
int run(int c, char **v) { return walk(nodes + c) + victim(nodes + c); }
`},
	{name: "number in code", victim: "victim", source: `
#ifdef EVIL
#define L (0x401060 + 48)
#else
#define L 0x401060
#endif
` + noinline + `int victim(int c) { return c > L; }
int run(int c, char **v) { return victim(c); }
`},
}
