package compressed

import (
	"compress/bzip2"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

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
	zlibs := decoder{kind: KindZlib, match: isZlib, open: openZlib}
	decoders = append(decoders, zlibs)
	diff.Register(zlibs.format())
	registerOther()
}

func register(kind diff.Kind, magic string, decode func(io.Reader) (io.Reader, error)) {
	d := decoder{kind, func(in *diff.Input) bool { return in.HasPrefix(magic) }, decode}
	decoders = append(decoders, d)
	diff.Register(d.format())
}

func (d decoder) format() diff.Format {
	return diff.Format{Kind: d.kind, Partial: true, Match: d.match, Inner: d.inner,
		Compare: func(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input) error {
			return compareStream(ctx, x, n, d.open, a, b)
		}}
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
	}
	for i, in := range []*diff.Input{a, b} {
		if plain[0].Cut != "" || plain[1].Cut != "" {
			break
		}
		if names[i] = named(ctx, n, i, in, plain[i]); ctx.Err() != nil {
			return ctx.Err()
		}
	}
	if err := child(ctx, x, n, "", plainName(a.Name), plain[0], plain[1]); err != nil || cut(n, plain) {
		return err
	}
	written(n, names, a, b, plain[0].Size == plain[1].Size)
	recompressed(n, "", names, whole(a), whole(b))
	return nil
}

// keep decodes a stream as far as it goes. One that gives nothing is none.
func keep(ctx context.Context, x *diff.Examiner, decode func(io.Reader) (io.Reader, error), in *diff.Input) (*diff.Input, error) {
	c := newCounter(in.Through())
	r, err := decode(c)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", diff.ErrFormat, err)
	}
	if c, ok := r.(io.Closer); ok {
		defer c.Close()
	}
	return upTo(ctx, x, in, &located{r, func() string { return fmt.Sprintf("within the first %d of %d bytes", c.n, in.Size) }})
}

// upTo keeps what a decoder gives, which says itself where it breaks off.
func upTo(ctx context.Context, x *diff.Examiner, in *diff.Input, r io.Reader) (*diff.Input, error) {
	d, err := x.KeepUpTo(ctx, plainName(in.Name), r)
	if err != nil || d.Cut == "" {
		return d, err
	}
	d.Cut = strings.Replace(d.Cut, diff.ErrFormat.Error()+": ", "", 1)
	if d.Size == 0 {
		return nil, fmt.Errorf("%w: %s", diff.ErrFormat, d.Cut)
	}
	return d, nil
}

// cut reports whether a side could not be decoded to its end. Its stream does not
// follow from its content then, and nothing vouches for what was decoded.
func cut(n *diff.Node, plain [2]*diff.Input) bool {
	if plain[0].Cut == "" && plain[1].Cut == "" {
		return false
	}
	n.Capped, n.Broken = true, true
	return true
}

// located is a decoder whose errors say where they are.
type located struct {
	r  io.Reader
	at func() string
}

func (l *located) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	if err != nil && err != io.EOF && !errors.Is(err, diff.ErrLimit) {
		err = fmt.Errorf("the compressed stream breaks off %s: %w", l.at(), err)
	}
	return n, err
}
