package executable

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/diff/compressed"
)

func init() { Encoder = compressed.Encoded }

// debugC is a program with types, variables, loops and inlined functions, of which
// one has a function more in its middle.
const debugC = `#include <stdio.h>
#include <stdlib.h>
struct node { int v; struct node *next; };
static struct node *head;
int table[16] = {1, 2, 3};
static const char *names[] = {"one", "two", "three"};
static int twice(int a) { return a * 2 + table[a & 15]; }
int helper(int a) { for (int i = 0; i < 3; i++) { if (a == i) { puts(names[i]); return i; } } return twice(a / 3); }
int push(int v) { struct node *n = malloc(sizeof *n); if (!n) return -1; n->v = v; n->next = head; head = n; return table[v & 15]; }
int sum(void) { int s = 0; for (struct node *n = head; n; n = n->next) { int q = n->v * 3; if (q > 7) s += helper(q); else s += q; } return s; }
#ifdef DOOR
int door(int a) { int w = a * 7; for (int i = 0; i < a; i++) { w ^= helper(i); if (w > 1000) puts("door"); } return w; }
#endif
#line 40
int pop(void) { if (!head) return -1; struct node *n = head; int v = twice(n->v); head = n->next; free(n); return v; }
int clear(void) { int c = 0; while (pop() >= 0) c++; printf("cleared %d\n", c); return c; }
int main(int c, char **v) { push(c); push(c + 1); printf("%d\n", sum()); return clear(); }
`

// unexplained counts what is not explained of a node.
func unexplained(n *diff.Node) (out int64) {
	for i := range n.UnexplainedA {
		out += n.UnexplainedA[i].Len + n.UnexplainedB[i].Len
	}
	return out
}

// TestDwarf: of debug information of a program that was linked anew, what is not
// explained is what the new function has.
func TestDwarf(t *testing.T) {
	for _, flags := range []string{"-gdwarf-4", "-gdwarf-5", "-gdwarf-5 -gz=zlib", "-gdwarf-5 -gdwarf64", "-gdwarf-4 -no-pie", "-gdwarf-5 -ffunction-sections -fdata-sections"} {
		t.Run(flags, func(t *testing.T) {
			args := append(strings.Fields(flags), "-O2")
			n := compareFiles(t, built(t, debugC, args...), built(t, debugC, append(args, "-DDOOR")...))
			for name, most := range map[string]int64{"info": 420, "abbrev": 260, "line": 260, "str": 110, "loclists": 260, "rnglists": 240, "loc": 500, "ranges": 420, "aranges": 40} {
				name = ".debug_" + name
				for _, c := range n.Children {
					if c.Name != name {
						continue
					}
					if c.Kind == KindCompressed {
						if len(c.UnexplainedB) > 0 {
							t.Errorf("the compressed bytes of %s do not follow", name)
						}
						c = child(t, c, "content of "+name)
					}
					if c.Kind != diff.KindTable && !strings.HasSuffix(name, "str") {
						t.Errorf("%s was not taken apart", name)
					}
					if open := unexplained(c); open > most {
						t.Errorf("%d bytes of %s are not explained\n%s", open, name, sketch(c, ""))
					}
					accounted(t, c)
					if name == ".debug_info" && !strings.Contains(sketch(c, ""), "subprogram door") {
						t.Errorf("it does not say what is new:\n%s", sketch(c, ""))
					}
				}
			}
		})
	}
}

// TestDwarfSays: what a line, a name or a type is, is said where it differs.
func TestDwarfSays(t *testing.T) {
	for change, want := range map[string]string{
		"int v; struct|long v; struct": "types of",
		"int w, |int x, ":              "variable x",
		"int helper(|\nint helper(":    "line numbers of",
	} {
		from, to, _ := strings.Cut(change, "|")
		a := strings.Replace(debugC, "int q =", "int w, q = w =", 1)
		if !strings.Contains(a, from) {
			t.Fatalf("there is no %q", from)
		}
		b := strings.Replace(a, from, to, 1)
		if strings.HasPrefix(from, "int w") {
			b = strings.Replace(b, "q = w =", "q = x =", 1)
		}
		n := compareFiles(t, built(t, a, "-g", "-O1"), built(t, b, "-g", "-O1"))
		if said := sketch(child(t, n, ".debug_info"), ""); !strings.Contains(said, want) {
			t.Errorf("%s: it does not say %q\n%s", change, want, said)
		}
	}
}

// TestDwarfForged changes one byte after the other of debug information, and each
// stays unexplained.
func TestDwarfForged(t *testing.T) {
	for _, version := range []string{"-gdwarf-4", "-gdwarf-5"} {
		a := built(t, debugC, version, "-O2")
		f, err := elf.NewFile(bytes.NewReader(a))
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range f.Sections {
			if !strings.HasPrefix(s.Name, ".debug_") {
				continue
			}
			for at := uint64(0); at < s.Size; at += s.Size/24 + 1 {
				b := bytes.Clone(a)
				b[s.Offset+at] ^= 1
				if n := child(t, compareFiles(t, a, b), s.Name); n.Residue != diff.ResidueKnown {
					t.Errorf("%s: byte %d of %s differs, and its residue is %s\n%s", version, at, s.Name, n.Residue, sketch(n, ""))
				}
			}
		}
	}
}

