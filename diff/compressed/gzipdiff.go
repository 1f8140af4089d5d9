package compressed

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/stagescope/stagescope/diff"
)

// KindGzip is a gzip stream of one or more members.
const KindGzip diff.Kind = "gzip"

func init() {
	diff.Register(diff.Format{Kind: KindGzip, Partial: true, Match: func(in *diff.Input) bool { return in.HasPrefix("\x1f\x8b\x08") }, Compare: compareGzip, Inner: innerGzip})
}

func compareGzip(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input) error {
	ga, da, err := openGzip(ctx, x, a)
	if err != nil {
		return fmt.Errorf("side A: %w", err)
	}
	gb, db, err := openGzip(ctx, x, b)
	if err != nil {
		return fmt.Errorf("side B: %w", err)
	}
	if err := child(ctx, x, n, "", plainName(a.Name), da, db); err != nil || cut(n, [2]*diff.Input{da, db}) {
		return err
	}
	if len(ga.members) != len(gb.members) {
		n.Reasons = append(n.Reasons, diff.Reason{Field: "members", A: strconv.Itoa(len(ga.members)), B: strconv.Itoa(len(gb.members)),
			Cause: &diff.Cause{ID: "D3c", Name: "blocks of parallel compression", Confidence: diff.Likely}})
		unexplained(n, whole(a), whole(b)) // how a stream is split does not follow from its content
	}
	for i := range min(len(ga.members), len(gb.members)) {
		ma, mb := ga.members[i], gb.members[i]
		if ma.plain.Off != mb.plain.Off && len(ga.members) == len(gb.members) {
			n.Reasons = append(n.Reasons, diff.Reason{Field: fmt.Sprintf("where member %d begins", i+1), A: fmt.Sprintf("byte %d of the content", ma.plain.Off), B: fmt.Sprintf("byte %d of the content", mb.plain.Off),
				Cause: &diff.Cause{ID: "D3c", Name: "blocks of parallel compression", Confidence: diff.Likely}})
			unexplained(n, ma.deflate, mb.deflate)
		}
		prefix := ""
		if i > 0 {
			prefix = fmt.Sprintf("member %d: ", i+1)
		}
		n.Reasons = append(n.Reasons, headerReasons(prefix, ma, mb)...)
		if err := deflates(ctx, n, prefix, [2]*diff.Input{a, b}, [2]*diff.Input{da, db}, [2]gzipMember{ma, mb}); err != nil {
			return err
		}
	}
	return rest(ctx, x, n, a, b, ga.end, gb.end)
}

func whole(in *diff.Input) diff.Range { return diff.Range{Len: in.Size} }

func unexplained(n *diff.Node, a, b diff.Range) {
	n.UnexplainedA = append(n.UnexplainedA, a)
	n.UnexplainedB = append(n.UnexplainedB, b)
}

func openGzip(ctx context.Context, x *diff.Examiner, in *diff.Input) (*gzipReader, *diff.Input, error) {
	g := &gzipReader{in: newCounter(in.Through())}
	d, err := upTo(ctx, x, in, &located{g, func() string { return fmt.Sprintf("at byte %d of %d", g.in.n, in.Size) }})
	return g, d, err
}

// plainName is the name without the compression's suffix.
func plainName(name string) string {
	for _, s := range []string{".gz", ".zst", ".xz", ".bz2", ".lz4"} {
		if p, ok := strings.CutSuffix(name, s); ok && p != "" {
			return p
		}
	}
	if p, ok := strings.CutSuffix(name, ".tgz"); ok {
		return p + ".tar"
	}
	return name
}

// child compares what was decoded.
func child(ctx context.Context, x *diff.Examiner, n *diff.Node, kind diff.Kind, name string, a, b *diff.Input) error {
	c, err := x.Pair(ctx, kind, name, a, b)
	if err != nil {
		return err
	}
	if c.Status == diff.Same {
		n.Equal++
		return nil
	}
	n.Children = append(n.Children, c)
	return nil
}

// rest compares what follows the last member.
func rest(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input, endA, endB int64) error {
	const name = "after the compressed stream"
	var ra, rb *diff.Input
	if endA < a.Size {
		ra = a.Section(diff.Range{Off: endA, Len: a.Size - endA}, name)
	}
	if endB < b.Size {
		rb = b.Section(diff.Range{Off: endB, Len: b.Size - endB}, name)
	}
	if ra == nil && rb == nil {
		return nil
	}
	return child(ctx, x, n, diff.KindBinary, name, ra, rb)
}

