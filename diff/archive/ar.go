package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/stagescope/stagescope/diff"
)

// KindAr is an ar archive, such as a static library.
const KindAr diff.Kind = "ar"

const (
	arMagic  = "!<arch>\n"
	arHeader = 60
	// maxNames bounds the table of long names and a single BSD name.
	maxNames = 16 << 20
	maxName  = 1 << 20
	// maxArSize is more than ten digits hold.
	maxArSize = 1 << 40
)

func init() {
	diff.Register(diff.Format{Kind: KindAr, Files: true, Match: func(in *diff.Input) bool { return in.HasPrefix(arMagic) }, Compare: compareAr, Partial: true, Unpack: unpackAr})
}

// KindDeb is a Debian package: an ar archive of two tar archives.
const KindDeb diff.Kind = "deb"

const debMagic = arMagic + "debian-binary"

func init() {
	diff.Register(diff.Format{Kind: KindDeb, Files: true, Special: true, Match: func(in *diff.Input) bool { return in.HasPrefix(debMagic) }, Compare: compareAr, Partial: true, Inner: innerDeb})
}

// debName takes the compression off the name of a package's member, so that it
// is paired with one that is compressed otherwise.
func debName(name string) string {
	for _, p := range []string{"control.tar", "data.tar"} {
		if strings.HasPrefix(name, p+".") {
			return p
		}
	}
	return name
}

func compareAr(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input) error {
	for _, in := range []*diff.Input{a, b} {
		members, err := checkAr(ctx, in, x.Limits().Members)
		if err != nil && (members == 0 || !errors.Is(err, diff.ErrFormat)) {
			return err
		}
		n.Broken = n.Broken || err != nil
	}
	open := func(in *diff.Input) *arStream {
		return &arStream{in: in, off: int64(len(arMagic)), deb: in.HasPrefix(debMagic)}
	}
	if err := x.Streams(ctx, n, open(a), open(b)); err != nil || n.Broken {
		return err
	}
	for i := range n.Reasons {
		if r := &n.Reasons[i]; strings.HasPrefix(r.Field, "order of the members") && a.HasPrefix(debMagic) && b.HasPrefix(debMagic) {
			r.Cause = &diff.Cause{ID: "B2", Name: "order of the entries", Confidence: diff.Likely, Evidence: "dpkg wants the members in their order; others find them by name"}
		}
	}
	return placesOnly(ctx, n, a, b)
}

// checkAr walks over all headers, and says how many there are before the first that
// is broken: what begins with one is no archive, and is compared as bytes.
func checkAr(ctx context.Context, in *diff.Input, most int) (members int, err error) {
	s := &arStream{in: in, off: int64(len(arMagic))}
	for ; ; members++ {
		if err := ctx.Err(); err != nil {
			return members, err
		}
		if members > most {
			return members, fmt.Errorf("%w: more than %d members (--max-members)", diff.ErrLimit, most)
		}
		switch _, err := s.Next(ctx); err {
		case nil:
		case io.EOF:
			return members, nil
		default:
			return members, err
		}
	}
}

// arStream gives the members of an ar archive, the symbol and name tables among
// them. The byte of padding before a header belongs to the header's Raw.
type arStream struct {
	in     *diff.Input
	off    int64
	header int64  // place of the header that was read last
	names  []byte // GNU table of long names
	short  bool   // the archive ends within the last content
	deb    bool
	order  []diff.Range
}

func (s *arStream) Close() error { return nil }

// Reopen gives the body of a member that was given before.
func (s *arStream) Reopen(_ context.Context, i int) (io.ReadCloser, error) {
	if i < 0 || i >= len(s.order) {
		return nil, fmt.Errorf("there is no member %d", i)
	}
	r := s.order[i]
	return io.NopCloser(io.NewSectionReader(s.in, r.Off, r.Len)), nil
}

func (s *arStream) Next(context.Context) (*diff.Member, error) {
	m, err := s.next()
	return m, ended(s.in, err)
}

