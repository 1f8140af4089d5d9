package system

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/stagescope/stagescope/diff"
)

// maxShown bounds the bytes of a value that are shown.
const maxShown = 200

// comparePage compares a page byte by byte, and shows what rows it has.
func comparePage(a, b *diff.Input, at int64, size int64) func(context.Context, *diff.Examiner, *diff.Node, *diff.Input, *diff.Input) error {
	return func(ctx context.Context, x *diff.Examiner, n *diff.Node, pa, pb *diff.Input) error {
		if err := x.Binary(ctx, n, pa, pb); err != nil {
			return err
		}
		x.Listing(n, "rows", lines(rowsOf(a, at, size)), lines(rowsOf(b, at, size)))
		return nil
	}
}

// rowsOf writes the rows of a page of a table, or the entries of one of an index, as
// far as they lie in the page.
func rowsOf(in *diff.Input, at, size int64) (out []string) {
	p := make([]byte, size)
	if k, _ := in.ReadAt(p, at); int64(k) < size {
		return nil
	}
	head := 0
	if at == 0 {
		head = sqliteHead
	}
	isTable := p[head] == 13
	if !isTable && p[head] != 10 {
		return nil
	}
	n, read := int(binary.BigEndian.Uint16(p[head+3:])), 0
	for i := range min(n, (int(size)-head-8)/2) {
		c := &cell{p: p, at: int(binary.BigEndian.Uint16(p[head+8+2*i:]))}
		from := c.at
		c.varint() // the bytes of all of it
		row := "entry"
		if isTable {
			row = fmt.Sprintf("row %d", int64(c.varint()))
		}
		out = append(out, row+": "+strings.Join(c.record(), ", "))
		// Rows do not share bytes, but in a page that is made to look so.
		if read += c.at - from; read > int(size) {
			return append(out, "… and others, which share bytes with these")
		}
	}
	return out
}

// cell reads a cell of a page (section 2.1); what is not in the page is left out.
type cell struct {
	p   []byte
	at  int
	cut bool
}

func (c *cell) take(n int) []byte {
	if c.cut || n < 0 || n > len(c.p)-c.at || c.at > len(c.p) {
		c.cut = true
		return nil
	}
	c.at += n
	return c.p[c.at-n : c.at]
}

func (c *cell) varint() (v uint64) {
	for i := range 9 {
		b := c.take(1)
		if b == nil {
			return 0
		}
		if i == 8 {
			return v<<8 | uint64(b[0])
		}
		if v = v<<7 | uint64(b[0]&0x7f); b[0]&0x80 == 0 {
			return v
		}
	}
	return v
}

// record gives the values of a record.
func (c *cell) record() (out []string) {
	from := c.at
	end := from + int(min(c.varint(), uint64(len(c.p))))
	var types []uint64
	for c.at < end && !c.cut {
		types = append(types, c.varint())
	}
	for _, t := range types {
		v := c.value(t)
		if c.cut {
			return append(out, "… on other pages")
		}
		out = append(out, v)
	}
	return out
}

// value gives a value of a serial type.
func (c *cell) value(t uint64) string {
	switch sizes := []int{0, 1, 2, 3, 4, 6, 8}; {
	case t == 0:
		return "NULL"
	case t == 8 || t == 9:
		return fmt.Sprint(t - 8)
	case t < 7:
		var v int64
		for i, b := range c.take(sizes[t]) {
			if v = v<<8 | int64(b); i == 0 {
				v = int64(int8(b))
			}
		}
		return fmt.Sprint(v)
	case t < 12:
		return "number " + hex.EncodeToString(c.take(8))
	}
	p := c.take(int(min((t-12)/2, uint64(len(c.p)+1))))
	show := p[:min(len(p), maxShown)]
	more := ""
	if len(show) < len(p) {
		more = fmt.Sprintf("… (%d bytes)", len(p))
	}
	if t%2 == 1 && utf8.Valid(p) {
		return strings.ReplaceAll(fmt.Sprintf("%q", show), "\n", " ") + more
	}
	return "x" + hex.EncodeToString(show) + more
}
