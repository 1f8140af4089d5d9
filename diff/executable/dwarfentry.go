package executable

// abbrevs are the declarations of the entries of a unit, by their code.
type abbrevs map[uint64]*abbrev

// abbrev declares entries: their tag and their attributes.
type abbrev struct {
	tag      uint64
	children bool
	attrs    []attribute
	shape    uint64 // hash of the tag and of the attributes' names
}

type attribute struct {
	name, form uint32
	value      int64 // of an implicit constant
	looked     bool  // it names an entry, or may lead to a list
}

// looked reports whether an attribute names an entry or may lead to a list.
func looked(name, form uint32) bool {
	switch name {
	case attrName, attrLinkage, attrLow:
		return true
	}
	switch form {
	case formSecOffset, formLoclistx, formRnglistx, formIndirect:
		return true
	case formData4, formData8:
		return isOffset(name)
	}
	return false
}

// maxAbbrevs bounds the declarations of a side.
const maxAbbrevs = 1 << 20

// readAbbrevs reads a table of declarations.
func (d *dwarfSide) readAbbrevs(at uint64) (abbrevs, bool) {
	t := abbrevs{}
	c := d.cursor("abbrev", at)
	for {
		code := c.uleb()
		if c.bad || len(t) > maxAbbrevs || !d.spend(2048) {
			return nil, false
		}
		if code == 0 {
			return t, true
		}
		a, ok := readAbbrev(c)
		if !ok {
			return nil, false
		}
		if t[code] == nil {
			t[code] = a
		}
	}
}

// readAbbrev reads one declaration, after its code.
func readAbbrev(c *cursor) (*abbrev, bool) {
	a := &abbrev{tag: c.uleb(), children: c.number(1) != 0}
	a.shape = hashNumber(hashStart, a.tag<<1|c1(a.children))
	for {
		v := attribute{name: uint32(c.uleb()), form: uint32(c.uleb())}
		if v.form == formImplicit {
			v.value = c.sleb()
		}
		if c.bad {
			return nil, false
		}
		if v.name == 0 && v.form == 0 {
			return a, true
		}
		v.looked = looked(v.name, v.form)
		a.attrs = append(a.attrs, v)
		a.shape = hashNumber(a.shape, uint64(v.name))
	}
}

