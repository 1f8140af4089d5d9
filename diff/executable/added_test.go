package executable

import (
	"debug/elf"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/stagescope/stagescope/diff"
)

// TestAddedImport adds an import: what is left is what asks for it, and the code that
// does.
func TestAddedImport(t *testing.T) {
	for name, flags := range map[string][]string{
		"lazy": {"-Wl,-z,lazy"}, "marked": {"-Wl,-z,lazy", "-fcf-protection=full", "-Wl,-z,ibtplt"},
		"fixed": {"-no-pie", "-Wl,-z,lazy"}, "at the start": {"-Wl,-z,now"}, "without names": {"-s"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			flags = append(flags, "-O1")
			n := compareFiles(t, built(t, importsC, flags...), built(t, importsC, append(flags, "-DDOOR")...))
			for _, c := range n.Children {
				switch c.Name {
				case ".dynsym", ".gnu.version", ".rela.plt", ".text", ".note.gnu.build-id", ".eh_frame", ".symtab":
				case ".rodata": // the text that is given to system
				default:
					if strings.HasPrefix(c.Name, ".") && c.Residue != diff.ResidueNone {
						t.Errorf("%s only follows from the rest\n%s", c.Name, sketch(c, ""))
					}
				}
			}
			for _, s := range codeSaid(n) {
				if strings.Contains(s, ".plt") || strings.Contains(s, "@import (") {
					t.Errorf("of an honest stub: %s", s)
				}
			}
			if frames := child(t, n, ".eh_frame"); strings.Contains(sketch(frames, ""), ".plt") || openBytes(n, ".eh_frame") > 2*64 {
				t.Errorf("more is left of it than the record of main\n%s", sketch(frames, ""))
			}
		})
	}
}

// TestOrderOfFrames links functions in another order: their records say the same.
func TestOrderOfFrames(t *testing.T) {
	const c = `#include <stdio.h>
#define ONE int __attribute__((noinline)) one(int a, char *s) { char b[64]; snprintf(b, sizeof b, s, a); return puts(b) + 1; }
#define TWO int __attribute__((noinline)) two(int a, char *s) { char b[99]; snprintf(b, sizeof b, s, a + 2, b); if (puts(b)) puts(s); return 7 - a; }
#ifdef TURNED
TWO ONE
#else
ONE TWO
#endif
int main(int c, char **v) { return one(c, v[0]) + two(c, v[0]); }
`
	flags := []string{"-O1", "-fno-toplevel-reorder"}
	n := compareFiles(t, built(t, c, flags...), built(t, c, append(flags, "-DTURNED")...))
	frames := child(t, n, ".eh_frame")
	if frames.Residue != diff.ResidueNone || !strings.Contains(sketch(frames, ""), "in another order") {
		t.Fatal(sketch(n, ""))
	}
}

// TestForgedTables changes, beside an honest import, what would follow from it.
func TestForgedTables(t *testing.T) {
	flags := []string{"-O1", "-Wl,-z,lazy"}
	a, b := built(t, importsC, flags...), built(t, importsC, append(slices.Clone(flags), "-DDOOR")...)
	// The stub of system: the honest one is explained.
	stub := func(f *elf.File, q []byte) []byte {
		s, r := f.Section(".plt"), f.Section(".rela.plt")
		all, err := f.DynamicSymbols()
		if err != nil {
			return nil
		}
		for k := uint64(0); k*24 < r.Size; k++ {
			if i := binary.LittleEndian.Uint64(q[r.Offset+24*k+8:]) >> 32; all[i-1].Name == "system" {
				return q[s.Offset+16*(k+1):][:16]
			}
		}
		return nil
	}
	for name, c := range map[string]struct {
		part   string
		change func(f *elf.File, q []byte) bool
	}{
		"a stub that goes elsewhere": {".plt", func(f *elf.File, q []byte) bool {
			p := stub(f, q)
			binary.LittleEndian.PutUint32(p[12:], binary.LittleEndian.Uint32(p[12:])+0x40)
			return p[11] == 0xe9
		}},
		"a stub that looks up another": {".plt", func(f *elf.File, q []byte) bool { p := stub(f, q); p[7] ^= 1; return p[6] == 0x68 }},
		"a stub that does more": {".plt", func(f *elf.File, q []byte) bool {
			p := stub(f, q)
			return copy(p[6:], "\xcd\x80\x90\x90\x90") == 5
		}},
		"a slot that begins elsewhere": {".got.plt", func(f *elf.File, q []byte) bool {
			s := f.Section(".got.plt")
			q[s.Offset+3*8] ^= 4
			return true
		}},
		"a word of the loader": {".got.plt", func(f *elf.File, q []byte) bool { q[f.Section(".got.plt").Offset+8] = 1; return true }},
		"another place of the slots": {".dynamic", func(f *elf.File, q []byte) bool {
			d := f.Section(".dynamic")
			for at := d.Offset; at < d.Offset+d.Size; at += 16 {
				if binary.LittleEndian.Uint64(q[at:]) == uint64(elf.DT_PLTGOT) {
					binary.LittleEndian.PutUint64(q[at+8:], f.Section(".data").Addr)
					return true
				}
			}
			return false
		}},
		"a name that nobody uses": {".dynstr", func(f *elf.File, q []byte) bool {
			// A symbol's name becomes the end of another one's: what was before it is unused.
			d := f.Section(".dynsym")
			for at := d.Offset + 24; at < d.Offset+d.Size; at += 24 {
				if v := binary.LittleEndian.Uint32(q[at:]); v != 0 {
					binary.LittleEndian.PutUint32(q[at:], v+1)
					return true
				}
			}
			return false
		}},
	} {
		if n := compareFiles(t, a, patched(t, b, c.change)); openBytes(n, c.part) == 0 {
			t.Errorf("%s: nothing of %s is left\n%s", name, c.part, sketch(n, ""))
		}
	}
	// Where the tables that name them are equal, names follow from nothing.
	renamed := patched(t, a, func(f *elf.File, q []byte) bool {
		s := f.Section(".dynstr")
		at := strings.Index(string(q[s.Offset:s.Offset+s.Size]), "\x00puts\x00")
		return at >= 0 && copy(q[int(s.Offset)+at+1:], "exec") == 4
	})
	if n := compareFiles(t, a, renamed); openBytes(n, ".dynstr") == 0 || !saidAnywhere(n, diff.SuspectImport, "exec") {
		t.Errorf("a name changed in place\n%s", sketch(n, ""))
	}
}
