package executable

import "bytes"

// sameValue reports whether two attributes' values mean the same. low are the
// addresses at which the entries begin, when these came before.
func (c *infoDiff) sameValue(ua, ub *dwarfUnit, name uint32, va, vb value, low [2]uint64) bool {
	d := c.d
	if va.class != vb.class {
		return false
	}
	switch va.class {
	case classNumber:
		switch {
		case name == attrFile || name == attrCallFile:
			return d.sameFile(ua, ub, va.n, vb.n)
		case name == attrHigh && va.n != vb.n:
			// The end of a stretch in which something else changed.
			return low[0] != 0 && low[1] != 0 && d.sameAddr(low[0], low[1]) && d.sameAddr(low[0]+va.n, low[1]+vb.n)
		}
		return va.n == vb.n
	case classAddr, classAddrIndex:
		return d.sameAddr(va.n, vb.n)
	case classText:
		return d.sameText(va, vb)
	case classBytes:
		return bytes.Equal(va.text, vb.text)
	case classEntry:
		return d.places["info"].same(va.n, vb.n)
	case classExpr:
		return d.sameExpr(ua, ub, va.text, vb.text)
	case classLine:
		return d.places["line"].same(va.n, vb.n)
	case classStrBase:
		return d.places["str_offsets"].same(va.n, vb.n)
	case classAddrBase:
		return d.places["addr"].same(va.n, vb.n)
	case classRanges, classPlaces, classViews, classRangeBase, classPlaceBase:
		return d.sameList(ua, ub, va, vb)
	}
	return va.n == vb.n
}

// sameText reports whether two texts are equal, or lead to where it is said that
// they differ: to strings of which one took the place of the other, or that are one
// once the directory of the build is mapped.
func (d *dwarfPair) sameText(va, vb value) bool {
	return bytes.Equal(va.text, vb.text) || va.from != "" && va.from == vb.from && (d.places[va.from].same(va.n, vb.n) || d.sameWords(va.text, vb.text))
}

// sameWords reports whether two texts are one, once the directory of the build is
// mapped.
func (d *dwarfPair) sameWords(a, b []byte) bool {
	return bytes.Equal(a, b) || d.mapped != nil && d.mapped(string(a), string(b))
}

// sameList reports whether two offsets lead to the same list.
func (d *dwarfPair) sameList(ua, ub *dwarfUnit, va, vb value) bool {
	if (ua.version >= 5) != (ub.version >= 5) {
		return false
	}
	name := "loclists"
	switch ranges := va.class == classRanges || va.class == classRangeBase; {
	case ranges && ua.version >= 5:
		name = "rnglists"
	case ranges:
		name = "ranges"
	case ua.version < 5:
		name = "loc"
	}
	return d.places[name].same(va.n, vb.n)
}

// exprOperand is what an operand of an operation of an expression is.
type exprOperand uint8

const (
	exprBytes   exprOperand = iota // of n bytes
	exprLEB                        // a number
	exprAddr                       // an address
	exprIndex                      // the index of an address
	exprUnitRef                    // an entry, counted from the unit
	exprRef                        // an entry
	exprBlock                      // bytes after their length
	exprNested                     // the same, of an expression
	exprSized                      // the same, the length being one byte
	exprUnknown
)

type exprPart struct {
	what exprOperand
	n    uint64
}

