package compressed

import (
	"bytes"
	"compress/flate"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/stagescope/stagescope/diff"
)

// KindApk is a package of Alpine: two or three gzip members, each of a tar
// archive: a signature, the control files, the data.
const KindApk diff.Kind = "apk"

func init() {
	diff.Register(diff.Format{Kind: KindApk, Special: true, Match: func(in *diff.Input) bool { return in.HasPrefix("\x1f\x8b\x08") && apkMember(in.Head()) != "" }, Compare: compareApk, Inner: innerApk})
}

// apkMember says from its first bytes which of the first members it is.
func apkMember(head []byte) string {
	g := &gzipReader{in: newCounter(bytes.NewReader(head))}
	if _, err := g.readHeader(); err != nil {
		return ""
	}
	block := make([]byte, 512)
	if n, _ := io.ReadFull(flate.NewReader(g.in), block); n < len(block) || string(block[257:262]) != "ustar" {
		return ""
	}
	switch name := string(block[:100]); {
	case strings.HasPrefix(name, ".SIGN."):
		return "signature"
	case strings.HasPrefix(name, ".PKGINFO\x00"):
		return "control"
	}
	return ""
}

// compareApk compares member by member.
func compareApk(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input) error {
	pa, err := apkParts(ctx, x, a)
	if err != nil {
		return fmt.Errorf("side A: %w", err)
	}
	pb, err := apkParts(ctx, x, b)
	if err != nil {
		return fmt.Errorf("side B: %w", err)
	}
	return x.Parts(ctx, n, a, b, pa, pb)
}

func apkParts(ctx context.Context, x *diff.Examiner, in *diff.Input) ([]diff.Part, error) {
	g := &gzipReader{in: newCounter(in.Reader())}
	left := x.Limits().Decoded
	if _, err := io.Copy(io.Discard, &within{ctx: ctx, r: g, left: left}); err != nil {
		return nil, err
	}
	if len(g.members) < 2 {
		return nil, fmt.Errorf("%w: it has one member", diff.ErrFormat)
	}
	var out []diff.Part
	for i, m := range g.members {
		end := g.end
		if i+1 < len(g.members) {
			end = g.members[i+1].header.Off
		}
		r := diff.Range{Off: m.header.Off, Len: end - m.header.Off}
		name := apkMember(in.Section(r, in.Name).Head())
		if name == "" {
			name = "data"
		}
		out = append(out, diff.Part{Name: name, Kind: KindGzip, Range: r, Compare: compareGzip})
	}
	return out, nil
}

// within ends with an error when too much comes, or with the context.
type within struct {
	ctx  context.Context
	r    io.Reader
	left int64
}

func (w *within) Read(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := w.r.Read(p)
	if w.left -= int64(n); w.left < 0 {
		return 0, fmt.Errorf("%w: it decodes to more bytes than are looked at (--max-decoded)", diff.ErrLimit)
	}
	return n, err
}
