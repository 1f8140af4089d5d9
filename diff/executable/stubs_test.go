package executable

import (
	"debug/elf"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/stagescope/stagescope/diff"
)

const importsC = `#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
void (*volatile handler)(void) = abort;
int main(int c, char **v) {
#ifdef DOOR
	if (c > 4) system("x");
#endif
	puts(v[0]); printf("%d", (int)strlen(v[0]));
	void *p = malloc(c); memset(p, 0, c); write(1, p, c); free(p); getpid(); if (c == 9) handler(); exit(c);
}
`

// TestStubs adds an import to programs that look theirs up at the first call: the
// stubs of the others push other numbers and have other slots, which says nothing.
func TestStubs(t *testing.T) {
	for name, flags := range map[string][]string{
		"lazy": {"-O1", "-Wl,-z,lazy"}, "marked": {"-O1", "-Wl,-z,lazy", "-fcf-protection=full", "-Wl,-z,ibtplt"},
		"fixed": {"-O1", "-no-pie", "-Wl,-z,lazy"}, "at the start": {"-O1", "-Wl,-z,now"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := compareFiles(t, built(t, importsC, flags...), built(t, importsC, append(slices.Clone(flags), "-DDOOR")...))
			for _, s := range codeSaid(n) {
				if !strings.Contains(s, "system") && !strings.Contains(s, "in main") {
					t.Errorf("of an honest stub: %s", s)
				}
			}
			for _, part := range []string{".rela.plt", ".plt", ".plt.sec"} {
				for _, c := range n.Children {
					if c.Name == part && openBytes(n, part) > 48 {
						t.Errorf("%d bytes of %s are not explained\n%s", openBytes(n, part), part, sketch(c, ""))
					}
				}
			}
		})
	}
}

// TestForgedStubs lets a stub look up another import, and a slot be filled elsewhere.
func TestForgedStubs(t *testing.T) {
	a := built(t, importsC, "-O1", "-Wl,-z,lazy")
	b := built(t, importsC, "-O1", "-Wl,-z,lazy", "-DDOOR")
	number := func(f *elf.File, q []byte) bool {
		s := f.Section(".plt")
		for at := s.Offset + 16; at+16 <= s.Offset+s.Size; at += 16 {
			if p := q[at+6:]; p[0] == 0x68 && p[1] == 0 {
				p[1] = 1
				return true
			}
		}
		return false
	}
	slot := func(f *elf.File, q []byte) bool {
		syms, err := f.Symbols()
		if err != nil {
			return false
		}
		i := slices.IndexFunc(syms, func(s elf.Symbol) bool { return s.Name == "handler" })
		if i < 0 {
			return false
		}
		s := f.Section(".rela.plt")
		binary.LittleEndian.PutUint64(q[s.Offset:], syms[i].Value)
		return true
	}
	said := func(n *diff.Node) bool {
		return slices.ContainsFunc(codeSaid(n), func(s string) bool {
			return !strings.Contains(s, "system") && !strings.Contains(s, "in main")
		})
	}
	for name, change := range map[string]func(*elf.File, []byte) bool{"number": number, "slot": slot} {
		if n := compareFiles(t, a, patched(t, a, change)); !said(n) && openBytes(n, ".rela.plt") == 0 {
			t.Errorf("%s, in place:\n%s", name, sketch(n, ""))
		}
		if n := compareFiles(t, a, patched(t, b, change)); !said(n) && openBytes(n, ".rela.plt") <= 48 {
			t.Errorf("%s, linked anew:\n%s", name, sketch(n, ""))
		}
	}
}
