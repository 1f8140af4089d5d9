package archive

import (
	"bytes"
	"compress/flate"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"sort"
	"strconv"
	"time"

	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/diff/compressed"
)

// KindZip is a zip archive: also jar, wheel and others.
const KindZip diff.Kind = "zip"

const (
	maxDirectory = 256 << 20
	maxGap       = 8 << 20
)

func init() {
	diff.Register(diff.Format{Kind: KindZip, Files: true, Match: func(in *diff.Input) bool { return in.HasPrefix("PK\x03\x04") || in.HasPrefix("PK\x05\x06") }, Compare: compareZip, Partial: true, Unpack: unpackZip})
}

func compareZip(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input) error {
	return compareZipAfter(ctx, x, n, a, b, [2]int64{})
}

// compareZipAfter compares archives that so many bytes of a file lie before.
func compareZipAfter(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input, before [2]int64) error {
	var ss [2]*zipStream
	var why [2]error
	ins := [2]*diff.Input{a, b}
	for i, in := range ins {
		ss[i], why[i] = openZip(ctx, x, in, before[i])
		if why[i] == nil && in.Cut != "" {
			why[i] = bad("%s", in.Cut)
		}
		if why[i] != nil && (!errors.Is(why[i], diff.ErrFormat) || errors.Is(why[i], diff.ErrLimit)) {
			return fmt.Errorf("side %c: %w", 'A'+i, why[i])
		}
	}
	if why[0] != nil || why[1] != nil {
		return compareLocals(ctx, x, n, ins, why)
	}
	return x.Streams(ctx, n, ss[0], ss[1])
}

// zipFile is one member: where its parts lie, and what its headers say.
type zipFile struct {
	local, data, descriptor diff.Range
	lh, ch                  []byte // local header, central header
	name                    string
	method                  uint16
	crc                     uint32
	size                    int64
	packed                  bool // it lies right after the member before it in the directory
}

// zipStream gives the members in the order of the central directory, and at
// last what belongs to none of them.
type zipStream struct {
	in     *diff.Input
	files  []*zipFile
	rest   []byte // the end record with its comment
	rest64 []byte // that of zip64, without what was checked
	count  uint64 // of members, as that says; 0 when there is none
	gaps   []byte // what lies before and between the members
	before int64  // bytes of the file before the archive, which offsets may count
	base   int64  // bytes that they do count
	next   int
}

func bad(format string, args ...any) error {
	return fmt.Errorf("%w: %s", diff.ErrFormat, fmt.Sprintf(format, args...))
}

// openZip reads the central directory, and places every byte of the archive, which so
// many bytes of its file lie before.
func openZip(ctx context.Context, x *diff.Examiner, in *diff.Input, before int64) (*zipStream, error) {
	s := &zipStream{in: in, before: before}
	dir, err := s.directory()
	if err != nil {
		return nil, err
	}
	cd := make([]byte, dir.Len)
	if _, err := in.ReadAt(cd, dir.Off); err != nil && err != io.EOF {
		return nil, err
	}
	for len(cd) > 0 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if len(s.files) >= x.Limits().Members {
			return nil, fmt.Errorf("%w: more than %d members (--max-members)", diff.ErrLimit, len(s.files))
		}
		f, n, err := s.file(cd, dir.Off)
		if err != nil {
			return nil, err
		}
		s.files, cd = append(s.files, f), cd[n:]
	}
	if !s.counted() {
		return nil, bad("the end record counts other than %d members", len(s.files))
	}
	if s.gaps, err = s.between(dir.Off); err != nil {
		return nil, err
	}
	s.forgetOffsets()
	for _, f := range s.files {
		// The content is read once here, so that a broken archive is compared as
		// bytes and not half.
		k, err := io.Copy(io.Discard, &limited{ctx: ctx, r: s.open(f), left: x.Limits().Decoded})
		if errors.Is(err, diff.ErrLimit) {
			return nil, fmt.Errorf("%q: %w: it decodes to more bytes than are looked at (--max-decoded)", f.name, err)
		}
		if err != nil || k != f.size {
			return nil, bad("%q has %d of %d bytes: %v", f.name, k, f.size, err)
		}
	}
	return s, nil
}

// counted reports whether the end records count the members that there are.
func (s *zipStream) counted() bool {
	if len(s.rest64) > 0 && s.count != uint64(len(s.files)) {
		return false
	}
	for _, at := range []int{8, 10} {
		k := int(binary.LittleEndian.Uint16(s.rest[at:]))
		if k != len(s.files)&0xffff && (k != 0xffff || len(s.rest64) == 0) {
			return false
		}
	}
	return true
}

// forgetOffsets takes the offsets out of the headers when they follow from the
// sizes before them, so that one larger member does not make all others differ.
func (s *zipStream) forgetOffsets() {
	var at int64
	for _, f := range s.files {
		if f.local.Off != at {
			return
		}
		at = f.descriptor.Off + f.descriptor.Len
	}
	for _, f := range s.files {
		f.packed = true
		clear(f.ch[42:46])
	}
}

