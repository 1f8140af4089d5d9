package executable

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/stagescope/stagescope/diff"
)

// patched gives a program with bytes changed: a function of the test finds them.
func patched(t *testing.T, p []byte, change func(f *elf.File, q []byte) bool) []byte {
	t.Helper()
	f, err := elf.NewFile(bytes.NewReader(p))
	if err != nil {
		t.Fatal(err)
	}
	q := bytes.Clone(p)
	if !change(f, q) {
		t.Fatal("there is nothing to be changed: this compiler writes it otherwise")
	}
	return q
}

const plainC = `#include <stdio.h>
#include <stdlib.h>
static int counts[40];
long words[4] = {1, 2, 3, 4};
void __attribute__((noinline)) first(int c) { counts[c & 3] += words[c & 3]; puts("first"); }
void __attribute__((noinline)) second(int c) { counts[7] += c; words[1] = c; puts("second"); system("id"); }
__attribute__((noinline, used)) static void early(void) { puts("early"); }
__attribute__((noinline, used)) static void other(void) { puts("other"); }
void (*volatile handler)(void) = other;
__attribute__((section(".init_array"), used)) static void (*run)(void) = early;
int main(int c, char **v) { first(c); second(c); handler(); return counts[c]; }
`

// programHeader gives where the n-th program header of a type lies.
func programHeader(f *elf.File, typ elf.ProgType, n int) int {
	for i, p := range f.Progs {
		if p.Type == typ {
			if n--; n < 0 {
				return 64 + 56*i
			}
		}
	}
	return 0
}

// TestPatchedLayout changes what the loader reads and no section shows.
func TestPatchedLayout(t *testing.T) {
	a := built(t, plainC, "-O1")
	put := binary.LittleEndian.PutUint64
	for _, c := range []struct {
		name, words string
		kind        diff.SuspicionKind
		change      func(f *elf.File, q []byte) bool
	}{
		{"another interpreter", "/tmp/x", diff.SuspectInterpreter, func(f *elf.File, q []byte) bool {
			at := programHeader(f, elf.PT_INTERP, 0)
			gap := f.Section(".fini").Offset + f.Section(".fini").Size + 16
			copy(q[gap:], "/tmp/x\x00")
			put(q[at+8:], gap)
			put(q[at+32:], 7)
			return at > 0
		}},
		{"code in a gap", "no section holds", diff.SuspectNewCode, func(f *elf.File, q []byte) bool {
			gap := f.Section(".fini").Offset + f.Section(".fini").Size + 16
			copy(q[gap:], "\x48\x31\xff\xb8\x3c\x00\x00\x00\x0f\x05")
			return true
		}},
		{"a segment over another", "loaded over another", diff.SuspectExecutable, func(f *elf.File, q []byte) bool {
			at := programHeader(f, elf.PT_NOTE, 0)
			s := f.Section(".rodata")
			binary.LittleEndian.PutUint32(q[at:], uint32(elf.PT_LOAD))
			put(q[at+8:], s.Offset)
			put(q[at+16:], f.Section(".data").Addr)
			put(q[at+32:], s.Size)
			put(q[at+40:], s.Size)
			return at > 0
		}},
		{"permissions that change hands", ".rodata", diff.SuspectExecutable, func(f *elf.File, q []byte) bool {
			text, data := programHeader(f, elf.PT_LOAD, 1), programHeader(f, elf.PT_LOAD, 2)
			q[text+4], q[data+4] = q[data+4], q[text+4]
			return true
		}},
		{"another dynamic table", "another place than the section headers", diff.SuspectExecutable, func(f *elf.File, q []byte) bool {
			at := programHeader(f, elf.PT_DYNAMIC, 0)
			put(q[at+16:], f.Section(".data").Addr)
			return at > 0
		}},
		{"data that is loaded elsewhere", "an instruction that is equal", diff.SuspectChangedCode, func(f *elf.File, q []byte) bool {
			for i, s := range f.Sections {
				if s.Name == ".bss" {
					put(q[shoff(q)+64*i+16:], s.Addr+16)
					return true
				}
			}
			return false
		}},
		{"a function that runs first", "run", diff.SuspectStart, func(f *elf.File, q []byte) bool {
			return retarget(f, q, "early", "other")
		}},
		{"an import of another name", "system", diff.SuspectChangedCode, func(f *elf.File, q []byte) bool {
			s := f.Section(".dynsym")
			at := map[string]uint64{}
			syms, err := f.DynamicSymbols()
			for i, y := range syms {
				at[y.Name] = s.Offset + uint64(i+1)*24
			}
			x, y := at["puts"], at["system"]
			for i := range uint64(4) {
				q[x+i], q[y+i] = q[y+i], q[x+i]
			}
			return err == nil && x > 0 && y > 0
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := compareFiles(t, a, patched(t, a, c.change))
			if !slices.ContainsFunc(codeSaid(n), func(s string) bool { return strings.HasPrefix(s, string(c.kind)) && strings.Contains(s, c.words) }) {
				t.Error(sketch(n, ""))
			}
		})
	}
}

