package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/stagescope/stagescope/diff"
)

// KindCpio is a cpio archive in one of its three text forms, and what may follow
// it: an initial file system of Linux is often several, one after the other.
const KindCpio diff.Kind = "cpio"

const cpioTrailer = "TRAILER!!!"

// maxCpioName bounds a path; Linux has 4,096.
const maxCpioName = 1 << 16

// column is a number in a header.
type column struct {
	key      string
	from, to int
}

// cpioForm is one layout of headers.
type cpioForm struct {
	name    string
	base    int // of its numbers
	size    int
	align   int64
	columns []column
}

// The forms, by magic number: cpio(5) of FreeBSD, and the kernel's
// Documentation/driver-api/early-userspace/buffer-format.rst.
var cpioForms = map[string]*cpioForm{
	"070701": newc("newc"),
	"070702": newc("crc"),
	"070707": {"odc", 8, 76, 1, []column{{"dev", 6, 12}, {"ino", 12, 18}, {"mode", 18, 24}, {"uid", 24, 30}, {"gid", 30, 36}, {"nlink", 36, 42}, {"rdev", 42, 48},
		{"mtime", 48, 59}, {"namesize", 59, 65}, {"size", 65, 76}}},
}

func newc(name string) *cpioForm {
	f := &cpioForm{name, 16, 110, 4, nil}
	for i, key := range []string{"ino", "mode", "uid", "gid", "nlink", "mtime", "size", "dev major", "dev minor", "rdev major", "rdev minor", "namesize", "check"} {
		f.columns = append(f.columns, column{key, 6 + 8*i, 14 + 8*i})
	}
	return f
}

func init() {
	diff.Register(diff.Format{Kind: KindCpio, Files: true, Match: func(in *diff.Input) bool { return cpioFormOf(in.Head()) != nil }, Compare: compareCpio, Partial: true, Unpack: unpackCpio})
}

func cpioFormOf(p []byte) *cpioForm {
	if len(p) < 6 {
		return nil
	}
	return cpioForms[string(p[:6])]
}

// compareCpio compares one archive with one, or, where more follows, the
// archives and what is after them one by one.
func compareCpio(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input) error {
	pa, err := cpioParts(ctx, x, a)
	if err != nil {
		return fmt.Errorf("side A: %w", err)
	}
	pb, err := cpioParts(ctx, x, b)
	if err != nil {
		return fmt.Errorf("side B: %w", err)
	}
	if len(pa) == 1 && len(pb) == 1 {
		return pa[0].Compare(ctx, x, n, a, b)
	}
	if a.Cut != "" || b.Cut != "" {
		return bad("it is cut, and there are several archives in it")
	}
	return x.Parts(ctx, n, a, b, pa, pb)
}

// cpioParts finds the archives that follow one another, and what is after them.
// Zeros after an archive belong to it.
func cpioParts(ctx context.Context, x *diff.Examiner, in *diff.Input) ([]diff.Part, error) {
	var out []diff.Part
	archive := func(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input) error {
		return x.Streams(ctx, n, &cpioStream{in: a}, &cpioStream{in: b})
	}
	for at := int64(0); at < in.Size; {
		rest := in.Section(diff.Range{Off: at, Len: in.Size - at}, in.Name)
		if cpioFormOf(rest.Head()) == nil {
			return append(out, diff.Part{Name: "after the archives", Range: diff.Range{Off: at, Len: in.Size - at}}), nil
		}
		s := &cpioStream{in: rest}
		for i := 0; ; i++ {
			if i > x.Limits().Members {
				return nil, fmt.Errorf("%w: more than %d members (--max-members)", diff.ErrLimit, x.Limits().Members)
			}
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			_, err := s.Next(ctx)
			if err == io.EOF {
				break
			}
			if err != nil && i > 0 && errors.Is(err, diff.ErrFormat) { // it goes as far as it goes, and says so
				s.off = rest.Size
				break
			}
			if err != nil {
				return nil, err
			}
		}
		out = append(out, diff.Part{Name: fmt.Sprintf("archive %d", len(out)+1), Kind: KindCpio, Range: diff.Range{Off: at, Len: s.off}, Compare: archive})
		at += s.off
	}
	return out, nil
}

// cpioStream gives the members of one archive; off is then where it ends.
type cpioStream struct {
	in    *diff.Input
	off   int64
	order []diff.Range
	first map[[4]int64]string // names by device and inode, of files with several
	ended bool
	last  map[string]int64 // the numbers in the last header
}

func (s *cpioStream) Close() error { return nil }

// Reopen gives the body of a member that was given before.
func (s *cpioStream) Reopen(_ context.Context, i int) (io.ReadCloser, error) {
	if i < 0 || i >= len(s.order) {
		return nil, fmt.Errorf("there is no member %d", i)
	}
	r := s.order[i]
	return io.NopCloser(io.NewSectionReader(s.in, r.Off, r.Len)), nil
}

