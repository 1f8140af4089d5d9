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
)

// goTableOf writes a table of functions of one layout, whose functions have each
// 64 bytes of code, a line table of their own and a file.
func goTableOf(magic uint32, pointer int, text uint64, names ...string) []byte {
	order := binary.LittleEndian
	head, fields, entry := 8+8*pointer, goStart+1, 4
	switch magic {
	case goTable116:
		head, entry = 8+7*pointer, pointer
	case goTable120:
		fields++
	}
	wide := func(p []byte, v uint64, n int) []byte {
		if n == 8 {
			return order.AppendUint64(p, v)
		}
		return order.AppendUint32(p, uint32(v))
	}
	var nameTab, unitTab, valueTab, records []byte
	fileTab := []byte("a.go\x00b.go\x00\x00\x00")
	unitTab = le(uint32(0), uint32(5))
	valueTab = []byte{0}
	from := text
	if magic != goTable116 {
		from = 0
	}
	table := []byte{}
	tableSize := len(names)*2*entry + entry
	for i, name := range names {
		for (tableSize+len(records))%pointer != 0 {
			records = append(records, 0)
		}
		table = wide(table, from+64*uint64(i), entry)
		table = wide(table, uint64(tableSize+len(records)), entry)
		at := len(valueTab)
		valueTab = append(valueTab, byte(2*len(name)), 64, 0) // lines
		files := len(valueTab)
		valueTab = append(valueTab, 2+byte(2*(len(name)%2)), 64, 0)
		records = wide(records, from+64*uint64(i), entry)
		for k := range fields - 1 {
			v := uint32(0)
			switch k {
			case goName:
				v = uint32(len(nameTab))
			case goFiles:
				v = uint32(files)
			case goLines:
				v = uint32(at)
			}
			records = order.AppendUint32(records, v)
		}
		records = append(records, 0, 0, 0, 0)
		nameTab = append(nameTab, name+"\x00"...)
	}
	table = wide(table, from+64*uint64(len(names)), entry)
	for _, p := range []*[]byte{&nameTab, &unitTab, &fileTab, &valueTab} {
		for len(*p)%pointer != 0 {
			*p = append(*p, 0)
		}
	}
	out := le(magic, uint16(0), byte(1), byte(pointer))
	out = wide(wide(out, uint64(len(names)), pointer), 2, pointer)
	if magic != goTable116 {
		out = wide(out, text, pointer)
	}
	at := head
	for _, p := range [][]byte{nameTab, unitTab, fileTab, valueTab, nil} {
		out = wide(out, uint64(at), pointer)
		at += len(p)
	}
	return slices.Concat(out, nameTab, unitTab, fileTab, valueTab, table, records)
}

// comparedTables compares two tables as those of programs of which nothing moved.
func comparedTables(t testing.TB, a, b []byte) *diff.Node {
	t.Helper()
	ta, tb := parseGoTables(a, binary.LittleEndian, 0x800000, 0x400000, 0x700000), parseGoTables(b, binary.LittleEndian, 0x800000, 0x400000, 0x700000)
	if ta == nil || tb == nil || ta.magic != tb.magic || ta.pointer != tb.pointer {
		return nil
	}
	p := newPairing(t.Context(), nil, &program{order: binary.LittleEndian}, &program{order: binary.LittleEndian})
	c := &goFuncs{p: p, a: ta, b: tb, g: &tiling{ctx: t.Context(), a: a, b: b}}
	for side := range 2 {
		c.filed[side], c.unlike[side] = map[uint32]bool{}, map[uint32]bool{}
	}
	n := &diff.Node{}
	if err := c.compare(n); err != nil {
		t.Fatal(err)
	}
	setHunks(n, c.g.open, c.g.closed)
	c.sayings(n)
	return n
}