func shoff(p []byte) int { return int(binary.LittleEndian.Uint64(p[40:])) }

// retarget has the loader fill in another function wherever it fills in one.
func retarget(f *elf.File, q []byte, from, to string) bool {
	at := map[string]uint64{}
	syms, _ := f.Symbols()
	for _, s := range syms {
		at[s.Name] = s.Value
	}
	s := f.Section(".rela.dyn")
	done := false
	for off := s.Offset; off < s.Offset+s.Size; off += 24 {
		if binary.LittleEndian.Uint64(q[off+16:]) == at[from] && at[from] != 0 {
			binary.LittleEndian.PutUint64(q[off+16:], at[to])
			done = true
		}
	}
	return done
}

// TestTraps puts a trap where padding is run through, and hides bytes in padding.
func TestTraps(t *testing.T) {
	pad := []byte("\x0f\x1f\x80\x00\x00\x00\x00")
	program := func(pad []byte) []byte {
		fs := login(false)
		fs[2].code = []any{enter, work, pad, callTo("same"), leave}
		return bareELF(t, fs...)
	}
	for name, other := range map[string]string{
		"traps":        "\xcc\xcc\xcc\xcc\xcc\xcc\xcc",
		"hidden bytes": "\x0f\x1f\x80\x0f\x05\xeb\xfe",
	} {
		n := compareFiles(t, program(pad), program([]byte(other)))
		if code := child(t, n, "segment 0"); len(code.UnexplainedB) == 0 {
			t.Errorf("%s: %s", name, sketch(n, ""))
		}
	}
	if code := child(t, compareFiles(t, program(pad), program([]byte("\x90\x90\x90\x90\x90\x90\x90"))), "segment 0"); code.Residue != diff.ResidueNone {
		t.Error("other padding is not explained")
	}
}

// TestLeftBehind leaves a call as it was when all around it moved: it leads to
// another function then, by the same bytes.
func TestLeftBehind(t *testing.T) {
	program := func(door bool, callee string) []byte {
		one := func(name, text string) function { return function{name, []any{enter, textOf(text), leave}} }
		fs := []function{{"start", []any{enter, callTo("main"), exit}}, {"all", []any{enter, callTo("deny"), callTo("allow"), callTo("hash"), leave}},
			one("deny", "no entry"), one("allow", "welcome"), one("hash", "a hash")}
		if door {
			fs = append(fs, one("door", "joshua")) // as long as the others
		}
		return bareELF(t, append(fs, function{"main", []any{enter, callTo("all"), check, callTo(callee), check, leave}})...)
	}
	a := program(false, "deny")
	honest, evil := child(t, compareFiles(t, a, program(true, "deny")), "segment 0"), child(t, compareFiles(t, a, program(true, "allow")), "segment 0")
	if len(evil.Suspicions) <= len(honest.Suspicions) {
		t.Error(sketch(evil, ""))
	}
}

