package executable

import (
	"bytes"
	"context"
	"debug/elf"
	"encoding/binary"
	"errors"
	"io"
	"strings"
)

// dwarfSide is the debug information of one side.
type dwarfSide struct {
	order   binary.ByteOrder
	isB     bool
	of      *program
	sec     map[string][]byte // by the name without .debug_
	units   []dwarfUnit
	abbrevs map[uint64]abbrevs
	// Where lists of ranges and of places begin, in order, and whose they are.
	lists map[string][]dwarfList
	lines map[uint64]*lineTable
	spent int // bytes of strings, and of tables that units may share, that were looked at
}

// dwarfUnit is a unit of .debug_info.
type dwarfUnit struct {
	off, die, end uint64 // its header, its first entry, and its end
	version       uint16
	kind          uint8
	wide          bool // offsets have 8 bytes
	addr          uint8
	abbrevAt      uint64
	table         abbrevs
	key           uint64 // hash of what it is called, and of where it was built
	file          []byte // the last part of what it is called
	low           uint64 // address that its ranges are counted from
	strBase       uint64
	addrBase      uint64
	rangeBase     uint64
	placeBase     uint64
	line          uint64 // of its line table
	hasLine       bool
}

// dwarfList is where a list begins, and the unit that refers to it.
type dwarfList struct {
	off  uint64
	unit int32
	raw  bool // of views, which belong to a list
}

// dwarfNames are the sections that are taken apart, in the order in which they
// have to be.
var dwarfNames = []string{"abbrev", "str", "line_str", "str_offsets", "addr", "info", "line", "rnglists", "loclists", "ranges", "loc", "aranges", "frame"}

// dwarf reads the debug information of a file, of at most so many bytes; nil when it
// is not as compilers write it.
func (f *elfFile) dwarf(ctx context.Context, of *program, isB bool, most int64) (*dwarfSide, error) {
	d := &dwarfSide{order: f.order, isB: isB, of: of, sec: map[string][]byte{}, abbrevs: map[uint64]abbrevs{}, lists: map[string][]dwarfList{}, lines: map[uint64]*lineTable{}}
	left := uint64(most)
	for _, name := range dwarfNames {
		p, err := f.debugSection(ctx, name, left)
		if errors.Is(err, errTooMuch) {
			err = bad("%w than %d bytes, which --max-debug may raise", errTooMuch, most)
		}
		if err != nil {
			return nil, err
		}
		left -= uint64(len(p))
		d.sec[name] = p
	}
	if len(d.sec["info"]) == 0 || !d.readUnits() {
		return nil, nil
	}
	return d, nil
}

// errTooMuch is wrapped where a section has more bytes than are read.
var errTooMuch = errors.New("it has more")

// debugSection reads one section, whether it is compressed or not.
func (f *elfFile) debugSection(ctx context.Context, name string, most uint64) ([]byte, error) {
	s := f.section(".debug_" + name)
	if s == nil {
		s = f.section(".zdebug_" + name)
	}
	if s == nil || !s.hasBytes() {
		return nil, nil
	}
	if s.flags&elf.SHF_COMPRESSED == 0 && !strings.HasPrefix(s.name, ".z") {
		if s.size > most {
			return nil, bad("%w than %d bytes, in %s", errTooMuch, most, s.name)
		}
		return readAt(f.in, s.off, s.size)
	}
	if s.off > uint64(f.in.Size) || s.size > uint64(f.in.Size)-s.off {
		return nil, bad("%s is not in the file", s.name)
	}
	r, _, size, err := f.decoder(s, f.in.Section(rangeOf(s.off, s.size), s.name))
	if err != nil {
		return nil, err
	}
	if size > most {
		return nil, bad("%w than %d bytes, in %s", errTooMuch, most, s.name)
	}
	var out bytes.Buffer
	out.Grow(int(min(size, 64*s.size)))
	if _, err := io.Copy(&out, io.LimitReader(contextReader{ctx, r}, int64(size)+1)); err != nil {
		return nil, bad("%s: %v", s.name, err)
	}
	if uint64(out.Len()) != size {
		return nil, bad("%s decodes to %d bytes and claims %d", s.name, out.Len(), size)
	}
	return out.Bytes(), nil
}

