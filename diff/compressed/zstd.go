package compressed

import (
	"compress/bzip2"
	"context"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
	"github.com/stagescope/stagescope/diff"
	"github.com/therootcompany/xz"
)

// The kinds of other compressed streams.
const (
	KindZstd  diff.Kind = "zstd"
	KindXz    diff.Kind = "xz"
	KindBzip2 diff.Kind = "bzip2"
)

const (
	zstdMagic = "\x28\xb5\x2f\xfd"
	xzMagic   = "\xfd7zXZ\x00"
)

// maxWindow bounds the memory that a stream may ask for.
const maxWindow = 128 << 20

func init() {
	register(KindZstd, zstdMagic, func(r io.Reader) (io.Reader, error) {
		d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, err
		}
		return d.IOReadCloser(), nil
	})
	register(KindXz, xzMagic, func(r io.Reader) (io.Reader, error) { return xz.NewReader(r, maxWindow) })
	register(KindBzip2, "BZh", func(r io.Reader) (io.Reader, error) { return bzip2.NewReader(r), nil })
	register(KindLz4, lz4Magic, openLz4)
	register(KindLz4, lz4Legacy, openLz4)
	registerOther()
}

func register(kind diff.Kind, magic string, decode func(io.Reader) (io.Reader, error)) {
	decoders = append(decoders, decoder{kind, magic, decode})
	diff.Register(diff.Format{Kind: kind, Match: func(in *diff.Input) bool { return in.HasPrefix(magic) },
		Compare: func(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input) error {
			return compareStream(ctx, x, n, decode, a, b)
		}})
}

// compareStream compares what two streams decode to. Their own bytes follow
// from it when a known encoder makes them.
func compareStream(ctx context.Context, x *diff.Examiner, n *diff.Node, decode func(io.Reader) (io.Reader, error), a, b *diff.Input) error {
	var plain [2]*diff.Input
	var names [2]string
	for i, in := range []*diff.Input{a, b} {
		d, err := keep(ctx, x, decode, in)
		if err != nil {
			return fmt.Errorf("side %c: %w", 'A'+i, err)
		}
		plain[i] = d
		if e, ok := Identify(ctx, in.Reader(), d.Reader()); ok {
			names[i] = e.String()
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	if err := child(ctx, x, n, "", plainName(a.Name), plain[0], plain[1]); err != nil {
		return err
	}
	ha, hb := a.Head(), b.Head()
	switch n.Kind {
	case KindBzip2:
		if len(ha) > 3 && len(hb) > 3 && ha[3] != hb[3] {
			n.Reasons = append(n.Reasons, diff.Reason{Field: "block size", A: blockSize(ha[3]), B: blockSize(hb[3]), Cause: encoderCause(names)})
		}
	case KindXz:
		if len(ha) > 7 && len(hb) > 7 && ha[7] != hb[7] {
			n.Reasons = append(n.Reasons, diff.Reason{Field: "check type", A: fmt.Sprint(ha[7]), B: fmt.Sprint(hb[7])})
		}
	}
	recompressed(n, "", names, whole(a), whole(b))
	return nil
}

func keep(ctx context.Context, x *diff.Examiner, decode func(io.Reader) (io.Reader, error), in *diff.Input) (*diff.Input, error) {
	r, err := decode(in.Reader())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", diff.ErrFormat, err)
	}
	if c, ok := r.(io.Closer); ok {
		defer c.Close()
	}
	return x.Keep(ctx, plainName(in.Name), marked{r})
}

// marked is a decoder whose errors are marked by broken.
type marked struct{ io.Reader }

func (m marked) Read(p []byte) (int, error) {
	n, err := m.Reader.Read(p)
	return n, broken(err)
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