func (s *arStream) next() (*diff.Member, error) {
	if s.short {
		return nil, bad("it ends at byte %d, within a content that goes on to byte %d", s.in.Size, s.off)
	}
	raw := make([]byte, 0, arHeader+1)
	if s.off >= s.in.Size {
		if s.off == s.in.Size && s.off%2 == 1 {
			s.off++
			return s.padding(nil), nil
		}
		return nil, io.EOF
	}
	if s.off%2 == 1 {
		raw = raw[:1]
		if err := s.at(raw, s.off); err != nil {
			return nil, err
		}
		s.off++
		if usual := raw[0] == '\n'; s.off == s.in.Size && usual {
			return nil, io.EOF
		} else if s.off == s.in.Size {
			return s.padding(raw), nil
		} else if usual {
			raw = raw[:0] // it follows from the size before it
		}
	}
	pad := len(raw)
	s.header = s.off
	raw = raw[:pad+arHeader]
	h := raw[pad:]
	if err := s.at(h, s.off); err != nil {
		return nil, err
	}
	size, err := strconv.ParseInt(strings.TrimSpace(string(h[48:58])), 10, 64)
	if err != nil || size < 0 || string(h[58:]) != "`\n" || size > maxArSize {
		return nil, fmt.Errorf("%w: the header at byte %d", diff.ErrFormat, s.off)
	}
	body := diff.Range{Off: s.off + arHeader, Len: size}
	s.off = body.Off + size
	s.short = s.off > s.in.Size
	name, long, err := s.name(h, &body)
	if err != nil {
		return nil, err
	}
	raw = append(raw, long...)
	s.order = append(s.order, body)
	fields := arFields(name, raw[:pad], h)
	if s.deb {
		name = debName(name)
	}
	return &diff.Member{Name: name, Raw: raw, Size: body.Len, Within: &body,
		Body:   bodyOf(s.in, body),
		Fields: func() []diff.Field { return fields }, Explain: explainAr}, nil
}

// padding is a last byte that is missing, or that is none of those which follow
// from the size of the last member.
func (s *arStream) padding(raw []byte) *diff.Member {
	s.order = append(s.order, diff.Range{})
	return &diff.Member{Name: "end of the archive", Raw: raw, Size: -1, Meta: true,
		Fields: func() []diff.Field { return []diff.Field{{Key: "padding", Value: fmt.Sprintf("%q", raw)}} }}
}

func (s *arStream) at(p []byte, off int64) error {
	if n, err := s.in.ReadAt(p, off); n < len(p) {
		return fmt.Errorf("%w: it ends within a header at byte %d: %w", diff.ErrFormat, off, err)
	}
	return nil
}

// name gives a member's full name, and the bytes of the body that are the name
// in the BSD variant, which it takes from the body.
func (s *arStream) name(h []byte, body *diff.Range) (string, []byte, error) {
	short := strings.TrimRight(string(h[:16]), " ")
	switch {
	case short == "//":
		if body.Len > maxNames {
			return "", nil, fmt.Errorf("%w: a table of names of %d bytes", diff.ErrLimit, body.Len)
		}
		s.names = make([]byte, body.Len)
		return short, nil, s.at(s.names, body.Off)
	case strings.HasPrefix(short, "#1/"):
		n, err := strconv.ParseInt(short[3:], 10, 64)
		if err != nil || n < 0 || n > body.Len || n > maxName {
			return "", nil, fmt.Errorf("%w: the name %q", diff.ErrFormat, short)
		}
		long := make([]byte, n)
		if err := s.at(long, body.Off); err != nil {
			return "", nil, err
		}
		body.Off, body.Len = body.Off+n, body.Len-n
		return strings.TrimRight(string(long), "\x00"), long, nil
	case len(short) > 1 && short[0] == '/' && short[1] >= '0' && short[1] <= '9':
		n, err := strconv.ParseInt(short[1:], 10, 64)
		if err != nil || n >= int64(len(s.names)) {
			return "", nil, fmt.Errorf("%w: the name %q is not in the table", diff.ErrFormat, short)
		}
		rest := s.names[n:]
		if i := bytes.IndexByte(rest, '\n'); i >= 0 {
			rest = rest[:i]
		}
		if len(rest) > maxName {
			return "", nil, fmt.Errorf("%w: a name of %d bytes", diff.ErrLimit, len(rest))
		}
		return strings.TrimSuffix(string(rest), "/"), nil, nil
	case len(short) > 1 && short != "/SYM64/":
		short = strings.TrimSuffix(short, "/")
	}
	return short, nil, nil
}