// TestGoTableLayouts reads the three layouts that Go's linkers have written since
// 1.16. One function more, and a name that is longer, are all that is not explained.
func TestGoTableLayouts(t *testing.T) {
	for _, magic := range []uint32{goTable116, goTable118, goTable120} {
		for _, pointer := range []int{4, 8} {
			t.Run(fmt.Sprintf("%x/%d", magic, pointer), func(t *testing.T) {
				names := []string{"main.a", "main.bc", "main.def", "main.main"}
				a := goTableOf(magic, pointer, 0x400000, names...)
				table := parseGoTables(a, binary.LittleEndian, 0x800000, 0x400000, 0x700000)
				if table == nil || len(table.funcs) != 4 || table.nameOf(&table.funcs[2]) != "main.def" || table.firstFile(&table.funcs[1]) != "b.go" || table.funcs[3].entry != 0x4000c0 || table.end != 0x400100 {
					t.Fatalf("it is read as %+v", table)
				}
				n := comparedTables(t, a, a)
				if len(n.RangesB) > 0 {
					t.Errorf("a table differs from itself: %v", n.RangesB)
				}
				n = comparedTables(t, a, goTableOf(magic, pointer, 0x400000, append(names, "main.door")...))
				if said := sketch(n, ""); !strings.Contains(said, `functions: "" -> "main.door"`) {
					t.Errorf("it says\n%s", said)
				}
				longer := comparedTables(t, a, goTableOf(magic, pointer, 0x400000, "main.a", "main.bcxx", "main.def", "main.main"))
				if said := sketch(longer, ""); !strings.Contains(said, `paired, 1 function: main.bcxx: "main.bc" -> "main.bcxx"`) {
					t.Errorf("it says\n%s", said)
				}
			})
		}
	}
}

// tableOf gives where .gopclntab lies in a program.
func tableOf(t testing.TB, p []byte) (off, size int) {
	t.Helper()
	f, err := elf.NewFile(bytes.NewReader(p))
	if err != nil {
		t.Fatal(err)
	}
	s := f.Section(".gopclntab")
	return int(s.Offset), int(s.Size)
}

// TestGoTable: of the tables of a program that was linked anew, all is explained
// but what is new.
func TestGoTable(t *testing.T) {
	for _, arch := range []string{"amd64", "arm64", "386"} {
		t.Run(arch, func(t *testing.T) {
			a, b := goBuilt(t, arch, manyGo(t, 60), "-ldflags=-s -w"), goBuilt(t, arch, manyGo(t, 60, doorGo...), "-ldflags=-s -w")
			n := child(t, compareFiles(t, a, b), ".gopclntab")
			accounted(t, n)
			var open int64
			for _, r := range n.UnexplainedB {
				open += r.Len
			}
			said := sketch(n, "")
			if open == 0 || open > 2500 || !strings.Contains(said, "main.door") || strings.Contains(said, "garbage collector") {
				t.Errorf("%d bytes are not explained, and it says\n%s", open, said)
			}
		})
	}
}

// TestGoTableForged changes one byte after the other of a table that follows, and
// each stays unexplained; and what leads to the wrong name is said.
func TestGoTableForged(t *testing.T) {
	a := goBuilt(t, "amd64", manyGo(t, 3), "-ldflags=-s -w")
	off, size := tableOf(t, a)
	table := parseGoTables(a[off:off+size], binary.LittleEndian, 0, 0, 0)
	if table == nil {
		t.Fatal("the table is not read")
	}
	for at := 8; at < size; at += size/60 + 1 {
		b := bytes.Clone(a)
		b[off+at] ^= 1
		if n := child(t, compareFiles(t, a, b), ".gopclntab"); n.Residue != diff.ResidueKnown {
			t.Errorf("byte %d differs, and its residue is %s\n%s", at, n.Residue, sketch(n, ""))
		}
	}
	b := bytes.Clone(a)
	f, g := &table.funcs[len(table.funcs)-1], &table.funcs[len(table.funcs)-2]
	at := off + int(f.at) + 4
	copy(b[at:at+4], a[off+int(g.at)+4:])
	n := child(t, compareFiles(t, a, b), ".gopclntab")
	if want := table.nameOf(f) + `" -> "` + table.nameOf(g); n.Residue != diff.ResidueKnown || !strings.Contains(sketch(n, ""), want) {
		t.Errorf("it does not say %s\n%s", want, sketch(n, ""))
	}
}

// FuzzGoTable: no table makes the comparison panic, and what lies outside of the
// ranges that it gives is equal.
func FuzzGoTable(f *testing.F) {
	for _, magic := range []uint32{goTable116, goTable118, goTable120} {
		a := goTableOf(magic, 8, 0x400000, "main.a", "main.bc")
		f.Add(a, goTableOf(magic, 8, 0x400000, "main.a", "main.door", "main.bc"))
		f.Add(a, append(bytes.Clone(a), make([]byte, 64)...))
		// Data that no function refers to.
		f.Add(append(bytes.Clone(a), "unused\x01\x02\x03\x04\x05\x06"...), append(bytes.Clone(a), "unused\x01\x02\x03\x04\x05\x07\x08\x09"...))
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		if len(a)+len(b) > 1<<16 {
			return
		}
		if n := comparedTables(t, a, b); n != nil {
			equalOutside(t, "tables", a, b, n.RangesA, n.RangesB)
		}
	})
}
