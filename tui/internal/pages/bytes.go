package pages

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// HexWidth is how many bytes a hex row shows.
const HexWidth = 16

// Hex gives the rows of a hex view of r. Rows are formatted when they are
// asked for, so that a file of any size opens at once.
type Hex struct {
	R    io.ReaderAt
	Size int64
}

// Len is the number of rows.
func (h Hex) Len() int { return int((h.Size + HexWidth - 1) / HexWidth) }

// Lines gives rows [from, from+n) as HexRow formats them.
func (h Hex) Lines(_ context.Context, from, n int) ([]string, error) {
	off := int64(from) * HexWidth
	buf := make([]byte, max(0, min(int64(n)*HexWidth, h.Size-off)))
	if k, err := h.R.ReadAt(buf, off); k < len(buf) {
		return nil, fmt.Errorf("reading at offset %d: %w", off+int64(k), err)
	}
	var rows []string
	for len(buf) > 0 {
		k := min(HexWidth, len(buf))
		rows = append(rows, HexRow(off, buf[:k]))
		buf, off = buf[k:], off+int64(k)
	}
	return rows, nil
}

// HexRow formats up to HexWidth bytes: offset, hex in two groups, and what is
// printable ASCII. HexCell and TextCell say where a byte is in it.
func HexRow(off int64, b []byte) string {
	var s strings.Builder
	fmt.Fprintf(&s, "%08x  ", off)
	for i := range HexWidth {
		if i == HexWidth/2 {
			s.WriteByte(' ')
		}
		if i < len(b) {
			fmt.Fprintf(&s, "%02x ", b[i])
		} else {
			s.WriteString("   ")
		}
	}
	s.WriteByte(' ')
	for _, c := range b {
		if c < 0x20 || c > 0x7e {
			c = '.'
		}
		s.WriteByte(c)
	}
	return s.String()
}

// HexCell is the column of byte i's first hex digit in a row.
func HexCell(i int) int {
	if i >= HexWidth/2 {
		return 11 + 3*i
	}
	return 10 + 3*i
}

// TextCell is the column of byte i as a character.
func TextCell(i int) int { return 12 + 3*HexWidth + i }

// Text gives the lines of a text file by an index of where they begin.
type Text struct {
	r      io.ReaderAt
	size   int64
	starts []int64
}

// Bounds of a text file that is shown by line.
const (
	maxIndexed = 256 << 20
	longLine   = 4096 // what is longer is broken
)

// ErrTooLarge says that a file is too large to be shown by line.
var ErrTooLarge = errors.New("too large to be shown as text; as hex it can be")

// IndexText finds the lines of r. It reads all of it.
func IndexText(ctx context.Context, r io.ReaderAt, size int64) (*Text, error) {
	if size > maxIndexed {
		return nil, ErrTooLarge
	}
	t := &Text{r: r, size: size}
	buf := make([]byte, 256<<10)
	if size > 0 {
		t.starts = append(t.starts, 0)
	}
	for off := int64(0); off < size; {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		n := min(int64(len(buf)), size-off)
		if k, err := r.ReadAt(buf[:n], off); int64(k) < n {
			return nil, fmt.Errorf("reading at offset %d: %w", off+int64(k), err)
		}
		t.index(buf[:n], off)
		off += n
	}
	return t, nil
}

func (t *Text) index(b []byte, off int64) {
	for len(b) > 0 {
		last := t.starts[len(t.starts)-1]
		room := longLine - (off - last)
		i := bytes.IndexByte(b[:min(int64(len(b)), room)], '\n')
		step := int64(i + 1)
		if i < 0 {
			if step = min(int64(len(b)), room); step < room {
				return
			}
		}
		if off += step; off < t.size {
			t.starts = append(t.starts, off)
		}
		b = b[step:]
	}
}

// Len is the number of lines.
func (t *Text) Len() int { return len(t.starts) }

// Lines gives lines [from, from+n), fewer at the end.
func (t *Text) Lines(_ context.Context, from, n int) ([]string, error) {
	to := min(from+n, len(t.starts))
	var rows []string
	for i := from; i < to; i++ {
		end := t.size
		if i+1 < len(t.starts) {
			end = t.starts[i+1]
		}
		buf := make([]byte, end-t.starts[i])
		if k, err := t.r.ReadAt(buf, t.starts[i]); k < len(buf) {
			return nil, fmt.Errorf("reading line %d: %w", i+1, err)
		}
		rows = append(rows, strings.TrimRight(string(buf), "\r\n"))
	}
	return rows, nil
}

// IsText reports whether the beginning of a file reads as UTF-8 text.
func IsText(head []byte) bool {
	if len(head) == 0 {
		return true
	}
	for i := 0; i < len(head); {
		r, n := utf8.DecodeRune(head[i:])
		if r == utf8.RuneError && n == 1 && i+utf8.UTFMax <= len(head) || r == 0 {
			return false
		}
		i += n
	}
	return true
}