// arColumns are the columns of a header. Together they hold all of its bytes.
var arColumns = []struct {
	key      string
	from, to int
}{{"name as stored", 0, 16}, {"mtime", 16, 28}, {"uid", 28, 34}, {"gid", 34, 40}, {"mode", 40, 48}, {"size", 48, 58}}

func arFields(name string, pad, h []byte) []diff.Field {
	out := []diff.Field{{Key: "name", Value: name}, {Key: "padding before", Value: fmt.Sprintf("%q", pad)}}
	for _, c := range arColumns {
		out = append(out, diff.Field{Key: c.key, Value: strings.TrimRight(string(h[c.from:c.to]), " ")})
	}
	return out
}

// explainAr gives reasons their causes; they are proved when the headers are
// equal once exactly the columns with a reason are taken out.
func explainAr(rawA, rawB []byte, rs []diff.Reason) []diff.Reason {
	left := map[string]bool{}
	for _, r := range rs {
		left[r.Field] = true
	}
	confidence := diff.Likely
	if bytes.Equal(withoutColumns(rawA, left), withoutColumns(rawB, left)) {
		confidence = diff.Proved
	}
	for i := range rs {
		c := &diff.Cause{Confidence: confidence, Evidence: "the headers are equal without it", Fix: "ar with D (deterministic)"}
		base := 10
		if rs[i].Field == "mode" {
			base = 8
		}
		// What is no number says no time and no owner, whatever tools read out of it.
		if !plainNumber(rs[i].A, base) || !plainNumber(rs[i].B, base) {
			continue
		}
		switch rs[i].Field {
		case "mtime":
			c.ID, c.Name = "D1c", "time in the ar header"
			if (rs[i].A == "0") != (rs[i].B == "0") {
				c.Evidence += "; ar writes 0 with D, and one side was written without"
			}
		case "uid", "gid":
			c.ID, c.Name = "B3", "owner"
		case "mode":
			c.ID, c.Name = "B4", "mode or umask"
		case "size":
			if rs[i].A == "" || rs[i].B == "" {
				continue
			}
			c.ID, c.Name, c.Confidence, c.Evidence, c.Fix = "D5h", "size of the content", diff.Derived, "it is the size of content that differs", ""
		default:
			continue
		}
		rs[i].Cause = c
	}
	if confidence != diff.Proved && len(rs) > 0 {
		rs = append(rs, restOfHeader(rawA, rawB))
	}
	return rs
}

// plainNumber reports whether a number is written as programs write it: the same one
// may be written in several ways. The table of long names has none.
func plainNumber(s string, base int) bool {
	n, err := strconv.ParseInt(s, base, 64)
	return s == "" || err == nil && strconv.FormatInt(n, base) == s
}

// withoutColumns blanks columns in what arStream gives as Raw.
func withoutColumns(raw []byte, left map[string]bool) []byte {
	out := bytes.Clone(raw)
	at := bytes.Index(out, []byte("`\n")) - 58
	if at != 0 && at != 1 {
		return out
	}
	for _, c := range arColumns {
		if left[c.key] {
			clear(out[at+c.from : at+c.to])
		}
	}
	return out[at:]
}