func (s *cpioStream) at(p []byte, off int64) error {
	if n, err := s.in.ReadAt(p, off); n < len(p) {
		return bad("it ends within a header at byte %d: %v", off, err)
	}
	return nil
}

// Next gives a member. The padding before its header is left out of Raw while it
// is zero: it follows from the sizes.
func (s *cpioStream) Next(ctx context.Context) (*diff.Member, error) {
	if s.ended {
		return nil, ended(s.in, io.EOF)
	}
	var magic [6]byte
	from := s.off
	if err := s.at(magic[:], s.off); err != nil {
		return nil, err
	}
	f := cpioForms[string(magic[:])]
	if f == nil {
		return nil, bad("no header at byte %d", s.off)
	}
	h := make([]byte, f.size)
	if err := s.at(h, s.off); err != nil {
		return nil, err
	}
	nums, err := f.numbers(h)
	if err != nil {
		return nil, fmt.Errorf("the header at byte %d: %w", s.off, err)
	}
	s.last = nums
	nameSize, size := nums["namesize"], nums["size"]
	if nameSize < 1 || nameSize > maxCpioName {
		return nil, bad("a name of %d bytes at byte %d", nameSize, s.off)
	}
	body := diff.Range{Off: up(from+int64(f.size)+nameSize, f.align), Len: size}
	if body.Off > s.in.Size {
		return nil, bad("it ends within a header at byte %d", from)
	}
	raw := make([]byte, body.Off-from)
	if err := s.at(raw, from); err != nil {
		return nil, err
	}
	stored := string(raw[f.size : int64(f.size)+nameSize])
	name := strings.TrimRight(stored, "\x00")
	s.off = body.Off + size
	if name == cpioTrailer {
		return s.end(raw, f)
	}
	pad := make([]byte, max(0, min(up(s.off, f.align), s.in.Size)-s.off))
	if err := s.at(pad, s.off); err != nil {
		return nil, err
	}
	s.off += int64(len(pad))
	if len(bytes.Trim(pad, "\x00")) > 0 {
		raw = append(raw, pad...)
	}
	s.order = append(s.order, body)
	if name = strings.TrimPrefix(name, "./"); name == "" {
		name = "."
	}
	one := s.oneWith(nums, name)
	m := &diff.Member{Name: name, Raw: []byte(string(raw) + oneWithMark + one), Size: -1, Explain: explainCpio, Symlink: nums["mode"]&0o170000 == 0o120000}
	m.Fields = func() []diff.Field { return s.fields(f, h, raw, stored, one, body) }
	if nums["mode"]&0o170000 == 0o100000 || size > 0 {
		m.Size, m.Within, m.Body = size, &body, bodyOf(s.in, body)
	}
	return m, ctx.Err()
}

// oneWithMark stands behind a header in Raw, before the name that oneWith gives.
const oneWithMark = "\x00one file with\x00"

// oneWith is the first of the names that are one file with this: who unpacks them
// takes the same device and inode for that, and writes all contents into it. What
// the numbers are means nothing else.
func (s *cpioStream) oneWith(nums map[string]int64, name string) string {
	if nums["nlink"] < 2 {
		return ""
	}
	key := [4]int64{nums["dev"], nums["dev major"], nums["dev minor"], nums["ino"]}
	if first, ok := s.first[key]; ok {
		return first
	}
	if s.first == nil {
		s.first = map[[4]int64]string{}
	}
	s.first[key] = name
	return ""
}

func up(n, align int64) int64 { return (n + align - 1) / align * align }

// end is the trailer with the zeros after it.
func (s *cpioStream) end(raw []byte, f *cpioForm) (*diff.Member, error) {
	s.ended = true
	s.order = append(s.order, diff.Range{})
	var zeros int64
	buf := make([]byte, 32<<10)
	for s.off < s.in.Size {
		k, err := s.in.ReadAt(buf[:min(int64(len(buf)), s.in.Size-s.off)], s.off)
		z := int64(k - len(bytes.TrimLeft(buf[:k], "\x00")))
		zeros, s.off = zeros+z, s.off+z
		if z < int64(k) {
			break
		}
		if k == 0 {
			return nil, err
		}
	}
	fields := []diff.Field{{Key: "form", Value: f.name}, {Key: "trailer", Value: fmt.Sprintf("%q", raw)}, {Key: "zero bytes at the end", Value: strconv.FormatInt(zeros, 10)}}
	raw = strconv.AppendInt(append(raw, 0), zeros, 10)
	return &diff.Member{Name: "end of the archive", Raw: raw, Size: -1, Meta: true, Fields: func() []diff.Field { return fields }}, nil
}

func (f *cpioForm) numbers(h []byte) (map[string]int64, error) {
	out := map[string]int64{}
	for _, c := range f.columns {
		n, err := strconv.ParseUint(string(h[c.from:c.to]), f.base, 34)
		if err != nil {
			return nil, bad("the number %q", h[c.from:c.to])
		}
		out[c.key] = int64(n)
	}
	return out, nil
}

const fits = " (fits the content)"

