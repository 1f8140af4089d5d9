package executable

import "strings"

// lineTable is a unit of .debug_line.
type lineTable struct {
	off, fixed, program, end uint64 // its header up to its lists, its program, its end
	version                  uint16
	wide                     bool
	addr                     uint8
	least, most              uint64 // bytes of an instruction, operations in one
	base                     int64
	span, first              uint64
	lengths                  []byte
	dirs                     []string
	ranks                    []int
	files                    []string // with their directories; before DWARF 5 the first is number 1
	built                    value    // where it was built, since DWARF 5
	names                    []tile   // of the lists' entries, in order
	head                     uint64   // hash of all in the header that is no length and no list
}

// maxFiles bounds the files of a unit.
const maxFiles = 1 << 18

// lineTableAt reads the header of a unit of .debug_line; nil when it is not known.
func (s *dwarfSide) lineTableAt(off uint64) *lineTable {
	if t, ok := s.lines[off]; ok {
		return t
	}
	t := s.readLineTable(off)
	s.lines[off] = t
	return t
}

func (s *dwarfSide) readLineTable(off uint64) *lineTable {
	c := s.cursor("line", off)
	t := &lineTable{off: off}
	n, wide := c.length()
	if c.bad || n > uint64(len(c.p))-c.at {
		return nil
	}
	t.wide, t.end = wide, c.at+n
	c.p = c.p[:t.end]
	t.version = uint16(c.number(2))
	t.head = hashNumber(hashStart, uint64(t.version))
	if t.version < 2 || t.version > 5 {
		return nil
	}
	if t.version == 5 {
		t.addr = uint8(c.number(1))
		c.take(1)
		t.head = hashNumber(t.head, uint64(t.addr))
	}
	length := c.offset(wide)
	if c.bad || length > t.end-c.at {
		return nil
	}
	if t.program = c.at + length; !s.spend(8 * length) {
		return nil
	}
	from := c.at
	t.least, t.most = c.number(1), 1
	if t.version >= 4 {
		t.most = c.number(1)
	}
	c.take(1)
	t.base, t.span, t.first = int64(int8(c.number(1))), c.number(1), c.number(1)
	if t.first == 0 || t.span == 0 {
		return nil
	}
	t.lengths = c.take(t.first - 1)
	if c.bad || c.at > t.program {
		return nil
	}
	t.fixed = c.at
	t.head = hash(t.head, c.p[from:c.at])
	c.p = c.p[:t.program]
	if t.version == 5 {
		return s.readLists(c, t)
	}
	return s.readOldLists(c, t)
}

// readOldLists reads the lists of directories and files as before DWARF 5.
func (s *dwarfSide) readOldLists(c *cursor, t *lineTable) *lineTable {
	t.dirs = append(t.dirs, "")
	for {
		off := c.at
		dir := c.str()
		if c.bad || len(t.dirs) > maxFiles {
			return nil
		}
		t.names = append(t.names, tile{off, c.at, hash(hashStart, dir)})
		if len(dir) == 0 {
			break
		}
		t.dirs = append(t.dirs, string(dir))
	}
	t.files = append(t.files, "")
	for {
		off := c.at
		name := c.str()
		if c.bad || len(t.files) > maxFiles {
			return nil
		}
		if len(name) == 0 {
			t.names = append(t.names, tile{off, c.at, 2})
			break
		}
		full := t.join(c.uleb(), name)
		c.uleb()
		c.uleb()
		t.names = append(t.names, tile{off, c.at, hash(hashNumber(hashStart, 1), []byte(full))})
		t.files = append(t.files, full)
	}
	return t.rest(c)
}

// rest notes what lies between the lists and the program.
func (t *lineTable) rest(c *cursor) *lineTable {
	if c.bad || c.at > t.program {
		return nil
	}
	if c.at < t.program {
		t.names = append(t.names, tile{c.at, t.program, hash(hashStart, c.p[c.at:t.program])})
	}
	return t
}

