package executable

import (
	"context"
	"encoding/binary"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/stagescope/stagescope/diff"
)

// program is one side as the comparison of code sees it, whatever its format.
type program struct {
	in      *diff.Input
	isa     isa    // nil when its instructions are not known here
	machine string // as the format calls it
	entry   uint64
	order   binary.ByteOrder
	regions []region // what is mapped from the file, in the file's order
	bare    bool     // nothing says which of its bytes are code: that is found from the entry on
	fixed   bool     // it is loaded where it was linked to, so that words hold addresses
	relaxed bool     // it is not linked yet: addresses are offsets in the file
	// imports names what is filled in at addresses when the program is loaded; it
	// may be nil.
	imports func() map[uint64]string
	// symbols calls back for every symbol of the program, until told to stop.
	symbols func(yield func(symbol) bool) error
	// table calls back for every function that the program's own tables have, with
	// its name if they say it; it may be nil. listed says that symbols and tables
	// have all functions.
	table  func(yield func(addr uint64, name func() string) bool)
	listed bool
	bared  bool // its symbols do not name its functions: those of the tables do
	// filled gives what the loader writes, by address; false when that is not known.
	// It is nil when the loader writes nothing.
	filled    func() ([]filled, bool)
	dynamicAt uint64 // where the tables for the loader begin; 0 when there are none
	slotsAt   uint64 // where they say that the slots of imports begin
	anchor    uint64 // what the register for the global data always holds; 0 when there is none
	lengths   bool   // the length of a text is kept beside its address, as Go does
	sorted    []int  // the regions by address, when they do not overlap
	dataRead  *dataSymbols
	begun     map[uint64]bool // where functions begin, once that was asked
}

// region is a part of the file that is mapped into memory.
type region struct {
	name      string
	off, size uint64 // in the file
	addr      uint64
	exec      bool
	write     bool
	empty     bool // it has no bytes in the file: memory that begins as zeros
}

// symbol is a name for an address.
type symbol struct {
	name func() string // read when it is asked for
	addr uint64
	size uint64
	code bool // it names code, or may
}

func (r *region) holds(addr uint64) bool { return addr >= r.addr && addr-r.addr < r.size }

func (p *program) region(name string) *region {
	for i := range p.regions {
		if p.regions[i].name == name {
			return &p.regions[i]
		}
	}
	return nil
}

// at gives the region that holds an address; the first of the file, when several do.
func (p *program) at(addr uint64) *region {
	if p.sorted != nil {
		i := sort.Search(len(p.sorted), func(i int) bool { return p.regions[p.sorted[i]].addr > addr })
		if i > 0 && p.regions[p.sorted[i-1]].holds(addr) {
			return &p.regions[p.sorted[i-1]]
		}
		return nil
	}
	for i := range p.regions {
		if p.regions[i].holds(addr) {
			return &p.regions[i]
		}
	}
	return nil
}

// numberRegions gives regions of one name numbers, as diff.Examiner.Parts pairs
// parts of one name.
func numberRegions(rs []region) {
	seen := map[string]int{}
	for i := range rs {
		k := seen[rs[i].name]
		seen[rs[i].name]++
		if k > 0 {
			rs[i].name += "\x00" + strconv.Itoa(k)
		}
	}
}

// sortRegions prepares at, when no two regions overlap.
func (p *program) sortRegions() {
	order := make([]int, len(p.regions))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return compare(p.regions[i].addr, p.regions[j].addr) })
	for k := 1; k < len(order); k++ {
		if r, s := &p.regions[order[k-1]], &p.regions[order[k]]; s.addr-r.addr < r.size {
			return
		}
	}
	for _, r := range p.regions {
		if r.addr+r.size < r.addr {
			return
		}
	}
	p.sorted = order
}

// where says an address and the place in the file that holds it.
func (p *program) where(addr uint64) string {
	r := p.at(addr)
	if r == nil {
		return hexNumber(addr)
	}
	off := "file offset " + hexNumber(addr-r.addr+r.off)
	if p.relaxed {
		return r.name + "+" + hexNumber(addr-r.addr) + ", " + off
	}
	return hexNumber(addr) + ", " + off
}

func hexNumber(v uint64) string { return "0x" + strconv.FormatUint(v, 16) }

// maxQueries bounds the addresses that are named in one walk over the symbols.
const maxQueries = 1 << 16

