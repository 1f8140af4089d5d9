package executable

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/stagescope/stagescope/diff"
)

// stubsOnly reports whether bytes of a table of jumps are nothing but whole stubs of
// imports as linkers write them, and whose they are. Such a stub says nothing that the
// import's relocation does not say: it goes to what is in the import's slot, or pushes
// the number of the import's entry and goes on to the beginning of the table.
func (p *program) stubsOnly(r *region, off, size uint64) (names []string, ok bool) {
	entry := uint64(16)
	if r.name == ".plt.got" && r.size%16 != 0 {
		entry = 8
	}
	size = (size + entry - 1) / entry * entry // with the padding at its end, which may be told apart
	if x, is := p.isa.(x86); !is || x.mode != 64 || p.imports == nil || off%entry != 0 || size == 0 || size > r.size || off > r.size-size {
		return nil, false
	}
	code, err := readAt(p.in, r.off+off, size)
	if err != nil {
		return nil, false
	}
	for at := uint64(0); at < size; at += entry {
		name := p.stub(r, code[at:at+entry], r.addr+off+at)
		if name == "" {
			return nil, false
		}
		names = append(names, name)
	}
	return names, true
}

// stub names the import whose stub the bytes at an address are; "" when they are none.
func (p *program) stub(r *region, code []byte, addr uint64) string {
	name, pushed, done := "", false, false
	for len(code) > 0 {
		st := p.isa.step(code, addr)
		if st.bad || st.n == 0 || st.n > len(code) {
			return ""
		}
		ins := bytes.TrimPrefix(code[:st.n], []byte{0xf2}) // a jump may be marked
		at, meant := "", st.nops == 1
		if meant {
			at = p.imports()[st.ops[0].addr]
		}
		switch {
		case branchMark(p.isa, ins):
			if name != "" {
				return ""
			}
		case emptyPad(ins) && ins[0] != 0xcc:
			if !done {
				return ""
			}
		case len(ins) == 6 && ins[0] == 0xff && ins[1] == 0x25: // to what is in the slot
			if name != "" || at == "" || strings.HasPrefix(at, entryOf) {
				return ""
			}
			name, done = at, true
		case len(ins) == 5 && ins[0] == 0x68: // the number of the entry
			of, is := strings.CutPrefix(at, entryOf)
			if !is || pushed || name != "" && name != of {
				return ""
			}
			name, pushed, done = of, true, false
		case len(ins) == 5 && ins[0] == 0xe9: // to the beginning of the table
			if !pushed || done || !meant || st.ops[0].addr != r.addr || r.name != ".plt" {
				return ""
			}
			done = true
		default:
			return ""
		}
		code, addr = code[st.n:], addr+uint64(st.n)
	}
	if !done {
		return ""
	}
	return name
}

// takeStubs takes stubs that only one side has out of what nothing explains.
func (p *pairing) takeStubs(al *aligned, j *judged) (closed []diff.Hunk, onlyA, onlyB []string) {
	if !strings.HasPrefix(al.a.name, ".plt") {
		return nil, nil, nil
	}
	for i := range j.edits {
		if i >= len(al.code.windows) {
			break
		}
		j.edits[i] = slices.DeleteFunc(j.edits[i], func(e edit) bool {
			h := (&judging{w: &al.code.windows[i]}).hunk(e.a0, e.a1, e.b0, e.b1)
			for _, s := range []struct {
				of          *program
				r           *region
				mine, other diff.Range
				names       *[]string
			}{{p.a, al.a, h.A, h.B, &onlyA}, {p.b, al.b, h.B, h.A, &onlyB}} {
				if s.other.Len > 0 {
					continue
				}
				if names, ok := s.of.stubsOnly(s.r, uint64(s.mine.Off), uint64(s.mine.Len)); ok {
					*s.names = append(*s.names, names...)
					closed = append(closed, h)
					return true
				}
			}
			return false
		})
	}
	return closed, onlyA, onlyB
}

