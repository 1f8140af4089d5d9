package diff

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/stagescope/stagescope/chain/image"
)

// KindTar is a tar archive inside a layer or file.
const KindTar Kind = "tar"

func init() {
	Register(Format{Kind: KindTar, Files: true, Match: isTar, Compare: compareTar, Partial: true})
}

func isTar(in *Input) bool {
	h := in.Head()
	return len(h) >= 512 && (string(h[257:262]) == "ustar" || isOldTar(h[:512]))
}

// isOldTar recognises a header of Unix V7, which has no magic number: a name, nothing
// but zeros after the name of a link, and a checksum that fits. GNU tar writes the
// zeros of device numbers.
func isOldTar(h []byte) bool {
	if h[0] == 0 || len(bytes.Trim(h[257:329], "\x00")) > 0 || len(bytes.Trim(h[329:], "\x000")) > 0 {
		return false
	}
	said, err := strconv.ParseInt(strings.Trim(string(h[148:156]), " \x00"), 8, 64)
	sum := int64(8 * ' ')
	for i, c := range h {
		if i < 148 || i >= 156 {
			sum += int64(c)
		}
	}
	return err == nil && said == sum
}

func compareTar(ctx context.Context, x *Examiner, n *Node, a, b *Input) error {
	for _, in := range []*Input{a, b} {
		if _, err := tar.NewReader(in.Reader()).Next(); err != nil && err != io.EOF {
			return fmt.Errorf("%w: %w", ErrFormat, err)
		}
	}
	return x.Streams(ctx, n, tarOf(a), tarOf(b))
}

func tarOf(in *Input) Stream {
	s := newTarStream(in.Through(), nil)
	s.again = func(context.Context) (io.ReadCloser, error) { return io.NopCloser(in.Reader()), nil }
	return s
}

// tarStream gives the entries of a tar archive. What its reader consumes for an
// entry, the padding before it and its header blocks, is the entry's Raw; so
// that together with the bodies every byte of the archive is accounted for.
type tarStream struct {
	rec   *recorder
	tr    *tar.Reader
	close func() error
	again func(context.Context) (io.ReadCloser, error) // opens the archive once more
	ended bool
}

func newTarStream(r io.Reader, closer func() error) *tarStream {
	rec := &recorder{r: bufio.NewReaderSize(r, 128<<10)}
	return &tarStream{rec: rec, tr: tar.NewReader(rec), close: closer}
}

// maxRaw bounds what is recorded of one header. archive/tar refuses records
// over one mebibyte; an entry has at most a few of them.
const maxRaw = 8 << 20

// recorder keeps the bytes that go through it between start and stop.
type recorder struct {
	r   io.Reader
	on  bool
	buf []byte
	n   int64
}

func (c *recorder) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	if c.on {
		if len(c.buf)+n > maxRaw {
			return n, fmt.Errorf("%w: a header of more than %d bytes", ErrLimit, maxRaw)
		}
		c.buf = append(c.buf, p[:n]...)
	}
	return n, err
}

// Next gives the next entry, and after the last one the end of the archive.
func (s *tarStream) Next(context.Context) (*Member, error) {
	if s.ended {
		return nil, io.EOF
	}
	pad := int(-s.rec.n & 511)
	s.rec.buf, s.rec.on = s.rec.buf[:0], true
	h, err := s.tr.Next()
	s.rec.on = false
	s.rec.buf = unpad(s.rec.buf, pad)
	if err == io.EOF {
		return s.end()
	}
	if err != nil {
		return nil, fmt.Errorf("reading the archive at byte %d: %w", s.rec.n, err)
	}
	m := &Member{Raw: bytes.Clone(s.rec.buf), Size: -1}
	describe(m, h)
	if hasContent(h) {
		m.Body = (*tarBody)(s)
		if h.Typeflag != tar.TypeGNUSparse && !sparse(h) {
			m.Within = &Range{s.rec.n, h.Size}
		}
	}
	return m, nil
}

// tarBody is the content of the entry that a stream is at.
type tarBody tarStream

func (b *tarBody) Read(p []byte) (int, error) {
	n, err := b.tr.Read(p)
	if err != nil && err != io.EOF {
		err = fmt.Errorf("at byte %d of the archive: %w", b.rec.n, err)
	}
	return n, err
}

// describe gives a member what its header says.
func describe(m *Member, h *tar.Header) {
	if m.Name = image.CleanPath(h.Name); m.Name == "" {
		m.Name = "."
	}
	m.Fields = func() []Field { return tarFields(h) }
	m.Explain = explainHeader
	m.Symlink = h.Typeflag == tar.TypeSymlink
	if h.Typeflag == tar.TypeLink {
		m.HardLink = image.CleanPath(h.Linkname)
	}
}

// unpad takes the padding of the content before off a header. As long as it is
// zero it says nothing that the content's size does not.
func unpad(raw []byte, pad int) []byte {
	if pad > len(raw) || len(bytes.Trim(raw[:pad], "\x00")) > 0 {
		return raw
	}
	return raw[pad:]
}

// hasContent reports whether an entry has content, be it empty.
func hasContent(h *tar.Header) bool {
	switch h.Typeflag {
	case tar.TypeReg, '\x00', tar.TypeCont, tar.TypeGNUSparse:
		return true
	}
	return h.Size > 0
}

