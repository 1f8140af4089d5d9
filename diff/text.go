package diff

import (
	"context"
	"fmt"
	"unicode/utf8"

	"github.com/sergi/go-diff/diffmatchpatch"
)

func init() {
	Register(Format{Kind: KindText, Match: IsText, Text: true, Weak: true,
		Compare: func(ctx context.Context, x *Examiner, n *Node, a, b *Input) error { return x.Text(ctx, n, a, b) }})
}

// IsText reports whether the first bytes are printable text in UTF-8, or in an
// eight-bit encoding without control characters.
func IsText(in *Input) bool {
	h := in.Head()
	if in.Size == 0 {
		return true
	}
	if len(h) == 0 {
		return false
	}
	odd := 0
	for i := 0; i < len(h); {
		r, n := utf8.DecodeRune(h[i:])
		switch {
		case r == 0:
			return false
		case r == utf8.RuneError && n == 1:
			if len(h)-i >= utf8.UTFMax || int64(len(h)) == in.Size {
				odd++
			}
		case r < 0x20 && r != '\n' && r != '\t' && r != '\r' && r != '\f' && r != 0x1b && r != '\b':
			return false
		}
		i += n
	}
	return odd*10 <= len(h)
}

// Text compares two texts: it finds the lines that differ and what differs
// inside them. It holds where lines lie, not the texts.
func (x *Examiner) Text(ctx context.Context, n *Node, a, b *Input) error {
	if most := max(a.Size, b.Size); most > x.limit.Text {
		return fmt.Errorf("%w: its %d bytes are more than are compared by lines", ErrFormat, most)
	}
	d, err := AlignLines(ctx, a, b)
	if err != nil {
		return err
	}
	hs, err := d.hunks(ctx, a, b, x.limit.Binary)
	if err != nil {
		return err
	}
	n.setHunks(hs)
	return nil
}

// lineRanges are the ranges in which two texts in memory differ; none when they
// have more lines than are put in order.
func lineRanges(a, b *Input) (ra, rb []Range) {
	d, err := AlignLines(context.Background(), a, b)
	if err != nil {
		return nil, nil
	}
	hs, _ := d.hunks(context.Background(), a, b, max(a.Size, b.Size))
	for _, h := range hs {
		ra, rb = append(ra, Range{h.a, h.na}), append(rb, Range{h.b, h.nb})
	}
	return ra, rb
}

// maxTextHunks bounds the ranges of one text; beyond it neighbours are joined,
// together with the equal bytes between them.
const maxTextHunks = 1 << 18

