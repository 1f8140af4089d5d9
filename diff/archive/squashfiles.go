package archive

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/stagescope/stagescope/diff"
)

// Bounds of a tree of directories.
const (
	maxSquashDepth = 256
	maxSquashPaths = 256 << 20 // bytes of all paths together
	maxSquashLink  = 1 << 16
)

// squashFile is a file, directory or other thing in an image.
type squashFile struct {
	path               string
	kind               string
	mode, uid, gid     uint32
	mtime              uint32
	nlink, rdev, xattr uint32
	xattrs             []diff.Field
	link               string
	regular            bool
	size, start        int64
	fragment, offset   uint32
	blocks             []byte
	dirBlock           int64
	dirOff, dirSize    int
}

// fields reads numbers one after the other; what is missing makes it bad.
type fields struct {
	p   []byte
	bad bool
}

func (f *fields) take(n int) []byte {
	if n < 0 || n > len(f.p) {
		f.bad = true
		return make([]byte, min(max(n, 0), 8))
	}
	out := f.p[:n]
	f.p = f.p[n:]
	return out
}

func (f *fields) u16() uint16 { return binary.LittleEndian.Uint16(f.take(2)) }
func (f *fields) u32() uint32 { return binary.LittleEndian.Uint32(f.take(4)) }
func (f *fields) u64() int64  { return int64(binary.LittleEndian.Uint64(f.take(8))) }

var squashKinds = []string{"", "directory", "file", "symlink", "block device", "character device", "fifo", "socket"}

// inode reads one.
func (s *squash) inode(block int64, off int) (*squashFile, error) {
	p, err := s.inodes.from(block, off)
	if err != nil {
		return nil, err
	}
	f := &fields{p: p}
	t := f.u16()
	out := &squashFile{fragment: squashNone, xattr: squashNone}
	out.mode = uint32(f.u16())
	u, g := f.u16(), f.u16()
	out.mtime = f.u32()
	f.u32() // its number, which follows from the order
	if out.uid, err = s.id(u); err == nil {
		out.gid, err = s.id(g)
	}
	if err != nil {
		return nil, err
	}
	long := t > 7
	if long {
		t -= 7
	}
	if t < 1 || t > 7 {
		return nil, bad("an inode of type %d", t)
	}
	out.kind = squashKinds[t]
	switch t {
	case 1:
		out.directory(f, long)
	case 2:
		s.regular(out, f, long)
	case 3:
		out.nlink = f.u32()
		n := f.u32()
		if n > maxSquashLink {
			return nil, bad("a link of %d bytes", n)
		}
		out.link = string(f.take(int(n)))
	default:
		out.nlink = f.u32()
		if t < 6 {
			out.rdev = f.u32()
		}
	}
	if long && t > 2 {
		out.xattr = f.u32()
	}
	if f.bad || out.size < 0 {
		return nil, bad("an inode that ends early")
	}
	out.xattrs, err = s.xattrsOf(out.xattr)
	return out, err
}

func (o *squashFile) directory(f *fields, long bool) {
	if !long {
		o.dirBlock, o.nlink = int64(f.u32()), f.u32()
		o.dirSize, o.dirOff = int(f.u16()), int(f.u16())
		return
	}
	o.nlink, o.dirSize = f.u32(), int(f.u32())
	o.dirBlock = int64(f.u32())
	f.u32() // the parent's number
	f.u16() // entries of an index, which says nothing new
	o.dirOff, o.xattr = int(f.u16()), f.u32()
}

func (s *squash) regular(o *squashFile, f *fields, long bool) {
	o.regular = true
	if long {
		o.start, o.size = f.u64(), f.u64()
		f.u64() // bytes in holes, which follow from the blocks
		o.nlink, o.fragment, o.offset, o.xattr = f.u32(), f.u32(), f.u32(), f.u32()
	} else {
		o.start, o.fragment, o.offset, o.size = int64(f.u32()), f.u32(), f.u32(), int64(f.u32())
	}
	if o.size < 0 {
		return
	}
	n := o.size / s.block
	if o.fragment == squashNone && o.size%s.block != 0 {
		n++
	}
	if n > int64(len(f.p))/4 {
		f.bad = true
		return
	}
	o.blocks = f.take(int(4 * n))
}