func c1(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// entry is an entry of .debug_info, with the ends of lists of children after it.
type entry struct {
	off, values, end uint64
	abbrev           *abbrev
	nulls            int
}

func attributesOf(e entry) []attribute {
	if e.abbrev == nil {
		return nil
	}
	return e.abbrev.attrs
}

// begin reads the number of the entry at an offset, and gives a cursor at its values.
func (d *dwarfSide) begin(u *dwarfUnit, off uint64) (entry, cursor, bool) {
	c := cursor{p: d.sec["info"][:u.end], at: off, order: d.order}
	e := entry{off: off}
	if code := c.uleb(); code != 0 {
		if e.abbrev = u.table[code]; e.abbrev == nil {
			return e, c, false
		}
	} else {
		e.nulls = 1
	}
	e.values = c.at
	return e, c, !c.bad
}

// close reads the ends of lists of children that follow an entry's values.
func (e *entry) close(c *cursor, u *dwarfUnit) {
	for !c.bad && c.at < u.end && c.p[c.at] == 0 {
		c.at++
		e.nulls++
	}
	e.end = c.at
}

// entry reads where the entry at an offset ends.
func (d *dwarfSide) entry(u *dwarfUnit, off uint64) (entry, bool) {
	if off >= u.end {
		return entry{off: off, values: off, end: off}, off == u.end
	}
	e, c, ok := d.begin(u, off)
	if !ok {
		return e, false
	}
	for _, a := range attributesOf(e) {
		d.skip(&c, u, a.form)
	}
	e.close(&c, u)
	return e, !c.bad
}

// Forms of attributes.
const (
	formAddr      = 0x01
	formBlock2    = 0x03
	formBlock4    = 0x04
	formData2     = 0x05
	formData4     = 0x06
	formData8     = 0x07
	formString    = 0x08
	formBlock     = 0x09
	formBlock1    = 0x0a
	formData1     = 0x0b
	formFlag      = 0x0c
	formSdata     = 0x0d
	formStrp      = 0x0e
	formUdata     = 0x0f
	formRefAddr   = 0x10
	formRef1      = 0x11
	formRef2      = 0x12
	formRef4      = 0x13
	formRef8      = 0x14
	formRefUdata  = 0x15
	formIndirect  = 0x16
	formSecOffset = 0x17
	formExpr      = 0x18
	formPresent   = 0x19
	formStrx      = 0x1a
	formAddrx     = 0x1b
	formRefSup4   = 0x1c
	formStrpSup   = 0x1d
	formData16    = 0x1e
	formLineStrp  = 0x1f
	formRefSig8   = 0x20
	formImplicit  = 0x21
	formLoclistx  = 0x22
	formRnglistx  = 0x23
	formRefSup8   = 0x24
	formStrx1     = 0x25
	formAddrx1    = 0x29
	formAddrx4    = 0x2c
	formGNUAddr   = 0x1f01
	formGNUStr    = 0x1f02
	formGNURefAlt = 0x1f20
	formGNUStrAlt = 0x1f21
)

// fixedForm is how many bytes a form has; false when that is in the bytes.
func fixedForm(u *dwarfUnit, form uint32) (uint64, bool) {
	off := uint64(4)
	if u.wide {
		off = 8
	}
	switch form {
	case formAddr:
		return uint64(u.addr), true
	case formData1, formFlag, formRef1, formStrx1, formAddrx1:
		return 1, true
	case formData2, formRef2, formStrx1 + 1, formAddrx1 + 1:
		return 2, true
	case formStrx1 + 2, formAddrx1 + 2:
		return 3, true
	case formData4, formRef4, formRefSup4, formStrx1 + 3, formAddrx4:
		return 4, true
	case formData8, formRef8, formRefSig8, formRefSup8:
		return 8, true
	case formData16:
		return 16, true
	case formPresent, formImplicit:
		return 0, true
	case formStrp, formSecOffset, formLineStrp, formStrpSup, formGNURefAlt, formGNUStrAlt:
		return off, true
	case formRefAddr:
		if u.version == 2 {
			return uint64(u.addr), true
		}
		return off, true
	}
	return 0, false
}

// skip moves over the value of a form.
func (d *dwarfSide) skip(c *cursor, u *dwarfUnit, form uint32) {
	if n, ok := fixedForm(u, form); ok {
		c.take(n)
		return
	}
	switch form {
	case formString:
		c.str()
	case formBlock1:
		c.take(c.number(1))
	case formBlock2:
		c.take(c.number(2))
	case formBlock4:
		c.take(c.number(4))
	case formBlock, formExpr:
		c.take(c.uleb())
	case formSdata, formUdata, formRefUdata, formStrx, formAddrx, formLoclistx, formRnglistx, formGNUAddr, formGNUStr:
		c.uleb()
	case formIndirect:
		if form = uint32(c.uleb()); form == formIndirect || form == formImplicit {
			c.bad = true
		} else {
			d.skip(c, u, form)
		}
	default:
		c.bad = true
	}
}

// valueClass is what a value is, whatever its form.
type valueClass uint8

const (
	classNumber    valueClass = iota
	classAddr                 // n is the address
	classAddrIndex            // the same, by an index
	classText
	classEntry // n is an offset in .debug_info
	classExpr
	classBytes
	classLine // n is an offset in the section
	classRanges
	classPlaces
	classViews
	classStrBase
	classAddrBase
	classRangeBase
	classPlaceBase
	classOther // of an offset, nothing is known of what is there
)

// value is the value of an attribute.
type value struct {
	class   valueClass
	at, end uint64
	n       uint64
	text    []byte
	from    string // the section that has the text, at n
	padded  bool   // a number had more bytes than it needs
}

// value reads the value of an attribute at an offset.
func (d *dwarfSide) value(u *dwarfUnit, a attribute, at uint64) (value, bool) {
	c := cursor{p: d.sec["info"][:u.end], at: at, order: d.order}
	form := a.form
	if form == formIndirect {
		form = uint32(c.uleb())
	}
	v := value{at: at}
	d.read(&c, u, a, form, &v)
	v.end, v.padded = c.at, c.padded
	return v, !c.bad
}

func (d *dwarfSide) read(c *cursor, u *dwarfUnit, a attribute, form uint32, v *value) {
	size, fixed := fixedForm(u, form)
	switch form {
	case formAddr:
		v.class, v.n = classAddr, c.number(size)
	case formAddrx, formGNUAddr:
		v.class, v.n = classAddrIndex, d.address(u, c.uleb(), c)
	case formAddrx1, formAddrx1 + 1, formAddrx1 + 2, formAddrx4:
		v.class, v.n = classAddrIndex, d.address(u, c.number(size), c)
	case formString:
		v.class, v.text = classText, c.str()
	case formStrp, formLineStrp:
		name := "str"
		if form == formLineStrp {
			name = "line_str"
		}
		v.class, v.n, v.from = classText, c.number(size), name
		v.text = d.str(name, v.n)
		c.bad = c.bad || v.text == nil
	case formStrx, formGNUStr:
		v.class, v.text = classText, d.indexed(u, c.uleb(), c)
	case formStrx1, formStrx1 + 1, formStrx1 + 2, formStrx1 + 3:
		v.class, v.text = classText, d.indexed(u, c.number(size), c)
	case formRef1, formRef2, formRef4, formRef8:
		v.class, v.n = classEntry, u.off+c.number(size)
	case formRefUdata:
		v.class, v.n = classEntry, u.off+c.uleb()
	case formRefAddr:
		v.class, v.n = classEntry, c.number(size)
	case formExpr:
		v.class, v.text = classExpr, c.take(c.uleb())
	case formBlock1, formBlock2, formBlock4, formBlock:
		v.class = classBytes
		if isOffset(a.name) && a.name != attrLine && a.name != attrRanges {
			v.class = classExpr // as before DWARF 4, and still by Go
		}
		switch form {
		case formBlock1:
			v.text = c.take(c.number(1))
		case formBlock2:
			v.text = c.take(c.number(2))
		case formBlock4:
			v.text = c.take(c.number(4))
		default:
			v.text = c.take(c.uleb())
		}
	case formSecOffset:
		v.n = c.number(size)
		v.class = offsetClass(a.name)
	case formLoclistx:
		v.class, v.n = classPlaces, d.listAt("loclists", u.placeBase, c.uleb(), u, c)
	case formRnglistx:
		v.class, v.n = classRanges, d.listAt("rnglists", u.rangeBase, c.uleb(), u, c)
	case formImplicit:
		v.n = uint64(a.value)
	case formPresent:
		v.n = 1
	case formSdata:
		v.n = uint64(c.sleb())
	case formUdata:
		v.n = c.uleb()
	case formData1, formData2, formData4, formData8, formFlag:
		v.n = c.number(size)
		if u.version < 4 && (form == formData4 || form == formData8) && isOffset(a.name) {
			v.class = offsetClass(a.name)
		}
	default:
		if !fixed {
			c.bad = true
		}
		v.class, v.text = classBytes, c.take(size)
	}
}

// isOffset reports whether a number of an older version is an offset.
func isOffset(name uint32) bool {
	switch name {
	case attrLine, attrLocation, attrRanges, 0x19, 0x2a, 0x2e, 0x38, 0x40, 0x46, 0x48, 0x4a, 0x4d, attrOldMacros:
		return true
	}
	return false
}

// offsetClass is what an attribute's offset leads to.
func offsetClass(name uint32) valueClass {
	switch name {
	case attrLine:
		return classLine
	case attrRanges, 0x2c:
		return classRanges
	case attrStrBase:
		return classStrBase
	case attrAddrBase, attrGNUAddr:
		return classAddrBase
	case attrRangeBase, attrGNURanges:
		return classRangeBase
	case attrPlaceBase:
		return classPlaceBase
	case attrMacros, attrOldMacros, attrGNUMacros:
		return classOther
	case attrViews:
		return classViews
	}
	return classPlaces
}

// address gives the i-th address of a unit.
func (d *dwarfSide) address(u *dwarfUnit, i uint64, c *cursor) uint64 {
	if i > uint64(len(d.sec["addr"])) {
		c.bad = true
		return 0
	}
	if len(d.sec["addr"]) == 0 || u.addrBase == 0 {
		return 0 // its base is not read yet, or there is none
	}
	in := d.cursor("addr", u.addrBase+i*uint64(u.addr))
	v := in.number(uint64(u.addr))
	c.bad = c.bad || in.bad
	return v
}

// indexed gives the i-th string of a unit.
func (d *dwarfSide) indexed(u *dwarfUnit, i uint64, c *cursor) []byte {
	if u.strBase == 0 {
		return nil
	}
	size := uint64(4)
	if u.wide {
		size = 8
	}
	if i > uint64(len(d.sec["str_offsets"])) {
		c.bad = true
		return nil
	}
	in := d.cursor("str_offsets", u.strBase+i*size)
	s := d.str("str", in.number(size))
	c.bad = c.bad || in.bad || s == nil
	return s
}

// listAt gives where the i-th list of a unit begins.
func (d *dwarfSide) listAt(name string, base, i uint64, u *dwarfUnit, c *cursor) uint64 {
	size := uint64(4)
	if u.wide {
		size = 8
	}
	if i > uint64(len(d.sec[name])) {
		c.bad = true
		return 0
	}
	if base == 0 {
		return 0
	}
	in := d.cursor(name, base+i*size)
	v := base + in.number(size)
	c.bad = c.bad || in.bad
	return v
}