// hunks gives the byte ranges in which two texts differ. A stretch of more than
// most bytes is one range, from its first to its last difference.
func (d *LineDiff) hunks(ctx context.Context, a, b *Input, most int64) (out []hunk, err error) {
	effort := int64(maxEffort)
	for s := range d.Stretches() {
		if s.Equal {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		ra, rb := d.A.Lines(s.A0, s.A1), d.B.Lines(s.B0, s.B1)
		each := s.A1-s.A0 == s.B1-s.B0 // line by line
		if !each && ra.Len+rb.Len > most || ra.Len == 0 || rb.Len == 0 {
			out = append(out, hunk{ra.Off, ra.Len, rb.Off, rb.Len})
			continue
		}
		wa, wb := &window{in: a}, &window{in: b}
		for i := s.A0; i < s.A1; i++ {
			if each {
				ra, rb = d.A.Line(i), d.B.Line(s.B0+i-s.A0)
			}
			if out, err = insideBoth(out, wa, wb, ra, rb, most, &effort); err != nil {
				return nil, err
			}
			if len(out) > 2*maxTextHunks {
				out = joinHunks(out, maxTextHunks)
			}
			if !each {
				break
			}
		}
	}
	return joinHunks(out, maxTextHunks), nil
}

// insideBoth appends the stretches in which two pieces of text differ.
func insideBoth(out []hunk, wa, wb *window, ra, rb Range, most int64, effort *int64) ([]hunk, error) {
	if ra.Len+rb.Len > most {
		return append(out, hunk{ra.Off, ra.Len, rb.Off, rb.Len}), nil
	}
	ta, err := wa.text(ra)
	if err != nil {
		return nil, err
	}
	tb, err := wb.text(rb)
	if err != nil {
		return nil, err
	}
	return append(out, insideHunks(ta, tb, ra.Off, rb.Off, effort)...), nil
}

// readAll reads all bytes of what is known to be small.
func readAll(in *Input) ([]byte, error) {
	p := make([]byte, in.Size)
	if len(p) == 0 {
		return p, nil
	}
	return p, readFull(in, p, 0)
}

// window reads ranges that follow each other, many at once.
type window struct {
	in  *Input
	buf []byte
	off int64
}

// text is the text of a range.
func (w *window) text(r Range) (string, error) {
	if r.Off < w.off || r.Off+r.Len > w.off+int64(len(w.buf)) {
		const block = 64 << 10
		n := min(max(r.Len, block), w.in.Size-r.Off)
		if int64(cap(w.buf)) < n {
			w.buf = make([]byte, n)
		}
		w.buf, w.off = w.buf[:n], r.Off
		if err := readFull(w.in, w.buf, r.Off); err != nil {
			return "", err
		}
	}
	return string(w.buf[r.Off-w.off:][:r.Len]), nil
}

// fineText is up to how many bytes two pieces of text are compared letter by
// letter. Longer ones are aligned by blocks, as other bytes are.
const fineText = 4 << 10

// maxEffort bounds, for one pair of texts, how many pairs of letters may be
// compared. Beyond it a line differs from its first to its last difference.
const maxEffort = 256 << 20

// insideHunks gives the stretches in which two pieces of text differ, never in
// the middle of a character. They depend on nothing but the text.
func insideHunks(a, b string, offA, offB int64, effort *int64) []hunk {
	from, endA, endB := Inside(a, b)
	ma, mb := a[from:endA], b[from:endB]
	offA, offB = offA+int64(from), offB+int64(from)
	one := []hunk{{offA, int64(len(ma)), offB, int64(len(mb))}}
	switch {
	case ma == "" || mb == "":
		return one
	case len(ma)+len(mb) > fineText:
		return aligned(ma, mb, offA, offB, one)
	}
	*effort -= int64(len(ma)) * int64(len(mb))
	if *effort < 0 || !utf8.ValidString(ma) || !utf8.ValidString(mb) {
		return one
	}
	dmp := diffmatchpatch.New()
	dmp.DiffTimeout = 0 // its time would change the result from run to run
	ds := dmp.DiffCleanupSemantic(dmp.DiffMainRunes([]rune(ma), []rune(mb), false))
	var out []hunk
	h := hunk{a: offA, b: offB}
	flush := func() {
		if h.na+h.nb > 0 {
			out = append(out, h)
		}
		h = hunk{a: h.a + h.na, b: h.b + h.nb}
	}
	for _, d := range ds {
		n := int64(len(d.Text))
		switch d.Type {
		case diffmatchpatch.DiffDelete:
			h.na += n
		case diffmatchpatch.DiffInsert:
			h.nb += n
		default:
			flush()
			h.a, h.b = h.a+n, h.b+n
		}
	}
	flush()
	return out
}

// aligned finds the stretches in long pieces of text.
func aligned(a, b string, offA, offB int64, one []hunk) []hunk {
	hs, err := alignMiddle(context.Background(), []byte(a), []byte(b), 0)
	if err != nil {
		return one
	}
	var out []hunk
	for _, h := range hs {
		for h.a > 0 && h.b > 0 && (cut(a, int(h.a)) || cut(b, int(h.b))) {
			h.a, h.b, h.na, h.nb = h.a-1, h.b-1, h.na+1, h.nb+1
		}
		for h.a+h.na < int64(len(a)) && h.b+h.nb < int64(len(b)) && (cut(a, int(h.a+h.na)) || cut(b, int(h.b+h.nb))) {
			h.na, h.nb = h.na+1, h.nb+1
		}
		if k := len(out) - 1; k >= 0 && (h.a < out[k].a+out[k].na || h.b < out[k].b+out[k].nb) {
			return one // text that is not UTF-8
		}
		out = append(out, h)
	}
	for i := range out {
		out[i].a, out[i].b = out[i].a+offA, out[i].b+offB
	}
	return out
}

// Inside gives the stretch in which two lines differ: [from, endA) of a and
// [from, endB) of b, in bytes, never in the middle of a character.
func Inside(a, b string) (from, endA, endB int) {
	for from < len(a) && from < len(b) && a[from] == b[from] {
		from++
	}
	for from > 0 && (cut(a, from) || cut(b, from)) {
		from--
	}
	back, most := 0, min(len(a), len(b))-from
	for back < most && a[len(a)-1-back] == b[len(b)-1-back] {
		back++
	}
	for back > 0 && (cut(a, len(a)-back) || cut(b, len(b)-back)) {
		back--
	}
	return from, len(a) - back, len(b) - back
}

// cut reports whether i is in the middle of a character.
func cut(s string, i int) bool { return i < len(s) && !utf8.RuneStart(s[i]) }