// exprParts says what follows an operation.
func exprParts(op byte) []exprPart {
	switch {
	case op == 0x03: // addr
		return []exprPart{{exprAddr, 0}}
	case op == 0x08 || op == 0x09 || op == 0x15 || op == 0x94 || op == 0x95:
		return []exprPart{{exprBytes, 1}}
	case op == 0x0a || op == 0x0b || op == 0x28 || op == 0x2f || op == 0x98:
		return []exprPart{{exprBytes, 2}}
	case op == 0x0c || op == 0x0d || op == 0x99:
		return []exprPart{{exprBytes, 4}}
	case op == 0x0e || op == 0x0f:
		return []exprPart{{exprBytes, 8}}
	case op == 0x10 || op == 0x11 || op == 0x23 || op >= 0x70 && op <= 0x91 || op == 0x93:
		return []exprPart{{exprLEB, 0}}
	case op == 0x92 || op == 0x9d:
		return []exprPart{{exprLEB, 0}, {exprLEB, 0}}
	case op == 0x9a:
		return []exprPart{{exprRef, 0}}
	case op == 0x9e:
		return []exprPart{{exprBlock, 0}}
	case op == 0xa0 || op == 0xf2:
		return []exprPart{{exprRef, 0}, {exprLEB, 0}}
	case op == 0xa1 || op == 0xa2 || op == 0xfb || op == 0xfc:
		return []exprPart{{exprIndex, 0}}
	case op == 0xa3 || op == 0xf3:
		return []exprPart{{exprNested, 0}}
	case op == 0xa4 || op == 0xf4:
		return []exprPart{{exprUnitRef, 0}, {exprSized, 0}}
	case op == 0xa5 || op == 0xf5:
		return []exprPart{{exprLEB, 0}, {exprUnitRef, 0}}
	case op == 0xa6 || op == 0xa7 || op == 0xf6:
		return []exprPart{{exprBytes, 1}, {exprUnitRef, 0}}
	case op == 0xa8 || op == 0xa9 || op == 0xf7 || op == 0xf9 || op == 0xfa:
		if op == 0xfa {
			return []exprPart{{exprBytes, 4}}
		}
		return []exprPart{{exprUnitRef, 0}}
	case op == 0x06 || op >= 0x12 && op <= 0x14 || op >= 0x16 && op <= 0x22 || op >= 0x24 && op <= 0x27 || op >= 0x29 && op <= 0x2e ||
		op >= 0x30 && op <= 0x6f || op == 0x96 || op == 0x97 || op == 0x9b || op == 0x9c || op == 0x9f || op == 0xe0 || op == 0xf0 || op == 0xfd:
		return nil
	}
	return []exprPart{{exprUnknown, 0}}
}

// sameExpr reports whether two expressions mean the same: operations are equal, and
// what they refer to is the same.
func (d *dwarfPair) sameExpr(ua, ub *dwarfUnit, p, q []byte) bool {
	return d.sameExprIn(ua, ub, p, q, 4)
}

func (d *dwarfPair) sameExprIn(ua, ub *dwarfUnit, p, q []byte, depth int) bool {
	a, b := cursor{p: p, order: d.a.order}, cursor{p: q, order: d.b.order}
	for a.at < uint64(len(p)) && b.at < uint64(len(q)) {
		op := byte(a.number(1))
		if byte(b.number(1)) != op {
			return false
		}
		for _, part := range exprParts(op) {
			if !d.sameOperand(ua, ub, part, &a, &b, depth) || a.bad || b.bad {
				return false
			}
		}
	}
	return a.at == uint64(len(p)) && b.at == uint64(len(q)) && a.padded == b.padded
}

func (d *dwarfPair) sameOperand(ua, ub *dwarfUnit, part exprPart, a, b *cursor, depth int) bool {
	switch part.what {
	case exprBytes:
		return bytes.Equal(a.take(part.n), b.take(part.n))
	case exprLEB:
		return a.uleb() == b.uleb()
	case exprAddr:
		return d.sameAddr(a.number(uint64(ua.addr)), b.number(uint64(ub.addr)))
	case exprIndex:
		return d.sameAddr(d.a.address(ua, a.uleb(), a), d.b.address(ub, b.uleb(), b))
	case exprUnitRef:
		x, y := a.uleb(), b.uleb()
		return x == 0 && y == 0 || d.places["info"].same(ua.off+x, ub.off+y)
	case exprRef:
		return d.places["info"].same(a.offset(ua.wide), b.offset(ub.wide))
	case exprBlock:
		return bytes.Equal(a.take(a.uleb()), b.take(b.uleb()))
	case exprSized:
		return bytes.Equal(a.take(a.number(1)), b.take(b.number(1)))
	case exprNested:
		p, q := a.take(a.uleb()), b.take(b.uleb())
		return depth > 0 && d.sameExprIn(ua, ub, p, q, depth-1)
	}
	// What nobody knows here, and what follows it, has to be equal.
	return bytes.Equal(a.take(uint64(len(a.p))-a.at), b.take(uint64(len(b.p))-b.at))
}

// exprToken hashes an expression without what it refers to.
func exprToken(u *dwarfUnit, c *cursor, h uint64) uint64 {
	for c.at < uint64(len(c.p)) && !c.bad {
		op := byte(c.number(1))
		h = hashNumber(h, uint64(op))
		for _, part := range exprParts(op) {
			switch part.what {
			case exprBytes:
				h = hash(h, c.take(part.n))
			case exprLEB:
				h = hashNumber(h, c.uleb())
			case exprAddr:
				c.take(uint64(u.addr))
			case exprIndex, exprUnitRef:
				c.uleb()
			case exprRef:
				c.offset(u.wide)
			case exprBlock:
				h = hash(h, c.take(c.uleb()))
			case exprSized:
				h = hash(h, c.take(c.number(1)))
			case exprNested:
				c.take(c.uleb())
			default:
				c.bad = true
			}
		}
	}
	return h
}