// nearest finds, for each address, the symbol that names it: the last one at or
// before it, in the same region, which does not end before it. It walks over the
// symbols once and keeps only what was asked for.
func (p *program) nearest(ctx context.Context, addrs []uint64) map[uint64]symbol {
	addrs = slices.Compact(slices.Sorted(slices.Values(addrs)))
	if len(addrs) > maxQueries {
		addrs = addrs[:maxQueries]
	}
	out := map[uint64]symbol{}
	best := make([]symbol, len(addrs))
	have := make([]bool, len(addrs))
	if len(addrs) == 0 {
		return out
	}
	n := 0
	p.named(func(s symbol) bool {
		if n++; n&0xffff == 0 && ctx.Err() != nil {
			return false
		}
		i := sort.Search(len(addrs), func(i int) bool { return addrs[i] >= s.addr })
		// Of several at one address, that which has a size is the function.
		if i < len(addrs) && (!have[i] || s.addr > best[i].addr || s.addr == best[i].addr && better(s, best[i])) {
			best[i], have[i] = s, true
		}
		return true
	})
	for i, a := range addrs {
		if i > 0 && have[i-1] && (!have[i] || best[i-1].addr > best[i].addr) {
			best[i], have[i] = best[i-1], true
		}
		if !have[i] {
			continue
		}
		s, r := best[i], p.at(a)
		if d := a - s.addr; r != nil && r.holds(s.addr) && (s.size == 0 || d < s.size || d == 0) {
			out[a] = s
		}
	}
	return out
}

// named calls back for every symbol and, where symbols do not name functions, for
// every name in the tables of functions.
func (p *program) named(yield func(symbol) bool) {
	on := true
	if p.symbols != nil {
		p.symbols(func(s symbol) bool {
			on = yield(s)
			return on
		})
	}
	if p.table != nil && p.bared && on {
		p.table(func(addr uint64, name func() string) bool {
			return yield(symbol{name: name, addr: addr, code: true})
		})
	}
}

// names finds what addresses are called: the nearest symbol, with the distance
// to it.
func (p *program) names(ctx context.Context, addrs []uint64) map[uint64]string {
	out := map[uint64]string{}
	for a, s := range p.nearest(ctx, addrs) {
		name := s.name()
		if name == "" {
			continue
		}
		if d := a - s.addr; d > 0 {
			name += "+" + hexNumber(d)
		}
		out[a] = name
	}
	for _, a := range addrs {
		if out[a] == "" {
			if s := p.foreign(a); s != "" {
				out[a] = s
			} else if s := p.textAt(a); s != "" {
				out[a] = s
			}
		}
	}
	return out
}

// textAt gives the text that data begin with at an address; "" when they do not.
func (p *program) textAt(addr uint64) string {
	r := p.at(addr)
	if r == nil || r.empty || r.exec && !p.bare {
		return ""
	}
	s, ok := stringIn(p.in, r.off+addr-r.addr, min(r.size-(addr-r.addr), 256))
	if !ok || len(s) < 3 || len(printable([]byte(s))) != 1 && len(s) >= minString {
		return ""
	}
	for i := range len(s) {
		if c := s[i]; (c < 0x20 || c > 0x7e) && c != '\n' && c != '\t' {
			return ""
		}
	}
	return strconv.Quote(short(s))
}

// foreign names what a jump through a table of imports leads to; "" when there
// is none at the address.
func (p *program) foreign(addr uint64) string {
	r := p.at(addr)
	if p.imports == nil || p.isa == nil || r == nil || r.empty || !r.exec {
		return ""
	}
	code, err := readAt(p.in, r.off+addr-r.addr, min(24, r.size-(addr-r.addr)))
	if err != nil || len(code) == 0 {
		return ""
	}
	if at := p.through(code, addr); at != 0 {
		if name := p.imports()[at]; name != "" {
			return name + "@import"
		}
	}
	return p.lookup(code, addr)
}

// lookup names the import that a stub looks up, where another stub jumps to it: it
// pushes the number of the import's entry first.
func (p *program) lookup(code []byte, addr uint64) string {
	for range 2 {
		if len(code) == 0 {
			break
		}
		st := p.isa.step(code, addr)
		if st.nops == 1 && code[0] == 0x68 {
			if name, ok := strings.CutPrefix(p.imports()[st.ops[0].addr], entryOf); ok {
				return name + "@lookup"
			}
		}
		code, addr = code[min(st.n, len(code)):], addr+uint64(st.n)
	}
	return ""
}

// better reports whether a symbol says more than another at the same address.
func better(s, t symbol) bool {
	if s.code != t.code {
		return s.code
	}
	return s.size > t.size
}