// TestDwarfBroken: what cannot be taken apart is compared byte by byte, and that is
// said.
func TestDwarfBroken(t *testing.T) {
	a := built(t, debugC, "-gdwarf-5", "-O2")
	f, err := elf.NewFile(bytes.NewReader(a))
	if err != nil {
		t.Fatal(err)
	}
	b := bytes.Clone(a)
	b[f.Section(".debug_info").Offset+4] = 9 // the version
	n := child(t, compareFiles(t, a, b), ".debug_info")
	if n.Residue != diff.ResidueKnown || !strings.Contains(n.Note, "that of side B is not as compilers write it") {
		t.Errorf("it is not said\n%s", sketch(n, ""))
	}
}

// TestDwarfOfGo: Go writes compressed sections with an encoder that is known, so
// that these follow from their content.
func TestDwarfOfGo(t *testing.T) {
	n := compareFiles(t, goBuilt(t, "amd64", manyGo(t, 60)), goBuilt(t, "amd64", manyGo(t, 60, doorGo...)))
	for _, c := range n.Children {
		if c.Kind != KindCompressed {
			continue
		}
		if len(c.UnexplainedA)+len(c.UnexplainedB) > 0 {
			t.Errorf("the compressed bytes of %s are not explained", c.Name)
		}
		content := child(t, c, "content of "+c.Name)
		if open := unexplained(content); content.Kind != diff.KindTable || open > 1500 {
			t.Errorf("%d bytes of %s are not explained\n%s", open, c.Name, sketch(content, ""))
		}
		accounted(t, content)
	}
}

// debugSide puts sections together as one side's debug information.
func debugSide(isB bool, of *program, sec map[string][]byte) *dwarfSide {
	return &dwarfSide{order: binary.LittleEndian, isB: isB, of: of, sec: sec, abbrevs: map[uint64]abbrevs{}, lists: map[string][]dwarfList{}, lines: map[uint64]*lineTable{}}
}

// smallDebug is the debug information of a unit with one function and one
// variable, of a version.
func smallDebug(version uint16, name string) map[string][]byte {
	abbrev := "\x01\x11\x01\x03\x08\x10\x17\x11\x01\x55\x17\x00\x00" + // unit: name, lines, low pc, ranges
		"\x02\x2e\x00\x03\x0e\x11\x01\x12\x06\x40\x18\x00\x00" + // function: name, low and high pc, frame base
		"\x03\x34\x00\x03\x08\x3a\x0b\x3b\x0b\x49\x13\x02\x17\x00\x00\x00" // variable: name, file, line, type, places
	lists := "ranges"
	places := "loc"
	at := uint32(0)
	if version >= 5 {
		lists, places, at = "rnglists", "loclists", 12
	}
	tree := slices.Concat(le("\x01"+"a.c\x00", uint32(0), uint64(0x1000), at), le("\x02", uint32(0), uint64(0x1000), uint32(64), "\x01\x9c"),
		le("\x03"+name+"\x00\x01\x05", uint32(11), at, "\x00"))
	head := le(version, uint32(0), byte(8))
	if version >= 5 {
		head = le(version, byte(1), byte(8), uint32(0))
	}
	info := slices.Concat(le(uint32(len(head)+len(tree))), head, tree)
	sec := map[string][]byte{"abbrev": []byte(abbrev), "info": info, "str": []byte("run\x00"),
		"line": smallLines(), "frame": smallFrames(), "aranges": le(uint32(44), uint16(2), uint32(0), byte(8), byte(0), uint32(0), uint64(0x1000), uint64(64), uint64(0), uint64(0))}
	if version >= 5 {
		sec[lists] = le(uint32(8+11), uint16(5), byte(8), byte(0), uint32(0), "\x07", uint64(0x1000), byte(0x40), "\x00")
		sec[places] = le(uint32(8+7), uint16(5), byte(8), byte(0), uint32(0), "\x04\x00\x10\x01\x50\x00\x00")
		sec["addr"] = le(uint32(12), uint16(5), byte(8), byte(0), uint64(0x1000))
		sec["str_offsets"] = le(uint32(8), uint16(5), uint16(0), uint32(0))
	} else {
		sec[lists] = le(uint64(0), uint64(64), uint64(0), uint64(0))
		sec[places] = le(uint64(0), uint64(16), uint16(1), "\x50", uint64(0), uint64(0))
	}
	return sec
}

