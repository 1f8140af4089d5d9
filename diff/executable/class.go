package executable

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/stagescope/stagescope/diff"
)

// KindClass is a compiled Java class.
const KindClass diff.Kind = "Java class"

const classMagic = "\xca\xfe\xba\xbe"

func init() {
	diff.Register(diff.Format{Kind: KindClass, Match: isClass, Compare: compareClass})
}

// isClass tells a class from a fat Mach-O file, which has the same magic number
// and the count of its architectures where a class has its version.
func isClass(in *diff.Input) bool {
	h := in.Head()
	return len(h) > 10 && string(h[:4]) == classMagic && binary.BigEndian.Uint16(h[6:]) >= 45
}

// class is one side, taken apart.
type class struct {
	in      *diff.Input
	p       []byte
	off     int
	failed  bool
	version string
	utf8    map[int]string
	refs    map[int][2]int // constants that name others
	values  map[int][]byte // constants that are numbers
	tags    map[int]byte
	texts   []string // constants that are text, sorted
	imports []string // classes, methods and fields of others and its own, sorted
	parts   []diff.Part
}

// maxClass bounds a class file.
const maxClass = 16 << 20

func (c *class) take(n int) []byte {
	if n < 0 || n > len(c.p)-c.off {
		c.failed = true
		return make([]byte, min(max(n, 8), 8))
	}
	out := c.p[c.off : c.off+n]
	c.off += n
	return out
}

func (c *class) u8() int  { return int(c.take(1)[0]) }
func (c *class) u16() int { return int(binary.BigEndian.Uint16(c.take(2))) }
func (c *class) u32() int {
	return int(min(binary.BigEndian.Uint32(c.take(4)), math.MaxInt32))
}

func (c *class) part(name string, from int) {
	c.parts = append(c.parts, diff.Part{Name: name, Kind: diff.KindBinary, Range: diff.Range{Off: int64(from), Len: int64(c.off - from)}})
}

func readClass(in *diff.Input) (*class, error) {
	if in.Size > maxClass {
		return nil, bad("a class of %d bytes", in.Size)
	}
	p, err := readAt(in, 0, uint64(in.Size))
	if err != nil {
		return nil, err
	}
	c := &class{in: in, p: p, utf8: map[int]string{}, refs: map[int][2]int{}, tags: map[int]byte{}, values: map[int][]byte{}}
	c.take(4)
	minor := c.u16()
	c.version = fmt.Sprintf("%d.%d", c.u16(), minor)
	c.part("version", 0)
	c.pool()
	from := c.off
	c.take(6)
	for n := c.u16(); n > 0 && !c.failed; n-- {
		c.u16()
	}
	c.part("class", from)
	c.members("field")
	c.members("method")
	from = c.off
	c.attributes()
	c.part("attributes", from)
	if c.failed {
		return nil, bad("it ends early")
	}
	c.names()
	return c, nil
}

// pool reads the constants.
func (c *class) pool() {
	from := c.off
	n := c.u16()
	for i := 1; i < n && !c.failed; i++ {
		tag := byte(c.u8())
		c.tags[i] = tag
		switch tag {
		case 1: // text
			c.utf8[i] = string(c.take(c.u16()))
		case 3, 4: // int, float
			c.values[i] = c.take(4)
		case 5, 6: // long, double: they take two numbers
			c.values[i] = c.take(8)
			i++
		case 7, 8, 16, 19, 20: // class, string, method type, module, package
			c.refs[i] = [2]int{c.u16(), 0}
		case 9, 10, 11, 12, 17, 18: // field, method, interface method, name and type, dynamic
			c.refs[i] = [2]int{c.u16(), c.u16()}
		case 15:
			c.refs[i] = [2]int{c.u8(), c.u16()}
		default:
			c.failed = true
		}
	}
	c.part("constants", from)
}

func (c *class) members(what string) {
	from := c.off
	n := c.u16()
	c.part("number of "+what+"s", from)
	for ; n > 0 && !c.failed; n-- {
		from := c.off
		c.u16()
		name, desc := c.u16(), c.u16()
		c.attributes()
		c.part(what+" "+short(c.utf8[name]+" "+c.utf8[desc]), from)
	}
}

func (c *class) attributes() {
	for n := c.u16(); n > 0 && !c.failed; n-- {
		c.u16()
		c.take(c.u32())
	}
}

// names lists what the constants say.
func (c *class) names() {
	for i, r := range c.refs {
		switch c.tags[i] {
		case 8:
			c.texts = append(c.texts, c.utf8[r[0]])
		case 9, 10, 11:
			owner := c.utf8[c.refs[r[0]][0]]
			nt := c.refs[r[1]]
			c.imports = append(c.imports, owner+"."+c.utf8[nt[0]]+" "+c.utf8[nt[1]])
		case 7:
			c.imports = append(c.imports, c.utf8[r[0]])
		}
	}
	slices.Sort(c.texts)
	slices.Sort(c.imports)
	c.texts, c.imports = slices.Compact(c.texts), slices.Compact(c.imports)
}

func compareClass(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input) error {
	ca, err := readClass(a)
	if err != nil {
		return fmt.Errorf("side A: %w", err)
	}
	cb, err := readClass(b)
	if err != nil {
		return fmt.Errorf("side B: %w", err)
	}
	methods(ca, cb)
	if err := x.Parts(ctx, n, a, b, ca.parts, cb.parts); err != nil {
		return err
	}
	if ca.version != cb.version {
		n.Reasons = append(n.Reasons, diff.Reason{Field: "version of the class format", A: ca.version, B: cb.version,
			Cause: &diff.Cause{ID: "D5b", Name: "compiler or its options", Confidence: diff.Likely, Evidence: "compilers write the version they were made for", Fix: "give --release"}})
	}
	suspectNames(n, diff.SuspectImport, "uses", "A", "B", without(ca.imports, cb.imports))
	suspectNames(n, diff.SuspectImport, "uses", "B", "A", without(cb.imports, ca.imports))
	suspectStrings(n, "A", "B", without(ca.texts, cb.texts))
	suspectStrings(n, "B", "A", without(cb.texts, ca.texts))
	x.Listing(n, "texts", lines(ca.texts), lines(cb.texts))
	x.Listing(n, "uses", lines(ca.imports), lines(cb.imports))
	return nil
}
