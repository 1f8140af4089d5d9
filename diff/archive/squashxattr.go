package archive

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"unicode/utf8"

	"github.com/stagescope/stagescope/diff"
)

// Bounds of extended attributes. Linux allows names of 255 bytes and values of
// 64 KiB.
const (
	maxXattrs     = 1 << 10
	maxXattrValue = 64 << 10
)

// squashXattrs are an image's sets of extended attributes.
type squashXattrs struct {
	sets  []byte // 16 bytes each: where the set begins, how many it has, their size
	table *table
}

// readXattrs decodes the tables of extended attributes, if there are any.
func (s *squash) readXattrs(ctx context.Context) error {
	at := s.u64(56)
	if at == -1 {
		return nil
	}
	h, err := s.at(at, 16)
	if err != nil {
		return err
	}
	start, n := int64(binary.LittleEndian.Uint64(h)), int64(binary.LittleEndian.Uint32(h[8:]))
	sets, first, err := s.indexed(at+16, n*16)
	if err != nil {
		return err
	}
	t, err := s.table(ctx, start, min(first, at))
	if err != nil {
		return err
	}
	s.xattrs = &squashXattrs{sets, t}
	return nil
}

var xattrSpaces = []string{"user.", "trusted.", "security."}

// xattrsOf reads a set.
func (s *squash) xattrsOf(i uint32) (out []diff.Field, err error) {
	if i == squashNone {
		return nil, nil
	}
	if s.xattrs == nil || 16*int64(i)+16 > int64(len(s.xattrs.sets)) {
		return nil, bad("set %d of extended attributes", i)
	}
	set := s.xattrs.sets[16*int64(i):]
	count := binary.LittleEndian.Uint32(set[8:])
	if count > maxXattrs {
		return nil, bad("%d extended attributes of one file", count)
	}
	p, err := s.xattrAt(binary.LittleEndian.Uint64(set))
	if err != nil {
		return nil, err
	}
	f := &fields{p: p}
	for range count {
		kind := f.u16()
		name := string(f.take(int(f.u16())))
		value := f.take(int(min(f.u32(), maxXattrValue+1)))
		if f.bad || len(value) > maxXattrValue || int(kind&0xff) >= len(xattrSpaces) {
			return nil, bad("an extended attribute %.200q", name)
		}
		const elsewhere = 0x100
		if kind&elsewhere != 0 {
			if value, err = s.xattrValue(value); err != nil {
				return nil, err
			}
		}
		out = append(out, diff.Field{Key: "xattr " + xattrSpaces[kind&0xff] + name, Value: xattrText(value)})
	}
	return out, nil
}

// xattrText is a value as text, or in hexadecimal when it is none, or could be
// taken for that.
func xattrText(v []byte) string {
	text := utf8.Valid(v) && !bytes.HasPrefix(v, []byte("0x")) && !bytes.ContainsFunc(v, func(r rune) bool { return r < 0x20 })
	if text {
		return string(v)
	}
	return fmt.Sprintf("0x%x", v)
}

// xattrAt is the table from a reference on.
func (s *squash) xattrAt(ref uint64) ([]byte, error) {
	return s.xattrs.table.from(int64(ref>>16), int(ref&0xffff))
}

// xattrValue reads a value that several attributes share.
func (s *squash) xattrValue(ref []byte) ([]byte, error) {
	if len(ref) != 8 {
		return nil, bad("a reference to a value of %d bytes", len(ref))
	}
	p, err := s.xattrAt(binary.LittleEndian.Uint64(ref))
	if err != nil {
		return nil, err
	}
	f := &fields{p: p}
	v := f.take(int(min(f.u32(), maxXattrValue+1)))
	if f.bad || len(v) > maxXattrValue {
		return nil, bad("a value of an extended attribute")
	}
	return v, nil
}

// superReasons compare what the superblocks say, and how the images store their
// files. None of it follows from the files, and none is written again here.
func superReasons(a, b *squash) (out []diff.Reason) {
	add := func(field, va, vb string) {
		if va != vb {
			out = append(out, diff.Reason{Field: field, A: va, B: vb})
		}
	}
	add("compressor", squashMethods[a.method], squashMethods[b.method])
	add("compressor's options", a.options(), b.options())
	add("block size", fmt.Sprint(a.block), fmt.Sprint(b.block))
	add("flags", a.flags(), b.flags())
	add("inodes", fmt.Sprint(a.u32(4)), fmt.Sprint(b.u32(4)))
	add("fragments", fmt.Sprint(a.u32(16)), fmt.Sprint(b.u32(16)))
	add("owners", fmt.Sprint(len(a.ids)/4), fmt.Sprint(len(b.ids)/4))
	add("data blocks", a.stored(), b.stored())
	add("bytes used", fmt.Sprint(a.u64(40)), fmt.Sprint(b.u64(40)))
	return out
}

// squashFlags are named as mksquashfs names its options.
var squashFlags = []string{"inodes not compressed", "data not compressed", "", "fragments not compressed", "no fragments", "always fragments", "duplicates removed",
	"exportable", "extended attributes not compressed", "no extended attributes", "compressor's options", "owners not compressed"}

const squashHasOptions = 1 << 10

func (s *squash) flags() string {
	f := binary.LittleEndian.Uint16(s.super[24:])
	out := fmt.Sprintf("%04x", f)
	sep := ": "
	for i, name := range squashFlags {
		if f>>i&1 != 0 && name != "" {
			out += sep + name
			sep = ", "
		}
	}
	return out
}

// options says what the block behind the superblock has the compressor do.
func (s *squash) options() string {
	if binary.LittleEndian.Uint16(s.super[24:])&squashHasOptions == 0 {
		return "the usual ones"
	}
	p, _, err := s.meta(squashSuper)
	if err != nil {
		return "not readable"
	}
	f := &fields{p: p}
	switch s.method {
	case 1:
		return fmt.Sprintf("level %d, window of %d bits, strategies %x", f.u32(), f.u16(), f.u16())
	case 4:
		return fmt.Sprintf("dictionary of %d bytes, filters %x", f.u32(), f.u32())
	case 5:
		return fmt.Sprintf("version %d, flags %x", f.u32(), f.u32())
	case 6:
		return fmt.Sprintf("level %d", f.u32())
	}
	return fmt.Sprintf("%x", p)
}

// stored counts how files' blocks lie in the image.
func (s *squash) stored() string {
	var blocks, holes, plain, shared, tails int
	seen := map[int64]bool{}
	for _, f := range s.files {
		if !f.regular {
			continue
		}
		if f.fragment != squashNone {
			tails++
		}
		if len(f.blocks) == 0 {
			continue
		}
		if seen[f.start] {
			shared++
			continue
		}
		seen[f.start] = true
		for b := f.blocks; len(b) >= 4; b = b[4:] {
			switch w := binary.LittleEndian.Uint32(b); {
			case w == 0:
				holes++
			case w&(1<<24) != 0:
				plain++
			}
			blocks++
		}
	}
	return fmt.Sprintf("%d, %d of them not compressed, %d holes; %d files share another's; %d ends in fragments", blocks, plain, holes, shared, tails)
}
