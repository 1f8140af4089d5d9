package both

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sort"

	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/tui/internal/pages"
)

// Hex is the hex rows of a pair: row 2k is 16 bytes of side A, row 2k+1 the
// same offsets of side B, empty where both are equal.
type Hex struct {
	a, b   diff.ReaderAtCloser
	na, nb int64
	ra, rb []diff.Range

	scanned bool // the ranges were found here, up to maxScan
}

// maxScan bounds how many bytes are compared to find differing ranges of a
// node that does not know them.
const maxScan = 64 << 20

// OpenHex opens both sides of a node. Where the node does not say which bytes
// differ, they are compared at equal offsets.
func OpenHex(ctx context.Context, n *diff.Node) (*Hex, error) {
	h := &Hex{ra: n.RangesA, rb: n.RangesB}
	var err error
	if h.a, h.na, err = n.Content.OpenA(); err != nil {
		return nil, fmt.Errorf("opening side A: %w", err)
	}
	if h.b, h.nb, err = n.Content.OpenB(); err != nil {
		h.Close()
		return nil, fmt.Errorf("opening side B: %w", err)
	}
	if h.a == nil {
		h.na = 0
	}
	if h.b == nil {
		h.nb = 0
	}
	if len(h.ra)+len(h.rb) == 0 {
		h.scanned = true
		if err := h.scan(ctx); err != nil {
			h.Close()
			return nil, err
		}
	}
	return h, nil
}

func (h *Hex) scan(ctx context.Context) error {
	const block = 1 << 20
	ba, bb := make([]byte, block), make([]byte, block)
	for off := int64(0); off < max(h.na, h.nb) && off < maxScan; off += block {
		if err := ctx.Err(); err != nil {
			return err
		}
		a, err := readAt(h.a, ba, off, h.na)
		if err != nil {
			return fmt.Errorf("reading side A: %w", err)
		}
		b, err := readAt(h.b, bb, off, h.nb)
		if err != nil {
			return fmt.Errorf("reading side B: %w", err)
		}
		if bytes.Equal(a, b) {
			continue
		}
		for i := range max(len(a), len(b)) {
			if i < len(a) && i < len(b) && a[i] == b[i] {
				continue
			}
			if i < len(a) {
				h.ra = grow(h.ra, off+int64(i))
			}
			if i < len(b) {
				h.rb = grow(h.rb, off+int64(i))
			}
		}
	}
	return nil
}

func grow(rs []diff.Range, at int64) []diff.Range {
	if n := len(rs); n > 0 && rs[n-1].Off+rs[n-1].Len == at {
		rs[n-1].Len++
		return rs
	}
	return append(rs, diff.Range{Off: at, Len: 1})
}

// readAt reads what there is of buf's length at off; r may be nil.
func readAt(r io.ReaderAt, buf []byte, off, size int64) ([]byte, error) {
	n := min(int64(len(buf)), size-off)
	if n <= 0 {
		return nil, nil
	}
	k, err := r.ReadAt(buf[:n], off)
	if int64(k) < n {
		return nil, err
	}
	return buf[:n], nil
}

// Unscanned is how many bytes at the end nobody compared, so that what differs
// there is not marked.
func (h *Hex) Unscanned() int64 {
	if !h.scanned {
		return 0
	}
	return max(0, max(h.na, h.nb)-maxScan)
}

// Len is the number of rows of both sides.
func (h *Hex) Len() int { return 2 * int((max(h.na, h.nb)+pages.HexWidth-1)/pages.HexWidth) }

// Lines gives rows [from, from+n).
func (h *Hex) Lines(_ context.Context, from, n int) ([]string, error) {
	var rows []string
	bufA, bufB := make([]byte, pages.HexWidth), make([]byte, pages.HexWidth)
	for i := from; i < min(h.Len(), from+n); i++ {
		off := int64(i/2) * pages.HexWidth
		a, errA := readAt(h.a, bufA, off, h.na)
		b, errB := readAt(h.b, bufB, off, h.nb)
		if err := errors.Join(errA, errB); err != nil {
			return nil, fmt.Errorf("reading at offset %d: %w", off, err)
		}
		row := ""
		switch {
		case i%2 == 0 && len(a) > 0:
			row = pages.HexRow(off, a)
		case i%2 == 1 && len(b) > 0 && !bytes.Equal(a, b):
			row = pages.HexRow(off, b)
		case i%2 == 1 && len(b) == 0:
			row = "B has ended"
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// Differs reports whether the byte at off of side A, or B, is in a range that
// differs.
func (h *Hex) Differs(sideB bool, off int64) bool {
	rs := h.ra
	if sideB {
		rs = h.rb
	}
	i := sort.Search(len(rs), func(i int) bool { return rs[i].Off+rs[i].Len > off })
	return i < len(rs) && rs[i].Off <= off
}

// Next is the next row pair after pair, in direction dir, at which a differing
// range begins.
func (h *Hex) Next(pair, dir int) (int, bool) {
	best, ok := 0, false
	for _, rs := range [][]diff.Range{h.ra, h.rb} {
		for _, r := range rs {
			at := int(r.Off / pages.HexWidth)
			if dir > 0 && at > pair && (!ok || at < best) || dir < 0 && at < pair && (!ok || at > best) {
				best, ok = at, true
			}
		}
	}
	return best, ok
}

// Close lets both sides go.
func (h *Hex) Close() error {
	var errs []error
	for _, r := range []diff.ReaderAtCloser{h.a, h.b} {
		if r != nil {
			errs = append(errs, r.Close())
		}
	}
	return errors.Join(errs...)
}