// headerReasons are the header fields that differ. Together they hold every
// byte of the header, so that a field that differs is the whole difference.
func headerReasons(prefix string, a, b gzipMember) (out []diff.Reason) {
	add := func(field, va, vb string, c *diff.Cause) {
		if va != vb {
			out = append(out, diff.Reason{Field: prefix + field, A: va, B: vb, Cause: c})
		}
	}
	evidence := "the other header fields are compared one by one"
	add("mtime", stamp(a.mtime), stamp(b.mtime), &diff.Cause{ID: "D1c", Name: "time in the gzip header", Confidence: diff.Proved, Evidence: evidence, Fix: "gzip -n, or SOURCE_DATE_EPOCH"})
	encoder := func() *diff.Cause {
		return &diff.Cause{ID: "A5", Name: "compression", Confidence: diff.Proved, Evidence: evidence, Fix: "pin the compressor and its level"}
	}
	add("XFL", strconv.Itoa(int(a.xfl)), strconv.Itoa(int(b.xfl)), encoder())
	add("OS", strconv.Itoa(int(a.os)), strconv.Itoa(int(b.os)), encoder())
	const shown = 1 | 2 // text and header CRC; the others show in their fields
	add("flags", strconv.Itoa(int(a.flags&shown)), strconv.Itoa(int(b.flags&shown)), nil)
	add("extra", text(a.extra), text(b.extra), nil)
	add("name", text(a.name), text(b.name), nil)
	add("comment", text(a.comment), text(b.comment), nil)
	add("header CRC", fmt.Sprintf("%x", a.hcrc), fmt.Sprintf("%x", b.hcrc), nil)
	return out
}

func text(p []byte) string {
	if p == nil {
		return "none"
	}
	return strconv.QuoteToASCII(string(p))
}

func stamp(t uint32) string {
	if t == 0 {
		return "none"
	}
	return time.Unix(int64(t), 0).UTC().Format(time.RFC3339)
}

// deflates says why the compressed bytes of one member differ: they follow from
// content and encoder, or they stay unexplained.
func deflates(ctx context.Context, n *diff.Node, prefix string, in, plain [2]*diff.Input, m [2]gzipMember) error {
	ea, eb := section(in[0], m[0].deflate), section(in[1], m[1].deflate)
	same, err := equal(ctx, ea, eb)
	if err != nil || same {
		return err
	}
	var names [2]string
	for i, e := range []*io.SectionReader{ea, eb} {
		enc, ok := first(ctx, deflateCandidates(m[i]), e, section(plain[i], m[i].plain))
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if enc.Name = "gzip"; ok {
			names[i] = enc.String()
		}
	}
	recompressed(n, prefix, names, m[0].deflate, m[1].deflate)
	return nil
}

// recompressed gives the reason why encoded bytes differ. An empty name means
// that no known encoder makes them; they then belong to the residue.
func recompressed(n *diff.Node, prefix string, names [2]string, a, b diff.Range) {
	known := names[0] != "" && names[1] != ""
	if names[0] == "" {
		names[0] = "none that is known makes these bytes"
		n.UnexplainedA = append(n.UnexplainedA, a)
	}
	if names[1] == "" {
		names[1] = "none that is known makes these bytes"
		n.UnexplainedB = append(n.UnexplainedB, b)
	}
	if known && names[0] == names[1] {
		return // the content is all that differs
	}
	r := diff.Reason{Field: prefix + "encoder", A: names[0], B: names[1]}
	if known {
		r.Cause = encoderCause(names)
	}
	n.Reasons = append(n.Reasons, r)
}

func section(in *diff.Input, r diff.Range) *io.SectionReader {
	return io.NewSectionReader(in, r.Off, r.Len)
}

// equal reads both to their ends or to the first difference.
func equal(ctx context.Context, a, b *io.SectionReader) (bool, error) {
	if a.Size() != b.Size() {
		return false, nil
	}
	pa, pb := make([]byte, 64<<10), make([]byte, 64<<10)
	for off := int64(0); off < a.Size(); off += int64(len(pa)) {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		k := min(int64(len(pa)), a.Size()-off)
		if _, err := a.ReadAt(pa[:k], off); err != nil && err != io.EOF {
			return false, err
		}
		if _, err := b.ReadAt(pb[:k], off); err != nil && err != io.EOF {
			return false, err
		}
		if !bytes.Equal(pa[:k], pb[:k]) {
			return false, nil
		}
	}
	return true, nil
}