// join gives the name of a file as seen from where the unit was built, which is
// said elsewhere.
func (t *lineTable) join(dir uint64, name []byte) string {
	full := string(name)
	if dir < uint64(len(t.dirs)) && t.dirs[dir] != "" && !strings.HasPrefix(full, "/") {
		full = t.dirs[dir] + "/" + full
	}
	return t.seen(full)
}

// seen is a path as seen from where the unit was built.
func (t *lineTable) seen(full string) string {
	if t.version != 5 || len(t.dirs) == 0 || len(t.dirs[0]) < 2 {
		return full
	}
	if full == t.dirs[0] {
		return "."
	}
	return strings.TrimPrefix(full, t.dirs[0]+"/")
}

// readLists reads the lists of directories and files since DWARF 5.
func (s *dwarfSide) readLists(c *cursor, t *lineTable) *lineTable {
	u := &dwarfUnit{version: 5, wide: t.wide, addr: t.addr}
	for list := range 2 {
		off := c.at
		n := c.number(1)
		format := make([]attribute, 0, 8)
		for range n {
			format = append(format, attribute{name: uint32(c.uleb()), form: uint32(c.uleb())})
		}
		h := hashNumber(hashStart, uint64(list))
		h = hash(h, c.p[off:min(c.at, uint64(len(c.p)))])
		count := c.uleb()
		if c.bad || count > maxFiles || len(format) == 0 && count > 0 {
			return nil
		}
		t.names = append(t.names, tile{off, c.at, h})
		for range count {
			off := c.at
			var name []byte
			var text value
			dir := uint64(0)
			h := hashNumber(hashStart, 3+uint64(list))
			for _, a := range format {
				var v value
				s.readLineValue(c, u, a, &v)
				switch a.name {
				case 1:
					name, text = v.text, v
				case 2:
					dir = v.n
				default:
					h = hash(hashNumber(h, v.n), v.text)
				}
			}
			if c.bad || name == nil {
				return nil
			}
			full := string(name)
			if list == 1 {
				full = t.join(dir, name)
				t.files = append(t.files, full)
			} else {
				t.dirs = append(t.dirs, full)
			}
			if list == 0 && len(t.dirs) == 1 {
				t.built, full = text, "" // where it was built
			} else if list == 0 {
				full = t.seen(full)
			}
			t.names = append(t.names, tile{off, c.at, hash(h, []byte(full))})
		}
	}
	return t.rest(c)
}

// readLineValue reads a value of a list of files.
func (s *dwarfSide) readLineValue(c *cursor, u *dwarfUnit, a attribute, v *value) {
	switch a.form {
	case formString, formStrp, formLineStrp, formData1, formData2, formData4, formData8, formUdata, formData16, formBlock:
		s.read(c, u, attribute{form: a.form}, a.form, v)
	default:
		c.bad = true
	}
}

func (t *lineTable) file(n uint64) (string, bool) {
	if n < uint64(len(t.files)) {
		return t.files[n], true
	}
	return "", false
}

// rank says how many files before the n-th have its name.
func (t *lineTable) rank(n uint64) int {
	if t.ranks == nil {
		seen := map[string]int{}
		for _, f := range t.files {
			t.ranks = append(t.ranks, seen[f])
			seen[f]++
		}
	}
	return t.ranks[n]
}

// sameNumber reports whether two numbers of files are those of the same file: of
// several that have one name, the same of them.
func sameNumber(ta, tb *lineTable, x, y uint64) bool {
	fa, okA := ta.file(x)
	fb, okB := tb.file(y)
	if !okA || !okB {
		return okA == okB && x == y
	}
	return fa == fb && ta.rank(x) == tb.rank(y)
}

// sameFile reports whether the numbers of two files are those of files of one
// name.
func (d *dwarfPair) sameFile(ua, ub *dwarfUnit, x, y uint64) bool {
	if !ua.hasLine || !ub.hasLine {
		return x == y && ua.hasLine == ub.hasLine
	}
	ta, tb := d.a.lineTableAt(ua.line), d.b.lineTableAt(ub.line)
	if ta == nil || tb == nil {
		return false
	}
	return sameNumber(ta, tb, x, y)
}