// contextReader ends with the context.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (r contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}

// cursor reads numbers one after the other; what is not there makes it bad.
type cursor struct {
	p     []byte
	at    uint64
	order binary.ByteOrder
	bad   bool
	// padded says that a number had more bytes than it needs: they could hold
	// something that nobody reads.
	padded bool
}

func (c *cursor) take(n uint64) []byte {
	if c.bad || n > uint64(len(c.p)) || c.at > uint64(len(c.p))-n {
		c.bad = true
		return nil
	}
	c.at += n
	return c.p[c.at-n : c.at : c.at]
}

// number reads one of 1, 2, 3, 4 or 8 bytes.
func (c *cursor) number(n uint64) uint64 {
	p := c.take(n)
	if p == nil {
		return 0
	}
	switch n {
	case 1:
		return uint64(p[0])
	case 2:
		return uint64(c.order.Uint16(p))
	case 3:
		if c.order == binary.ByteOrder(binary.LittleEndian) {
			return uint64(p[0]) | uint64(p[1])<<8 | uint64(p[2])<<16
		}
		return uint64(p[2]) | uint64(p[1])<<8 | uint64(p[0])<<16
	case 4:
		return uint64(c.order.Uint32(p))
	case 8:
		return c.order.Uint64(p)
	}
	c.bad = true
	return 0
}

func (c *cursor) uleb() uint64 {
	var v uint64
	for shift := uint(0); shift < 70; shift += 7 {
		p := c.take(1)
		if p == nil {
			return 0
		}
		v |= uint64(p[0]&0x7f) << shift
		if p[0]&0x80 == 0 {
			c.padded = c.padded || shift > 0 && p[0] == 0
			return v
		}
	}
	c.bad = true
	return 0
}

func (c *cursor) sleb() int64 {
	var v int64
	for shift := uint(0); shift < 70; shift += 7 {
		p := c.take(1)
		if p == nil {
			return 0
		}
		v |= int64(p[0]&0x7f) << shift
		if p[0]&0x80 == 0 {
			c.padded = c.padded || shift > 0 && (p[0] == 0 || p[0] == 0x7f) && c.at >= 2 && c.p[c.at-2]&0x40 == p[0]&0x40
			if p[0]&0x40 != 0 && shift+7 < 64 {
				v |= -1 << (shift + 7)
			}
			return v
		}
	}
	c.bad = true
	return 0
}

func (c *cursor) str() []byte {
	if c.bad || c.at > uint64(len(c.p)) {
		c.bad = true
		return nil
	}
	i := bytes.IndexByte(c.p[c.at:], 0)
	if i < 0 {
		c.bad = true
		return nil
	}
	return c.take(uint64(i) + 1)[:i]
}

// length reads the length that a unit begins with, and whether its offsets have 8
// bytes.
func (c *cursor) length() (n uint64, wide bool) {
	if n = c.number(4); n == 0xffffffff {
		return c.number(8), true
	}
	if n >= 0xfffffff0 {
		c.bad = true
	}
	return n, false
}

func (c *cursor) offset(wide bool) uint64 {
	if wide {
		return c.number(8)
	}
	return c.number(4)
}

func (d *dwarfSide) cursor(name string, at uint64) *cursor {
	return &cursor{p: d.sec[name], at: at, order: d.order}
}

// str gives the string at an offset of a section; nil when there is none.
func (d *dwarfSide) str(name string, at uint64) []byte {
	c := d.cursor(name, at)
	s := c.str()
	if c.bad {
		d.spend(uint64(len(c.p)) - min(at, uint64(len(c.p))))
		return nil
	}
	if !d.spend(uint64(len(s))) {
		return nil
	}
	return s
}

// spend counts bytes that are looked at, and reports whether that may go on: that
// all units refer to one long string or table does not make the work endless.
func (d *dwarfSide) spend(n uint64) bool {
	const most = 1 << 32
	d.spent = int(min(uint64(d.spent)+n, 2*most))
	return d.spent <= most
}

// dwarfKind is the kind of a unit.
const (
	unitCompile = 1
	unitType    = 2
	unitPartial = 3
	unitSkel    = 4
	unitSplit   = 5
	unitSplitTy = 6
)

