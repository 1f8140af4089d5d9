package compressed

import (
	"context"
	"fmt"
	"strings"

	"github.com/stagescope/stagescope/diff"
)

// named names the encoder that makes a side's bytes. When there is none the node
// says so: the content is compared all the same.
func named(ctx context.Context, n *diff.Node, side int, in, plain *diff.Input) string {
	e, ok, why := identify(ctx, in.Reader(), plain.Reader())
	if ok {
		return e.String()
	}
	if ctx.Err() != nil {
		return ""
	}
	s := fmt.Sprintf("side %c: the content was decoded and compared; how its %d bytes code it is not proved to follow from it", 'A'+side, in.Size)
	if why != "" {
		s += ": " + why
	}
	if l := layout(n.Kind, in); l != "" {
		s += " (" + l + ")"
	}
	if n.Note != "" {
		n.Note += "; "
	}
	n.Note += s
	return ""
}

// written gives reasons for what the headers of two streams of one format say of
// how they were written. How many blocks there are follows from the content's
// size, and says something only where that is the same, which alike says.
func written(n *diff.Node, names [2]string, a, b *diff.Input, alike bool) {
	add := func(field, va, vb string, c *diff.Cause) {
		if va != vb {
			n.Reasons = append(n.Reasons, diff.Reason{Field: field, A: va, B: vb, Cause: c})
		}
	}
	ha, hb := a.Head(), b.Head()
	switch n.Kind {
	case KindBzip2:
		if len(ha) > 3 && len(hb) > 3 {
			add("block size", blockSize(ha[3]), blockSize(hb[3]), encoderCause(names))
		}
	case KindXz:
		if len(ha) > 7 && len(hb) > 7 {
			add("check type", fmt.Sprint(ha[7]), fmt.Sprint(hb[7]), encoderCause(names))
		}
		if alike {
			add("blocks", layout(n.Kind, a), layout(n.Kind, b), parallel(names))
		}
	default:
		// What a known encoder is named by says it all, but not of lz4's frames.
		switch {
		case n.Kind == KindLz4 && alike || encoderCause(names) == nil:
			add("how it is cut", layout(n.Kind, a), layout(n.Kind, b), encoderCause(names))
		case n.Kind == KindLz4:
			_, sa := lz4Descriptor(a)
			_, sb := lz4Descriptor(b)
			add("frame", strings.Join(sa, ", "), strings.Join(sb, ", "), encoderCause(names))
		}
	}
}

// parallel is the cause of other blocks: as many as threads need, or one.
func parallel(names [2]string) *diff.Cause {
	c := &diff.Cause{ID: "D3c", Name: "blocks of parallel compression", Confidence: diff.Likely, Evidence: "the index of each stream lists its blocks", Fix: "compress with one thread (-T1), or always with blocks of one size (--block-size)"}
	if encoderCause(names) != nil {
		c.Confidence = diff.Proved
		c.Evidence += "; encoding the content again in these blocks gives exactly these bytes on both sides"
	}
	return c
}

// blockSize says what the level in bzip2's header means.
func blockSize(level byte) string { return fmt.Sprintf("%q: %c00000 bytes", level, level) }

// encoderCause is why what an encoder writes into its header differs; nil when
// one of the encoders is not known.
func encoderCause(names [2]string) *diff.Cause {
	if names[0] == "" || names[1] == "" {
		return nil
	}
	return &diff.Cause{ID: "A5", Name: "recompressed", Confidence: diff.Proved, Evidence: "encoding the content again gives exactly these bytes on both sides", Fix: "pin the compressor and its level"}
}