func sparse(h *tar.Header) bool {
	for k := range h.PAXRecords {
		if strings.HasPrefix(k, "GNU.sparse.") {
			return true
		}
	}
	return false
}

// end is the two zero blocks and whatever follows them. Padding can be long, so
// that it is counted, and only kept where it is not zero: what stands in the
// padding of the last content, and what follows the zeros.
func (s *tarStream) end() (*Member, error) {
	s.ended = true
	before := bytes.Clone(bytes.TrimRight(s.rec.buf, "\x00"))
	zeros := int64(len(s.rec.buf) - len(before))
	var odd []byte
	buf := make([]byte, 32<<10)
	for {
		n, err := s.rec.Read(buf)
		rest := buf[:n]
		if len(odd) == 0 {
			rest = bytes.TrimLeft(rest, "\x00")
			zeros += int64(n - len(rest))
		}
		if odd = append(odd, rest...); len(odd) > maxRaw {
			return nil, fmt.Errorf("%w: more than %d bytes after the end of the archive", ErrLimit, maxRaw)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	m := &Member{Raw: fmt.Appendf(nil, "%x %d %s", before, zeros, odd), Size: -1}
	endMember(m, zeros, before, odd)
	return m, nil
}

// endMember describes what follows the last entry.
func endMember(m *Member, zeros int64, before, odd []byte) {
	fields := []Field{{"zero bytes at the end", strconv.FormatInt(zeros, 10)}}
	for _, f := range []struct {
		key string
		p   []byte
	}{{"bytes before the end", before}, {"bytes after the end", odd}} {
		if len(f.p) > 0 {
			fields = append(fields, Field{f.key, fmt.Sprintf("%d, sha256 %x", len(f.p), sha256.Sum256(f.p))})
		}
	}
	m.Name, m.Meta, m.Fields = "end of the archive", true, func() []Field { return fields }
}

// Close ends reading.
func (s *tarStream) Close() error {
	if s.close == nil {
		return nil
	}
	return s.close()
}

// Reopen reads the archive again up to an entry.
func (s *tarStream) Reopen(ctx context.Context, n int) (io.ReadCloser, error) {
	if s.again == nil {
		return nil, errGone
	}
	rc, err := s.again(ctx)
	if err != nil {
		return nil, err
	}
	tr := tar.NewReader(bufio.NewReaderSize(rc, 128<<10))
	var h *tar.Header
	for range n + 1 {
		if err := ctx.Err(); err != nil {
			rc.Close()
			return nil, err
		}
		if h, err = tr.Next(); err != nil {
			rc.Close()
			return nil, err
		}
	}
	return &reopened{tr, rc, tarFields(h)}, nil
}

// reopened is the body of an entry, with what its header says.
type reopened struct {
	io.Reader
	io.Closer
	fields []Field
}

var tarTypes = map[byte]string{
	tar.TypeReg: "file", '\x00': "file", tar.TypeLink: "hard link", tar.TypeSymlink: "symlink", tar.TypeChar: "character device",
	tar.TypeBlock: "block device", tar.TypeDir: "directory", tar.TypeFifo: "fifo", tar.TypeCont: "contiguous file",
	tar.TypeXHeader: "PAX header", tar.TypeXGlobalHeader: "global PAX header", tar.TypeGNUSparse: "sparse file",
}

const xattrPrefix = "SCHILY.xattr."

// tarFields are an entry's properties as people name them.
func tarFields(h *tar.Header) []Field {
	kind := tarTypes[h.Typeflag]
	if kind == "" {
		kind = fmt.Sprintf("type %q", h.Typeflag)
	}
	fs := []Field{
		{"name", h.Name}, {"type", kind}, {"mode", fmt.Sprintf("%04o", h.Mode)},
		{"uid", strconv.Itoa(h.Uid)}, {"gid", strconv.Itoa(h.Gid)}, {"user", h.Uname}, {"group", h.Gname},
		{"mtime", stamp(h.ModTime)}, {"atime", stamp(h.AccessTime)}, {"ctime", stamp(h.ChangeTime)},
		{"link", h.Linkname},
	}
	if h.Devmajor != 0 || h.Devminor != 0 {
		fs = append(fs, Field{"device", fmt.Sprintf("%d:%d", h.Devmajor, h.Devminor)})
	}
	if h.Format != tar.FormatUnknown {
		fs = append(fs, Field{"format", h.Format.String()})
	}
	for _, k := range slices.Sorted(maps.Keys(h.PAXRecords)) {
		switch k {
		case "path", "linkpath", "size", "uid", "gid", "uname", "gname", "mtime", "atime", "ctime":
			continue // said above
		}
		if attr, ok := strings.CutPrefix(k, xattrPrefix); ok {
			fs = append(fs, attribute(attr, h.PAXRecords[k]))
			continue
		}
		fs = append(fs, Field{"PAX record " + k, printable(h.PAXRecords[k])})
	}
	return fs
}

// printable shows a value as text where it is text, in hex otherwise.
func printable(v string) string {
	if utf8.ValidString(v) && !strings.ContainsFunc(v, func(r rune) bool { return r < 0x20 }) {
		return v
	}
	return fmt.Sprintf("0x%x", v)
}

// stamp writes a time with as many digits as it has.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}
