package executable

import (
	"debug/elf"
	"encoding/binary"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stagescope/stagescope/diff"
)

// oldCopyC asks for memcpy in two versions: FIRST and SECOND say which function calls
// which.
const oldCopyC = `#include <stdio.h>
#include <string.h>
#include <stdlib.h>
void *old(void *, const void *, size_t);
void *new(void *, const void *, size_t);
__asm__(".symver old,memcpy@GLIBC_2.2.5");
__asm__(".symver new,memcpy@GLIBC_2.14");
char buf[64];
void __attribute__((noinline)) first(char *p, size_t n) { FIRST(buf, p, n); puts(buf); }
void __attribute__((noinline)) second(char *p, size_t n) { SECOND(buf, p, n); puts(buf); abort(); }
#ifdef BOTH
void __attribute__((noinline)) third(char *p, size_t n) { old(buf, p, n); new(p, buf, n); puts(buf); }
#else
#define third(p, n)
#endif
int main(int c, char **v) { first(v[0], c); third(v[0], c); second(v[0], c); return 0; }
`

func copies(t *testing.T, args ...string) []byte {
	t.Helper()
	if runtime.GOARCH != "amd64" {
		t.Skip("only for x86-64 has the C library two versions of memcpy")
	}
	return built(t, oldCopyC, append([]string{"-O1", "-fno-builtin"}, args...)...)
}

// TestCallOfAnotherVersion lets calls go to the other of two versions of one name,
// which both programs import, or only one does.
func TestCallOfAnotherVersion(t *testing.T) {
	for name, c := range map[string][3][]string{
		"one more":  {{"-DFIRST=new", "-DSECOND=new"}, {"-DFIRST=new", "-DSECOND=old"}, {"second"}},
		"another":   {{"-DFIRST=new", "-DSECOND=new"}, {"-DFIRST=old", "-DSECOND=old"}, {"first", "second"}},
		"exchanged": {{"-DFIRST=new", "-DSECOND=old", "-DBOTH"}, {"-DFIRST=old", "-DSECOND=new", "-DBOTH"}, {"first", "second"}},
		"first":     {{"-DFIRST=new", "-DSECOND=old", "-DBOTH"}, {"-DFIRST=old", "-DSECOND=old", "-DBOTH"}, {"first"}},
	} {
		for _, now := range []string{"-Wl,-z,lazy", "-Wl,-z,now"} {
			n := compareFiles(t, copies(t, append(c[0], now)...), copies(t, append(c[1], now)...))
			said := codeSaid(n)
			for _, f := range []string{"first", "second", "third", "main"} {
				has := slices.ContainsFunc(said, func(s string) bool {
					return strings.Contains(s, "in "+f+" ") && strings.Contains(s, "memcpy@GLIBC_2.14") && strings.Contains(s, "memcpy@GLIBC_2.2.5")
				})
				if want := slices.Contains(c[2], f); has != want {
					t.Errorf("%s, %s: that %s calls another version is said: %v, want %v", name, now, f, has, want)
				}
			}
			if t.Failed() {
				t.Fatal(strings.Join(said, "\n") + "\n" + sketch(n, ""))
			}
		}
	}
}

// TestVersionsThatFollow adds an import: of the versions only its own is left.
func TestVersionsThatFollow(t *testing.T) {
	n := compareFiles(t, built(t, importsC, "-O1"), built(t, importsC, "-O1", "-DDOOR"))
	if v := child(t, n, ".gnu.version"); openBytes(n, ".gnu.version") != 2 || !strings.Contains(sketch(v, ""), "system@GLIBC_2.") {
		t.Errorf("the version of the import is not said, or more than that is left\n%s", sketch(v, ""))
	}
	if v := child(t, n, ".gnu.version_r"); v.Residue != diff.ResidueNone {
		t.Errorf("places of names are left\n%s", sketch(v, ""))
	}
}

// TestForgedVersions changes versions in place, in each of the tables that have to do
// with them.
func TestForgedVersions(t *testing.T) {
	a := built(t, importsC, "-O1", "-Wl,-z,lazy")
	at := func(f *elf.File, name string) int {
		syms, err := f.DynamicSymbols()
		if err != nil {
			return 0
		}
		return 1 + slices.IndexFunc(syms, func(s elf.Symbol) bool { return s.Name == name })
	}
	// The records of the first library begin after its own 16 bytes.
	need := func(f *elf.File, k int) uint64 { return f.Section(".gnu.version_r").Offset + 16 + 16*uint64(k) }
	swap := func(q []byte, x, y uint64, n int) bool {
		a, b := q[x:x+uint64(n)], q[y:y+uint64(n)]
		if string(a) == string(b) {
			return false
		}
		for i := range n {
			a[i], b[i] = b[i], a[i]
		}
		return true
	}
	for name, change := range map[string]func(f *elf.File, q []byte) bool{
		"number of puts": func(f *elf.File, q []byte) bool {
			off := f.Section(".gnu.version").Offset
			mine := q[off+2*uint64(at(f, "puts")):]
			return swap(q, off+2*uint64(at(f, "puts")), off+2*uint64(at(f, "__libc_start_main")), 2) && mine[0] > 1
		},
		"numbers of versions": func(f *elf.File, q []byte) bool { return swap(q, need(f, 0)+6, need(f, 1)+6, 2) },
		"names of versions": func(f *elf.File, q []byte) bool {
			return swap(q, need(f, 0), need(f, 1), 4) && swap(q, need(f, 0)+8, need(f, 1)+8, 4)
		},
		"no number is defined": func(f *elf.File, q []byte) bool {
			binary.LittleEndian.PutUint16(q[f.Section(".gnu.version").Offset+2*uint64(at(f, "puts")):], 0x77)
			return true
		},
		"one number twice": func(f *elf.File, q []byte) bool {
			copy(q[need(f, 0)+6:][:2], q[need(f, 1)+6:][:2])
			return true
		},
	} {
		b := patched(t, a, change)
		n := compareFiles(t, a, b)
		open := openBytes(n, ".gnu.version") + openBytes(n, ".gnu.version_r")
		if name != "one number twice" && !saidAnywhere(n, diff.SuspectImport, "another version", "puts@") || open == 0 {
			t.Errorf("%s: %d bytes are left\n%s", name, open, sketch(n, ""))
		}
	}
}

func saidAnywhere(n *diff.Node, kind diff.SuspicionKind, words ...string) bool {
	return said(n, kind, words...) || slices.ContainsFunc(n.Children, func(c *diff.Node) bool { return saidAnywhere(c, kind, words...) })
}