func (s *squash) id(i uint16) (uint32, error) {
	if 4*int(i)+4 > len(s.ids) {
		return 0, bad("owner %d of %d", i, len(s.ids)/4)
	}
	return binary.LittleEndian.Uint32(s.ids[4*int(i):]), nil
}

// walk lists all files, directories before what is in them. A directory that is
// met a second time is refused: it may contain itself.
func (s *squash) walk(ctx context.Context, limits diff.Limits) error {
	root := s.u64(32)
	seen := map[int64]bool{}
	paths, total := 0, int64(0)
	var visit func(ref int64, path string, depth int) error
	visit = func(ref int64, path string, depth int) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		f, err := s.inode(ref>>16, int(ref&0xffff))
		if err != nil {
			return fmt.Errorf("%q: %w", path, err)
		}
		f.path = path
		s.files = append(s.files, f)
		if paths += len(path); len(s.files) > limits.Members || paths > maxSquashPaths {
			return fmt.Errorf("%w: more than %d files, or too long paths", diff.ErrLimit, limits.Members)
		}
		// A hole costs the image nothing, and the reader its whole length.
		if f.size > limits.Decoded-total {
			return fmt.Errorf("%w: its files have more than %d bytes", diff.ErrLimit, limits.Decoded)
		}
		total += f.size
		if f.kind != "directory" {
			return nil
		}
		if seen[ref] || depth > maxSquashDepth {
			return bad("%.200q is a directory inside itself, or too deep", path)
		}
		seen[ref] = true
		return s.entries(f, func(name string, ref int64) error {
			return visit(ref, strings.TrimPrefix(path+"/"+name, "./"), depth+1)
		})
	}
	return visit(root, ".", 0)
}

// entries reads a directory's list.
func (s *squash) entries(d *squashFile, each func(name string, ref int64) error) error {
	if d.dirSize <= 3 { // the kernel counts "." and ".." as three bytes
		return nil
	}
	p, err := s.dir.from(d.dirBlock, d.dirOff)
	if err != nil {
		return err
	}
	if d.dirSize-3 > len(p) {
		return bad("a directory of %d bytes", d.dirSize)
	}
	f := &fields{p: p[:d.dirSize-3]}
	for len(f.p) > 0 && !f.bad {
		count, block := f.u32(), int64(f.u32())
		f.u32() // the number that inodes' numbers are counted from
		if count > 256 {
			return bad("%d entries in one run", count)
		}
		for range count + 1 {
			off := f.u16()
			f.u16() // of the inode's number
			f.u16() // the type, which the inode says
			name := string(f.take(int(f.u16()) + 1))
			if f.bad || name == "." || name == ".." || strings.ContainsAny(name, "/\x00") {
				return bad("a name %.200q", name)
			}
			if err := each(name, block<<16|int64(off)); err != nil {
				return err
			}
		}
	}
	if f.bad {
		return bad("a directory that ends early")
	}
	return nil
}

// open reads a file's content.
func (s *squash) open(f *squashFile) io.Reader { return &squashReader{s: s, f: f, at: f.start} }

// squashReader reads block by block.
type squashReader struct {
	s    *squash
	f    *squashFile
	next int   // block
	at   int64 // where it lies
	done int64
	buf  []byte
}

func (r *squashReader) Read(p []byte) (int, error) {
	if len(r.buf) == 0 {
		if r.done == r.f.size {
			return 0, io.EOF
		}
		b, err := r.block()
		if err != nil {
			return 0, err
		}
		r.buf = b
	}
	n := copy(p, r.buf)
	r.buf, r.done = r.buf[n:], r.done+int64(n)
	return n, nil
}

// block gives the next one, of exactly the size that it must have.
func (r *squashReader) block() ([]byte, error) {
	want := min(r.s.block, r.f.size-r.done)
	if 4*r.next >= len(r.f.blocks) {
		p, err := r.s.fragmentOf(r.f.fragment)
		if err != nil || int64(r.f.offset) > int64(len(p)) || want > int64(len(p))-int64(r.f.offset) {
			return nil, bad("%d bytes at %d of fragment %d: %v", want, r.f.offset, r.f.fragment, err)
		}
		return p[r.f.offset:][:want], nil
	}
	word := binary.LittleEndian.Uint32(r.f.blocks[4*r.next:])
	r.next++
	if word == 0 {
		return make([]byte, want), nil // a hole
	}
	p, err := r.s.data(r.at, word)
	r.at += int64(word &^ (1 << 24))
	if err == nil && int64(len(p)) != want {
		err = bad("a block of %d bytes instead of %d", len(p), want)
	}
	return p, err
}