// limited ends with an error when too much comes, or with the context.
type limited struct {
	ctx  context.Context
	r    io.Reader
	left int64
}

func (l *limited) Read(p []byte) (int, error) {
	if err := l.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := l.r.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return 0, diff.ErrLimit
	}
	return n, err
}

// between collects what lies in no member. Members that overlap, as those of
// some bombs do, are refused.
func (s *zipStream) between(end int64) ([]byte, error) {
	order := append([]*zipFile(nil), s.files...)
	sort.SliceStable(order, func(i, j int) bool { return order[i].local.Off < order[j].local.Off })
	var out []byte
	var at int64
	gap := func(to int64) error {
		if to < at {
			return bad("members overlap at byte %d", to)
		}
		if int64(len(out))+to-at > maxGap {
			return fmt.Errorf("%w: more than %d bytes between the members", diff.ErrLimit, maxGap)
		}
		p := make([]byte, to-at)
		if k, err := s.in.ReadAt(p, at); k < len(p) {
			return err
		}
		out = append(out, p...)
		return nil
	}
	for _, f := range order {
		if err := gap(f.local.Off); err != nil {
			return nil, err
		}
		at = f.descriptor.Off + f.descriptor.Len
	}
	return out, gap(end)
}

// open gives a member's content, and an error at its end when it is not what
// the directory says.
func (s *zipStream) open(f *zipFile) io.Reader {
	var r io.Reader = io.NewSectionReader(s.in, f.data.Off, f.data.Len)
	if f.method == 8 {
		r = flate.NewReader(r)
	}
	return &checked{r: r, want: f.crc}
}

// checked compares the CRC at the end.
type checked struct {
	r         io.Reader
	sum, want uint32
}

func (c *checked) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.sum = crc32.Update(c.sum, crc32.IEEETable, p[:n])
	if err == io.EOF && c.sum != c.want {
		err = bad("the CRC is %08x and should be %08x", c.sum, c.want)
	}
	return n, err
}

func (s *zipStream) Close() error { return nil }

// Reopen gives the body of a member once more.
func (s *zipStream) Reopen(_ context.Context, i int) (io.ReadCloser, error) {
	if i < 0 || i >= len(s.files) {
		return nil, fmt.Errorf("there is no member %d", i)
	}
	return io.NopCloser(s.open(s.files[i])), nil
}

func (s *zipStream) Next(ctx context.Context) (*diff.Member, error) {
	if s.next > len(s.files) {
		return nil, io.EOF
	}
	s.next++
	if s.next > len(s.files) {
		fields := []diff.Field{{Key: "end record", Value: fmt.Sprintf("%x", s.rest)}, {Key: "between the members", Value: fmt.Sprintf("%d bytes, sha256 %x", len(s.gaps), sha256.Sum256(s.gaps))}}
		if len(s.rest64) > 0 {
			fields = append(fields, diff.Field{Key: "zip64 end record", Value: fmt.Sprintf("%x", s.rest64)})
		}
		raw := slices.Concat(s.rest, []byte{0}, s.rest64, []byte{0}, s.gaps)
		return &diff.Member{Name: "end of the archive", Raw: raw, Size: -1, Meta: true, Fields: func() []diff.Field { return fields }, Explain: explainEnd}, nil
	}
	f := s.files[s.next-1]
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(s.in, f.data.Off, f.data.Len)); err != nil {
		return nil, err
	}
	sum := h.Sum(nil)
	desc := make([]byte, f.descriptor.Len)
	if _, err := s.in.ReadAt(desc, f.descriptor.Off); err != nil && err != io.EOF {
		return nil, err
	}
	m := &diff.Member{Name: f.name, Size: f.size, Body: s.open(f)}
	for _, p := range [][]byte{f.lh, desc, f.ch, sum} {
		m.Raw = append(m.Raw, p...)
	}
	if f.method == 0 {
		m.Within = &f.data
	}
	encoder := func() string { return s.encoder(ctx, f) }
	m.Fields = func() []diff.Field { return zipFields(f, desc, sum, encoder()) }
	m.Explain = func(_, _ []byte, rs []diff.Reason) []diff.Reason { return explainZip(rs, encoder()) }
	return m, nil
}

const noEncoder = "none that is known makes these bytes"

// encoder names what made a member's compressed bytes.
func (s *zipStream) encoder(ctx context.Context, f *zipFile) string {
	if f.method == 0 {
		return "stored"
	}
	plain := make([]byte, min(f.size, 64<<20))
	if int64(len(plain)) < f.size {
		return noEncoder // too large to be encoded again here
	}
	if _, err := io.ReadFull(s.open(f), plain); err != nil {
		return noEncoder
	}
	e, ok := compressed.IdentifyDeflate(ctx, io.NewSectionReader(s.in, f.data.Off, f.data.Len), io.NewSectionReader(readerAt(plain), 0, f.size))
	if !ok {
		return noEncoder
	}
	return e.String()
}

// readerAt reads memory at random.
type readerAt []byte