// fields are all bytes of a header, named.
func (s *cpioStream) fields(f *cpioForm, h, raw []byte, stored, one string, body diff.Range) []diff.Field {
	out := []diff.Field{{Key: "form", Value: f.name}, {Key: "name", Value: strings.TrimRight(stored, "\x00")}}
	nums, err := f.numbers(h)
	if err != nil {
		return out
	}
	for _, c := range f.columns {
		n, v := nums[c.key], ""
		switch c.key {
		case "mode":
			v = fmt.Sprintf("%06o", n)
		case "mtime":
			v = time.Unix(n, 0).UTC().Format(time.RFC3339)
		case "namesize":
			continue
		case "check":
			if v = fmt.Sprintf("%08x", n); f.name == "crc" && s.sum(body) == uint32(n) {
				v += fits
			}
		default:
			v = strconv.FormatInt(n, 10)
		}
		out = append(out, diff.Field{Key: c.key, Value: v})
	}
	if one != "" {
		out = append(out, diff.Field{Key: "one file with", Value: one})
	}
	if rest := raw[f.size+len(stored):]; len(bytes.Trim(rest, "\x00")) > 0 {
		out = append(out, diff.Field{Key: "padding", Value: fmt.Sprintf("%x", rest)})
	}
	return out
}

// sum is the checksum of the crc form: the sum of all bytes.
func (s *cpioStream) sum(body diff.Range) (n uint32) {
	buf := make([]byte, 32<<10)
	r := io.NewSectionReader(s.in, body.Off, body.Len)
	for {
		k, err := r.Read(buf)
		for _, c := range buf[:k] {
			n += uint32(c)
		}
		if err != nil {
			return n
		}
	}
}

var cpioCauses = map[string]diff.Cause{
	"mtime": {ID: "B1", Name: "modification time", Fix: "set the times before packing; cpio --reproducible"},
	"uid":   {ID: "B3", Name: "owner", Fix: "cpio --owner=0:0"}, "gid": {ID: "B3", Name: "owner", Fix: "cpio --owner=0:0"},
	"mode": {ID: "B4", Name: "mode or umask", Fix: "set the modes, or the umask"},
	"ino":  {ID: "B7", Name: "inode or device numbers", Fix: "cpio --reproducible"},
}

func init() {
	for _, key := range []string{"nlink", "dev", "dev major", "dev minor", "rdev", "rdev major", "rdev minor"} {
		cpioCauses[key] = cpioCauses["ino"]
	}
}

// explainCpio gives reasons their causes; they are proved when the headers are
// equal once exactly the columns with a reason are taken out.
func explainCpio(rawA, rawB []byte, rs []diff.Reason) []diff.Reason {
	left := map[string]bool{}
	for _, r := range rs {
		left[r.Field] = true
	}
	if left["one file with"] {
		rawA, rawB = beforeMark(rawA), beforeMark(rawB)
	}
	confidence := diff.Likely
	if cpioWithout(rawA, left) == cpioWithout(rawB, left) {
		confidence = diff.Proved
	}
	for i := range rs {
		r := &rs[i]
		c, known := cpioCauses[r.Field]
		c.Confidence, c.Evidence = confidence, "the headers are equal without it"
		switch {
		case r.Field == "size":
			c = diff.Cause{ID: "D5h", Name: "size of the content", Confidence: diff.Derived, Evidence: "it is the size of content that differs"}
		case r.Field == "check" && strings.HasSuffix(r.A, fits) && strings.HasSuffix(r.B, fits):
			c = diff.Cause{ID: "D5h", Name: "checksum of the content", Confidence: diff.Derived, Evidence: "it was checked against the content"}
		case !known, r.Field == "mode" && setID(r.A) != setID(r.B):
			continue
		}
		r.Cause = &c
	}
	if confidence != diff.Proved && len(rs) > 0 {
		rs = append(rs, restOfHeader(rawA, rawB))
	}
	return rs
}

// beforeMark is a Raw without what oneWith gave.
func beforeMark(raw []byte) []byte { return raw[:max(0, bytes.LastIndex(raw, []byte(oneWithMark)))] }

// restOfHeader says that headers differ in more than what was named: in how a
// number is written, or what stands beside a name.
func restOfHeader(a, b []byte) diff.Reason {
	return diff.Reason{Field: "encoding of the header", A: fmt.Sprintf("%d bytes", len(a)), B: fmt.Sprintf("%d bytes", len(b))}
}

// setID are the bits that give a file power, and its type.
func setID(mode string) string {
	if len(mode) < 4 {
		return mode
	}
	return mode[:len(mode)-3]
}

// cpioWithout blanks columns in a header.
func cpioWithout(raw []byte, left map[string]bool) string {
	f := cpioFormOf(raw)
	if f == nil {
		return string(raw)
	}
	out := bytes.Clone(raw)
	for _, c := range f.columns {
		if left[c.key] {
			clear(out[c.from:c.to])
		}
	}
	return string(out)
}
