package executable

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"os"
	"testing"

	"github.com/stagescope/stagescope/diff"
)

const flagsC = `long authenticated; long attempts;
void __attribute__((noinline)) login(int ok) { if (ok) authenticated = 1; else attempts = 1; }
int __attribute__((noinline)) check(void) { return authenticated != 0; }
int __attribute__((noinline)) tries(void) { return attempts != 0; }
int main(int c, char **v) { login(c > 5); if (check()) return 42; return tries(); }
`

// TestNamesChangeHands lets one function read another variable, and gives the two
// variables each other's names in the table of symbols, which nothing loads.
func TestNamesChangeHands(t *testing.T) {
	a := built(t, flagsC, "-O1", "-no-pie")
	b := bytes.Clone(a)
	f, err := elf.NewFile(bytes.NewReader(a))
	if err != nil {
		t.Fatal(err)
	}
	syms, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	at := map[string]uint64{}
	table, text := f.Section(".symtab"), f.Section(".text")
	for _, s := range syms {
		at[s.Name] = s.Value
	}
	auth, tries := at["authenticated"], at["attempts"]
	for i, s := range syms {
		place := table.Offset + uint64(i+1)*24 + 8 // the first symbol is not listed
		switch s.Name {
		case "authenticated":
			binary.LittleEndian.PutUint64(b[place:], tries)
		case "attempts":
			binary.LittleEndian.PutUint64(b[place:], auth)
		}
	}
	patched := false
	for pc := at["check"]; pc < at["check"]+16 && !patched; pc++ {
		off := pc - text.Addr + text.Offset
		d := uint64(int64(int32(binary.LittleEndian.Uint32(a[off:]))))
		for _, after := range []uint64{4, 5, 8} { // displacement, and an immediate
			if pc+after+d == auth && !patched {
				binary.LittleEndian.PutUint32(b[off:], uint32(d+tries-auth))
				patched = true
			}
		}
	}
	if !patched && os.Getenv("CI") != "" {
		t.Fatal("this compiler refers to the variable otherwise")
	} else if !patched {
		t.Skip("this compiler refers to the variable otherwise")
	}
	n := compareFiles(t, a, b)
	n.Settle()
	if code := child(t, n, ".text"); len(code.UnexplainedB) == 0 || !said(code, diff.SuspectChangedCode, "check") {
		t.Error(sketch(n, ""))
	}
}
