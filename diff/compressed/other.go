package compressed

import (
	"context"
	"fmt"
	"io"

	"github.com/pierrec/lz4/v4"
	"github.com/stagescope/stagescope/diff"
)

// KindLz4 is a frame of lz4, also in the older form that Linux uses.
const KindLz4 diff.Kind = "lz4"

// KindOther is a pair of streams that are compressed in different ways.
const KindOther diff.Kind = "compressed otherwise"

const (
	lz4Magic  = "\x04\x22\x4d\x18"
	lz4Legacy = "\x02\x21\x4c\x18"
)

func openLz4(r io.Reader) (io.Reader, error) { return lz4.NewReader(r), nil }

// registerOther comes after all that is asked before it: it would match them.
func registerOther() {
	diff.Register(diff.Format{Kind: KindOther, Partial: true, Match: func(in *diff.Input) bool { return decoderOf(in) != nil }, Compare: compareOther})
}

// decoder opens one kind of stream.
type decoder struct {
	kind  diff.Kind
	match func(*diff.Input) bool
	open  func(r io.Reader) (io.Reader, error)
}

// decoders are all but gzip, filled by register.
var decoders []decoder

func decoderOf(in *diff.Input) *decoder {
	if in.HasPrefix("\x1f\x8b\x08") {
		return &decoder{kind: KindGzip}
	}
	for i := range decoders {
		if decoders[i].match(in) {
			return &decoders[i]
		}
	}
	return nil
}

// compareOther compares what two streams of different kinds decode to.
func compareOther(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input) error {
	var plain [2]*diff.Input
	var names [2]string
	var headers []diff.Reason
	kinds := [2]diff.Kind{}
	for i, in := range []*diff.Input{a, b} {
		d := decoderOf(in)
		var err error
		if kinds[i] = d.kind; d.kind == KindGzip {
			var g *gzipReader
			if g, plain[i], err = openGzip(ctx, x, in); err == nil && plain[i].Cut == "" && g.end != in.Size {
				err = fmt.Errorf("%w: %d bytes follow the stream", diff.ErrFormat, in.Size-g.end)
			}
			headers = append(headers, saidBy(g, i)...)
		} else {
			plain[i], err = keep(ctx, x, d.open, in)
		}
		if err != nil {
			return fmt.Errorf("side %c: %w", 'A'+i, err)
		}
	}
	for i, in := range []*diff.Input{a, b} {
		if plain[0].Cut == "" && plain[1].Cut == "" {
			names[i] = named(ctx, n, i, in, plain[i])
		}
	}
	if err := child(ctx, x, n, "", plainName(a.Name), plain[0], plain[1]); err != nil || cut(n, plain) {
		return err
	}
	n.Reasons = append(n.Reasons, diff.Reason{Field: "compression", A: string(kinds[0]), B: string(kinds[1]),
		Cause: &diff.Cause{ID: "A5", Name: "compression", Confidence: diff.Proved, Evidence: "both were decoded and the contents compared", Fix: "pin the compressor and its level"}})
	n.Reasons = append(n.Reasons, headers...)
	recompressed(n, "", names, whole(a), whole(b))
	return nil
}

// saidBy gives reasons for what the headers of a gzip stream hold beside how it was
// compressed, which the other side's stream has no place for.
func saidBy(g *gzipReader, side int) (out []diff.Reason) {
	for i, m := range g.members {
		prefix := ""
		if i > 0 {
			prefix = fmt.Sprintf("member %d: ", i+1)
		}
		ms := [2]gzipMember{{xfl: m.xfl, os: m.os}, {xfl: m.xfl, os: m.os}}
		ms[side] = m
		out = append(out, headerReasons(prefix, ms[0], ms[1])...)
	}
	return out
}