func (r readerAt) ReadAt(p []byte, off int64) (int, error) {
	if off >= int64(len(r)) {
		return 0, io.EOF
	}
	n := copy(p, r[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// zipFields are all bytes of a member's headers, named.
func zipFields(f *zipFile, desc, sum []byte, encoder string) []diff.Field {
	le := binary.LittleEndian
	num := func(p []byte, at int) string { return strconv.Itoa(int(le.Uint16(p[at:]))) }
	var out []diff.Field
	add := func(k, v string) { out = append(out, diff.Field{Key: k, Value: v}) }
	add("version made by", num(f.ch, 4))
	add("mtime", dosTime(f.ch[12:]))
	add("encoder", encoder)
	add("compressed data", fmt.Sprintf("%d bytes, sha256 %x", f.data.Len, sum))
	add("CRC-32", fmt.Sprintf("%08x", f.crc))
	add("size", strconv.FormatInt(f.size, 10))
	if f.packed {
		add("offset", "right after the member before")
	} else {
		add("offset", strconv.FormatInt(f.local.Off, 10))
	}
	add("disk", num(f.ch, 34))
	add("internal attributes", num(f.ch, 36))
	add("external attributes", fmt.Sprintf("%08x", le.Uint32(f.ch[38:])))
	nameLen, extraLen := int(le.Uint16(f.ch[28:])), int(le.Uint16(f.ch[30:]))
	add("comment", strconv.QuoteToASCII(string(f.ch[46+nameLen+extraLen:])))
	for _, h := range []struct {
		in                                 string
		p, extra                           []byte
		need, flags, method, sum, nameSize int
	}{
		{"", f.ch, f.ch[46+nameLen : 46+nameLen+extraLen], 6, 8, 10, 16, 28},
		{"local ", f.lh, f.lh[30+int(le.Uint16(f.lh[26:])):], 4, 6, 8, 14, 26},
	} {
		add(h.in+"version needed", num(h.p, h.need))
		add(h.in+"flags", fmt.Sprintf("%04x", le.Uint16(h.p[h.flags:])))
		add(h.in+"method", num(h.p, h.method))
		if h.in != "" {
			add("local mtime", dosTime(h.p[10:]))
			add("local name", strconv.QuoteToASCII(string(h.p[30:30+int(le.Uint16(h.p[26:]))])))
			add("local CRC-32 and sizes", f.localSums(h.p[h.sum:h.nameSize]))
		}
		extras(h.in, h.extra, add)
	}
	add("data descriptor", f.descriptorSums(desc))
	return out
}

// sums are the CRC and sizes as they are written in headers and descriptors.
func (f *zipFile) sums() []byte {
	p := binary.LittleEndian.AppendUint32(nil, f.crc)
	p = binary.LittleEndian.AppendUint32(p, uint32(f.data.Len))
	return binary.LittleEndian.AppendUint32(p, uint32(f.size))
}

// localSums says what the local header has of CRC and sizes. Where it is what
// the directory has, it follows from that.
func (f *zipFile) localSums(p []byte) string {
	switch {
	case bytes.Equal(p, f.sums()):
		return "as in the directory"
	case bytes.Equal(p, make([]byte, len(p))):
		return "zero"
	}
	return fmt.Sprintf("%x", p)
}

// descriptorSums does the same for what follows the data.
func (f *zipFile) descriptorSums(p []byte) string {
	switch {
	case len(p) == 0:
		return "none"
	case bytes.Equal(p, f.sums()):
		return "as in the directory"
	case bytes.Equal(p, f.wideSums()):
		return "as in the directory, of eight bytes"
	case bytes.Equal(p, append([]byte("PK\x07\x08"), f.wideSums()...)):
		return "as in the directory, of eight bytes, with its signature"
	case bytes.Equal(p, append([]byte("PK\x07\x08"), f.sums()...)):
		return "as in the directory, with its signature"
	}
	return fmt.Sprintf("%x", p)
}

// extras names the extra fields; what does not parse is one field.
func extras(in string, p []byte, add func(k, v string)) {
	for i := 0; len(p) > 0; i++ {
		if len(p) < 4 || 4+int(binary.LittleEndian.Uint16(p[2:])) > len(p) {
			add(in+"extra, malformed", fmt.Sprintf("%x", p))
			return
		}
		n := 4 + int(binary.LittleEndian.Uint16(p[2:]))
		add(fmt.Sprintf("%sextra %d 0x%04x", in, i, binary.LittleEndian.Uint16(p)), fmt.Sprintf("%x", p[4:n]))
		p = p[n:]
	}
}

// dosTime is a time of two seconds' precision in no zone. The bytes stand beside
// it, since not all are times.
func dosTime(p []byte) string {
	t, d := int(binary.LittleEndian.Uint16(p)), int(binary.LittleEndian.Uint16(p[2:]))
	at := time.Date(1980+d>>9, time.Month(d>>5&15), d&31, t>>11, t>>5&63, t&31*2, 0, time.UTC)
	return fmt.Sprintf("%s (%04x %04x)", at.Format("2006-01-02 15:04:05"), d, t)
}
