package system

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/stagescope/stagescope/diff"
)

// KindFontCache is what fontconfig keeps of the fonts of one directory, on machines
// of 64 bits.
const KindFontCache diff.Kind = "font cache"

// The header (fontconfig, src/fcint.h, struct _FcCache): after it comes all that is
// known of the fonts. The time of the directory is what it is held against.
const (
	fontMagic   = "\x04\xfc\x02\xfc"
	fontSeconds = 48
	fontNanos   = 56
	fontHead    = 64
)

func init() {
	diff.Register(diff.Format{Kind: KindFontCache, Match: isFontCache, Compare: compareFontCaches})
}

// isFontCache reports a cache that says its own size.
func isFontCache(in *diff.Input) bool {
	h := in.Head()
	return in.HasPrefix(fontMagic) && len(h) >= fontHead && binary.LittleEndian.Uint64(h[8:]) == uint64(in.Size)
}

func compareFontCaches(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input) error {
	directory := func(format func(p []byte) string) func(context.Context, *diff.Examiner, *diff.Node, *diff.Input, *diff.Input) error {
		return func(_ context.Context, _ *diff.Examiner, n *diff.Node, a, b *diff.Input) error {
			n.Reasons = append(n.Reasons, diff.Reason{Field: n.Name, A: format(a.Head()), B: format(b.Head()), Cause: &diff.Cause{ID: "D1c", Name: "time of the directory of the fonts", Confidence: diff.Proved,
				Evidence: "the rest is compared byte by byte", Fix: "set the directory's time before fc-cache, or delete the cache"}})
			r := diff.Range{Len: a.Size}
			setHunks(n, nil, []diff.Hunk{{A: r, B: r}})
			return nil
		}
	}
	parts := func(in *diff.Input) []diff.Part {
		at := func(from, to int64) diff.Range { return diff.Range{Off: from, Len: to - from} }
		return []diff.Part{
			{Name: "header", Kind: diff.KindBinary, Range: at(0, fontSeconds)},
			{Name: "time of the directory", Kind: diff.KindTable, Range: at(fontSeconds, fontSeconds+4), Compare: directory(func(p []byte) string {
				return time.Unix(int64(int32(binary.LittleEndian.Uint32(p))), 0).UTC().Format(time.RFC3339)
			})},
			{Name: "padding", Kind: diff.KindBinary, Range: at(fontSeconds+4, fontNanos)},
			{Name: "nanoseconds of the time", Kind: diff.KindTable, Range: at(fontNanos, fontHead), Compare: directory(func(p []byte) string {
				return fmt.Sprint(int64(binary.LittleEndian.Uint64(p)))
			})},
			{Name: "fonts", Kind: diff.KindBinary, Range: at(fontHead, in.Size)},
		}
	}
	return x.Parts(ctx, n, a, b, parts(a), parts(b))
}