// readUnits reads the headers of all units and what their first entries say.
func (d *dwarfSide) readUnits() bool {
	info := d.sec["info"]
	for off := uint64(0); off < uint64(len(info)); {
		u, ok := d.readUnit(off)
		if !ok || len(d.units) >= maxUnits {
			return false
		}
		d.units = append(d.units, u)
		off = u.end
	}
	for i := range d.units {
		if !d.firstEntry(&d.units[i]) {
			return false
		}
	}
	return true
}

func (d *dwarfSide) readUnit(off uint64) (dwarfUnit, bool) {
	u := dwarfUnit{off: off, kind: unitCompile}
	c := d.cursor("info", off)
	n, wide := c.length()
	u.wide = wide
	if c.bad || n > uint64(len(c.p))-c.at {
		return u, false
	}
	u.end = c.at + n
	u.version = uint16(c.number(2))
	switch {
	case u.version >= 2 && u.version <= 4:
		u.abbrevAt = c.offset(wide)
		u.addr = uint8(c.number(1))
	case u.version == 5:
		u.kind = uint8(c.number(1))
		u.addr = uint8(c.number(1))
		u.abbrevAt = c.offset(wide)
		switch u.kind {
		case unitSkel, unitSplit:
			c.take(8)
		case unitType, unitSplitTy:
			c.take(8)
			c.offset(wide)
		case unitCompile, unitPartial:
		default:
			return u, false
		}
	default:
		return u, false
	}
	u.die = c.at
	if c.bad || u.die > u.end || u.addr != 4 && u.addr != 8 {
		return u, false
	}
	t, ok := d.abbrevs[u.abbrevAt]
	if !ok {
		if t, ok = d.readAbbrevs(u.abbrevAt); !ok {
			return u, false
		}
		d.abbrevs[u.abbrevAt] = t
	}
	u.table = t
	return u, true
}

// Attributes that are looked at.
const (
	attrSibling   = 0x01
	attrLocation  = 0x02
	attrName      = 0x03
	attrLine      = 0x10
	attrLow       = 0x11
	attrHigh      = 0x12
	attrDir       = 0x1b
	attrProducer  = 0x25
	attrColumn    = 0x39
	attrFile      = 0x3a
	attrDeclLine  = 0x3b
	attrRanges    = 0x55
	attrCallCol   = 0x57
	attrCallFile  = 0x58
	attrCallLine  = 0x59
	attrLinkage   = 0x6e
	attrStrBase   = 0x72
	attrAddrBase  = 0x73
	attrRangeBase = 0x74
	attrMacros    = 0x79
	attrPlaceBase = 0x8c
	attrOldMacros = 0x43
	attrGNUMacros = 0x2119
	attrGNURanges = 0x2132
	attrGNUAddr   = 0x2133
	attrViews     = 0x2137
)

// firstEntry reads what a unit says of itself in its first entry.
func (d *dwarfSide) firstEntry(u *dwarfUnit) bool {
	e, ok := d.entry(u, u.die)
	if !ok {
		return false
	}
	u.key = hashStart
	// Bases come first: other values are read by them.
	for pass := range 2 {
		at := e.values
		for _, a := range attributesOf(e) {
			v, ok := d.value(u, a, at)
			if !ok {
				return false
			}
			at = v.end
			switch {
			case pass == 1 && (a.name == attrName || a.name == attrDir):
				u.key = hash(hashNumber(u.key, uint64(a.name)), v.text)
				if a.name == attrName {
					u.file = v.text[bytes.LastIndexByte(v.text, '/')+1:]
				}
			case pass == 1 && a.name == attrLow && (v.class == classAddr || v.class == classAddrIndex):
				u.low = v.n
			case a.name == attrLine:
				u.line, u.hasLine = v.n, true
			case a.name == attrStrBase:
				u.strBase = v.n
			case a.name == attrAddrBase || a.name == attrGNUAddr:
				u.addrBase = v.n
			case a.name == attrRangeBase || a.name == attrGNURanges:
				u.rangeBase = v.n
			case a.name == attrPlaceBase:
				u.placeBase = v.n
			}
		}
	}
	return true
}