// data reads a block of data, whose size says whether it is compressed.
func (s *squash) data(at int64, word uint32) ([]byte, error) {
	n := int64(word &^ (1 << 24))
	if n > squashBlock {
		return nil, bad("a block of %d bytes", n)
	}
	p, err := s.at(at, n)
	if err == nil && word&(1<<24) == 0 {
		p, err = s.decode(p, s.block)
	}
	return p, err
}

func (s *squash) fragmentOf(i uint32) ([]byte, error) {
	if s.fragment == int64(i) {
		return s.decoded, nil
	}
	if 16*int64(i)+16 > int64(len(s.fragments)) {
		return nil, bad("fragment %d of %d", i, len(s.fragments)/16)
	}
	e := s.fragments[16*int64(i):]
	p, err := s.data(int64(binary.LittleEndian.Uint64(e)), binary.LittleEndian.Uint32(e[8:]))
	if err == nil {
		s.fragment, s.decoded = int64(i), p
	}
	return p, err
}

// squashStream gives the files.
type squashStream struct {
	s    *squash
	next int
}

func (t *squashStream) Close() error { return nil }

// Reopen reads a file once more, with a reader of its own.
func (t *squashStream) Reopen(_ context.Context, i int) (io.ReadCloser, error) {
	if i < 0 || i >= len(t.s.files) {
		return nil, fmt.Errorf("there is no file %d", i)
	}
	own := *t.s
	own.fragment, own.decoded = -1, nil
	return io.NopCloser(own.open(t.s.files[i])), nil
}

func (t *squashStream) Next(context.Context) (*diff.Member, error) {
	if t.next == len(t.s.files) {
		return nil, io.EOF
	}
	f := t.s.files[t.next]
	t.next++
	fs := f.fields()
	var raw bytes.Buffer
	for _, f := range fs {
		raw.WriteString(f.Key + "\x00" + f.Value + "\x00")
	}
	m := &diff.Member{Name: f.path, Raw: raw.Bytes(), Size: -1, Fields: func() []diff.Field { return fs }, Explain: explainSquash}
	if f.regular {
		m.Size, m.Body = f.size, t.s.open(f)
	}
	return m, nil
}

func (f *squashFile) fields() []diff.Field {
	out := []diff.Field{{Key: "type", Value: f.kind}, {Key: "mode", Value: fmt.Sprintf("%04o", f.mode)}, {Key: "uid", Value: strconv.Itoa(int(f.uid))}, {Key: "gid", Value: strconv.Itoa(int(f.gid))},
		{Key: "mtime", Value: time.Unix(int64(f.mtime), 0).UTC().Format(time.RFC3339)}, {Key: "link", Value: f.link}}
	if f.rdev != 0 {
		out = append(out, diff.Field{Key: "device", Value: strconv.Itoa(int(f.rdev))})
	}
	if f.kind != "directory" && f.nlink > 1 {
		out = append(out, diff.Field{Key: "hard links", Value: strconv.Itoa(int(f.nlink))})
	}
	return append(out, f.xattrs...)
}

// explainSquash gives properties their causes. Each is a field of its own, so
// that naming it says all; the bytes that it lies in are the image's.
func explainSquash(_, _ []byte, rs []diff.Reason) []diff.Reason {
	for i := range rs {
		r := &rs[i]
		c, ok := cpioCauses[r.Field]
		if r.Field == "mode" && setID(r.A) != setID(r.B) || !ok {
			continue
		}
		c.Confidence, c.Evidence = diff.Proved, "the properties are compared one by one"
		c.Fix = map[string]string{"mtime": "mksquashfs -all-time", "uid": "mksquashfs -all-root", "gid": "mksquashfs -all-root"}[r.Field]
		r.Cause = &c
	}
	return rs
}