func smallLines() []byte {
	after := le(byte(1), byte(1), byte(1), byte(0xfb), byte(14), byte(13), "\x00\x01\x01\x01\x01\x00\x00\x00\x01\x00\x00\x01", "\x00", "a.c\x00\x00\x00\x00\x00")
	program := le("\x00\x09\x02", uint64(0x1000), "\x14\x4b\x02\x10\x00\x01\x01")
	return slices.Concat(le(uint32(2+4+len(after)+len(program)), uint16(4), uint32(len(after))), after, program)
}

func smallFrames() []byte {
	return slices.Concat(le(uint32(12), uint32(0xffffffff), "\x01\x00\x01\x78\x10\x00\x00\x00"), le(uint32(20), uint32(0), uint64(0x1000), uint64(64)))
}

// comparedDebug compares debug information of two sides of which no code is known.
func comparedDebug(t testing.TB, a, b map[string][]byte) *dwarfPair {
	t.Helper()
	p := newPairing(t.Context(), nil, &program{order: binary.LittleEndian}, &program{order: binary.LittleEndian})
	d := &dwarfPair{p: p, a: debugSide(false, p.a, a), b: debugSide(true, p.b, b), places: map[string]*places{}, done: map[string]*dwarfResult{}}
	for _, name := range dwarfNames {
		d.places[name] = &places{}
	}
	if !d.a.readUnits() || !d.b.readUnits() {
		return nil
	}
	ok, err := d.prepare(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !ok {
		return nil
	}
	for _, name := range dwarfNames {
		r, err := d.result(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if r != nil && len(a[name]) > 0 && len(b[name]) > 0 {
			ra, rb := sidesOf(r.open, r.closed)
			equalOutside(t, ".debug_"+name, a[name], b[name], ra, rb)
		}
	}
	return d
}

// TestDwarfByHand reads debug information of both layouts that is written here.
func TestDwarfByHand(t *testing.T) {
	for _, version := range []uint16{4, 5} {
		d := comparedDebug(t, smallDebug(version, "i"), smallDebug(version, "i"))
		if d == nil {
			t.Fatalf("version %d is not read", version)
		}
		for _, name := range dwarfNames {
			if r := d.done[name]; r == nil || len(r.open)+len(r.closed) > 0 {
				t.Errorf("version %d: of .debug_%s, which is equal, there is %+v", version, name, r)
			}
		}
		d = comparedDebug(t, smallDebug(version, "i"), smallDebug(version, "other"))
		if said := fmt.Sprint(d.done["info"].reasons); !strings.Contains(said, "variable i") || !strings.Contains(said, "variable other") {
			t.Errorf("version %d: it says %s", version, said)
		}
	}
}

// fuzzDebug fuzzes one section of debug information against its seed.
func fuzzDebug(f *testing.F, names ...string) {
	for _, version := range []uint16{4, 5} {
		sec := smallDebug(version, "i")
		for _, name := range names {
			if len(sec[name]) > 0 {
				f.Add(version == 5, name, sec[name])
				f.Add(version == 5, name, append(bytes.Clone(sec[name]), bytes.Repeat([]byte{0xfc}, 12)...)) // a number too long, and more after it
			}
		}
	}
	f.Fuzz(func(t *testing.T, five bool, name string, p []byte) {
		if len(p) > 1<<12 || !slices.Contains(names, name) {
			return
		}
		version := uint16(4)
		if five {
			version = 5
		}
		b := smallDebug(version, "i")
		b[name] = p
		comparedDebug(t, smallDebug(version, "i"), b)
	})
}

func FuzzDwarfInfo(f *testing.F)   { fuzzDebug(f, "info", "abbrev", "str") }
func FuzzDwarfLines(f *testing.F)  { fuzzDebug(f, "line") }
func FuzzDwarfLists(f *testing.F)  { fuzzDebug(f, "ranges", "rnglists", "loc", "loclists") }
func FuzzDwarfTables(f *testing.F) { fuzzDebug(f, "addr", "str_offsets", "aranges", "frame") }

// TestDwarfBound: debug information of more bytes than are taken apart is compared
// byte by byte, and that is said with the flag that changes it.
func TestDwarfBound(t *testing.T) {
	a, b := built(t, debugC, "-O2", "-gdwarf-5"), built(t, debugC, "-O2", "-gdwarf-5", "-DDOOR")
	for _, most := range []int64{0, 500} { // 0 is the default
		in := func(p []byte) *diff.Input {
			return &diff.Input{ReaderAt: bytes.NewReader(p), Name: "a", Size: int64(len(p))}
		}
		n, err := diff.NewExaminer(diff.Options{Limits: diff.Limits{Debug: most}}).Pair(t.Context(), "", "a", in(a), in(b))
		if err != nil {
			t.Fatal(err)
		}
		c := child(t, n, ".debug_info")
		if said := strings.Contains(c.Note, "more than 500 bytes, which --max-debug may raise"); said != (most > 0) || (c.Kind == diff.KindTable) != (most == 0) {
			t.Errorf("at most %d bytes: %s, %q", most, c.Kind, c.Note)
		}
	}
}
