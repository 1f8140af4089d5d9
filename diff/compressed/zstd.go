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
		names[i] = named(ctx, n, i, in, d)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	if err := child(ctx, x, n, "", plainName(a.Name), plain[0], plain[1]); err != nil {
		return err
	}
	written(n, names, a, b, plain[0].Size == plain[1].Size)
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