// TestNumbersAndHandlers tells a number that lies where code does from the address of
// a function, in a program whose words hold addresses.
func TestNumbersAndHandlers(t *testing.T) {
	source := func(number, handler string) string {
		return strings.NewReplacer("words[4] = {1,", "words[4] = {"+number+",", "handler)(void) = other", "handler)(void) = "+handler).Replace(plainC)
	}
	a := built(t, source("0x401157", "other"), "-O1", "-no-pie")
	said := func(b []byte) bool {
		n := compareFiles(t, a, b)
		if c := child(t, n, ".data"); len(c.UnexplainedB) == 0 {
			t.Error(sketch(n, ""))
		}
		return slices.ContainsFunc(codeSaid(n), func(s string) bool { return strings.Contains(s, "leads to other code") })
	}
	if said(built(t, source("0x401167", "other"), "-O1", "-no-pie")) {
		t.Error("a number is said to lead to code")
	}
	if !said(built(t, source("0x401157", "early"), "-O1", "-no-pie")) {
		t.Error("another handler is not said")
	}
}

const unwoundC = `#include <stdio.h>
#include <stdlib.h>
void leave(int *p) { printf("%d", *p); }
void rescue(int *p) { system("id"); }
void may(int c);
__attribute__((noinline)) void one(int c) { int __attribute__((cleanup(leave))) v = c; may(c); }
__attribute__((noinline)) void two(int c) { int __attribute__((cleanup(rescue))) v = c; may(c); }
#ifdef MOVE
__attribute__((noinline)) void three(int c) { int __attribute__((cleanup(leave))) v = c; may(c); may(c); puts("three"); }
#else
#define three(c)
#endif
__attribute__((noinline)) void may(int c) { if (c > 70) abort(); puts("may"); }
int main(int c, char **v) { three(c); one(c); two(c); return 0; }
`

// TestExceptions gives a function the table of exceptions of another.
func TestExceptions(t *testing.T) {
	a, b := built(t, unwoundC, "-O1", "-fexceptions"), built(t, unwoundC, "-O1", "-fexceptions", "-DMOVE")
	thrown := func(n *diff.Node) bool {
		return slices.ContainsFunc(codeSaid(n), func(s string) bool { return strings.Contains(s, "exceptions in") })
	}
	honest := compareFiles(t, a, b)
	if thrown(honest) {
		t.Error(sketch(honest, ""))
	}
	evil := patched(t, b, func(f *elf.File, q []byte) bool {
		s := f.Section(".eh_frame")
		file, err := openELF(&diff.Input{ReaderAt: bytes.NewReader(q), Size: int64(len(q))})
		if err != nil {
			return false
		}
		fs := file.frames(q[s.Offset:s.Offset+s.Size], s.Addr)
		var with []frame
		for _, r := range fs {
			if r.catch != 0 && r.common != r.off {
				with = append(with, r)
			}
		}
		if len(with) < 2 {
			return false
		}
		x, y := with[0], with[1]
		at := s.Offset + x.off + x.hole
		binary.LittleEndian.PutUint32(q[at:], uint32(y.catch-(s.Addr+x.off+x.hole)))
		return true
	})
	if n := compareFiles(t, a, evil); !thrown(n) {
		t.Error(sketch(n, ""))
	}
}

// TestCaseLeftBehind leaves one word of a table of jumps as it was when the others
// follow the code, which moved: its case runs other code then.
func TestCaseLeftBehind(t *testing.T) {
	a, b := built(t, switchesC, "-O2"), built(t, switchesC, "-O2", "-DDOOR")
	left := func(n *diff.Node) bool {
		return slices.ContainsFunc(codeSaid(n), func(s string) bool {
			return strings.Contains(s, ".rodata") || strings.Contains(s, "leads to other code")
		})
	}
	words := func(p []byte) (off uint64, size uint64) {
		f, err := elf.NewFile(bytes.NewReader(p))
		if err != nil {
			t.Fatal(err)
		}
		s := f.Section(".rodata")
		return s.Offset, s.Size
	}
	offA, sizeA := words(a)
	offB, sizeB := words(b)
	// The tables are the last thing; the last words of both are of one table.
	at := uint64(8)
	evil := bytes.Clone(b)
	copy(evil[offB+sizeB-at:offB+sizeB-at+4], a[offA+sizeA-at:offA+sizeA-at+4])
	if bytes.Equal(evil, b) {
		t.Fatal("the tables did not move")
	}
	if honest := compareFiles(t, a, b); left(honest) {
		t.Error(sketch(honest, ""))
	}
	if n := compareFiles(t, a, evil); !left(n) {
		t.Error(sketch(n, ""))
	}
}
