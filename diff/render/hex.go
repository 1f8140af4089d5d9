package render

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/stagescope/stagescope/diff"
)

// rawPage is how many bytes of each side a page of hex has.
const rawPage = 32 << 10

// fewBytes is up to how many bytes a range is written in lines also where pages
// of bytes could be.
const fewBytes = 4 << 10

// hex shows the ranges of both sides.
func (w *lineWriter) hex(a, b oneSide, ra, rb []diff.Range) error {
	for i := 0; i < min(len(ra), len(rb)) && !w.done; i++ {
		if i >= w.o.hunks || w.n > w.o.lines {
			w.left(len(ra)-i, "more range", "more ranges")
			break
		}
		w.note("@@ A bytes %#x+%d, B bytes %#x+%d @@", ra[i].Off, ra[i].Len, rb[i].Off, rb[i].Len)
		if w.o.raw && ra[i].Len+rb[i].Len > fewBytes {
			if err := w.rawPages(a, b, ra[i], rb[i]); err != nil {
				return err
			}
			continue
		}
		if err := w.rows(a, ra[i], lineA, "-"); err != nil {
			return err
		}
		if err := w.rows(b, rb[i], lineB, "+"); err != nil {
			return err
		}
	}
	return nil
}

// rawPages gives the bytes of a long range, page by page.
func (w *lineWriter) rawPages(a, b oneSide, ra, rb diff.Range) error {
	for (ra.Len > 0 || rb.Len > 0) && !w.done {
		p := &rawPair{a: diff.Range{Off: ra.Off, Len: min(ra.Len, rawPage)}, b: diff.Range{Off: rb.Off, Len: min(rb.Len, rawPage)}}
		var err error
		if p.bytesA, err = a.read(p.a); err != nil {
			return err
		}
		if p.bytesB, err = b.read(p.b); err != nil {
			return err
		}
		w.give(contentLine{kind: lineRaw, raw: p})
		ra, rb = diff.Range{Off: ra.Off + p.a.Len, Len: ra.Len - p.a.Len}, diff.Range{Off: rb.Off + p.b.Len, Len: rb.Len - p.b.Len}
	}
	return nil
}

// rows are a range's bytes, sixteen in a row or eight where there is less room, in
// rows that begin where hex dumps begin theirs.
func (w *lineWriter) rows(r io.ReaderAt, at diff.Range, k lineKind, sign string) error {
	end := at.Off + at.Len
	if at.Len == 0 {
		return nil
	}
	per := int64(16)
	if w.o.narrow {
		per = 8
	}
	buf := make([]byte, min(64<<10, (at.Len+2*per-1)/per*per))
	rows := 0
	for from := at.Off / per * per; from < end && !w.done; {
		n, err := r.ReadAt(buf[:min(int64(len(buf)), (end-from+per-1)/per*per)], from)
		if n == 0 || err != nil && err != io.EOF {
			return errors.Join(err, io.ErrUnexpectedEOF)
		}
		for p := buf[:n]; len(p) > 0 && !w.done; p = p[min(int(per), len(p)):] {
			if rows == w.o.rows {
				w.note("%s … %d more bytes (--full shows them)", sign, end-from)
				return nil
			}
			w.put(k, sign+hexRow(from, p[:min(int(per), len(p))], int(per)))
			rows++
			from += min(per, int64(len(p)))
		}
	}
	return nil
}

// hexWidth is how many columns a row of sixteen bytes has, with its sign.
const hexWidth = 1 + 8 + 1 + 16*3 + 1 + 2 + 16

func hexRow(off int64, p []byte, per int) string {
	var hex, ascii strings.Builder
	for i := range per {
		if i == 8 {
			hex.WriteByte(' ')
		}
		if i >= len(p) {
			hex.WriteString("   ")
			continue
		}
		fmt.Fprintf(&hex, " %02x", p[i])
		if p[i] >= 0x20 && p[i] < 0x7f {
			ascii.WriteByte(p[i])
		} else {
			ascii.WriteByte('.')
		}
	}
	return fmt.Sprintf("%08x %s  %s", off, hex.String(), ascii.String())
}