// stubReasons say whose stubs one side has alone.
func stubReasons(onlyA, onlyB []string) []diff.Reason {
	if len(onlyA)+len(onlyB) == 0 {
		return nil
	}
	field := "stubs of imports"
	for i, names := range [][]string{onlyA, onlyB} {
		if len(names) > 0 {
			field += fmt.Sprintf(", of which %s has alone: %s", "AB"[i:i+1], someOf(names))
		}
	}
	return []diff.Reason{{Field: field,
		Cause: &diff.Cause{ID: "derived", Name: "jumps to imports", Confidence: diff.Derived, Evidence: "each goes to the slot of its import, or has it looked up, and does nothing else"}}}
}

// headerWords is how many words the loader has for itself before the slots of imports.
const headerWords = 3

// slotHeader is where a program keeps them; 0 when it has none, or what is said to be
// there is not as linkers write it.
func (p *program) slotHeader() uint64 {
	if p.imports == nil || p.slotsAt == 0 {
		return 0
	}
	r := p.at(p.slotsAt)
	if r == nil || r.empty || r.name != ".got.plt" && r.name != ".got" || !p.holdsHeader(r) {
		return 0
	}
	return p.slotsAt
}

// holdsHeader reports whether the words for the loader hold where its tables are and
// nothing else, and none of them is a slot.
func (p *program) holdsHeader(r *region) bool {
	const size = 8
	from := p.slotsAt - r.addr
	if from > r.size || r.size-from < headerWords*size {
		return false
	}
	w, err := readAt(p.in, r.off+from, headerWords*size)
	if err != nil || p.order.Uint64(w) != p.dynamicAt || p.order.Uint64(w[size:])|p.order.Uint64(w[2*size:]) != 0 {
		return false
	}
	for k := range uint64(headerWords) {
		if p.imports()[p.slotsAt+k*size] != "" {
			return false
		}
	}
	return true
}

// inHeader reports whether two addresses are the same word of what the loader has for
// itself; decided says that one of them is such a word.
func (p *pairing) inHeader(x, y uint64) (decided, same bool) {
	if p.a.slotsAt == 0 || p.b.slotsAt == 0 || p.bits() != 64 {
		return false, false
	}
	dx, dy := x-p.a.slotsAt, y-p.b.slotsAt
	if dx >= 8*headerWords && dy >= 8*headerWords || p.a.slotHeader() == 0 || p.b.slotHeader() == 0 {
		return false, false
	}
	return true, dx == dy
}

// slotsFollow reports whether a table of addresses holds, on one side, nothing but what
// the loader has for itself and slots of imports, each empty or with the stub that has
// its own import looked up.
func (p *program) slotsFollow(r *region) bool {
	const size = 8
	if x, ok := p.isa.(x86); !ok || x.mode != 64 || p.imports == nil || r.empty || r.size%size != 0 || r.size > maxTable {
		return false
	}
	w, err := readAt(p.in, r.off, r.size)
	if err != nil {
		return false
	}
	header := p.slotHeader()
	for off := uint64(0); off < r.size; off += size {
		addr, v := r.addr+off, binary.LittleEndian.Uint64(w[off:])
		if header != 0 && addr-header < size*headerWords {
			continue // it was looked at
		}
		name := p.imports()[addr]
		if name == "" || strings.HasPrefix(name, entryOf) {
			return false
		}
		if v != 0 && !p.looksUp(v, name) {
			return false
		}
	}
	return true
}

// looksUp reports whether code at an address has one import looked up, and is part of
// the table of jumps.
func (p *program) looksUp(addr uint64, name string) bool {
	r := p.at(addr)
	if r == nil || r.empty || !r.exec || r.name != ".plt" {
		return false
	}
	from := (addr - r.addr) / 16 * 16
	names, ok := p.stubsOnly(r, from, 16)
	if !ok || names[0] != name {
		return false
	}
	code, err := readAt(p.in, r.off+addr-r.addr, from+16-(addr-r.addr))
	return err == nil && p.lookup(code, addr) == name+"@lookup"
}
