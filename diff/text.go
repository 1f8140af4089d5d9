package diff

import (
	"context"
	"fmt"
	"unicode/utf8"
)

func init() {
	Register(Format{Kind: KindText, Match: isText, Compare: compareText, Weak: true})
}

// isText reports whether the first bytes are printable text in UTF-8, or in an
// eight-bit encoding without control characters.
func isText(in *Input) bool {
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

// compareText finds the lines that differ and, where as many lines were put in
// as were taken out, what differs inside each.
func compareText(ctx context.Context, x *Examiner, n *Node, a, b *Input) error {
	if most := max(a.Size, b.Size); most > x.limit.Text {
		return fmt.Errorf("%w: its %d bytes are more than are compared by lines", ErrFormat, most)
	}
	ta, err := readAll(a)
	if err != nil {
		return err
	}
	tb, err := readAll(b)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	n.setHunks(lineHunks(Lines(string(ta), string(tb))))
	return nil
}

func readAll(in *Input) ([]byte, error) {
	p := make([]byte, in.Size)
	if len(p) == 0 {
		return p, nil
	}
	return p, readFull(in, p, 0)
}

// lineHunks gives the byte ranges in which two texts differ.
func lineHunks(ls []Line) []hunk {
	var out []hunk
	var offA, offB int64
	var oldLines, newLines []string
	for i := 0; i < len(ls); {
		if !ls[i].Changed() {
			offA += int64(len(ls[i].Text))
			offB += int64(len(ls[i].Text))
			i++
			continue
		}
		oldLines, newLines = oldLines[:0], newLines[:0]
		for ; i < len(ls) && ls[i].Changed(); i++ {
			if ls[i].Op == InA {
				oldLines = append(oldLines, ls[i].Text)
			} else {
				newLines = append(newLines, ls[i].Text)
			}
		}
		if len(oldLines) != len(newLines) {
			na, nb := total(oldLines), total(newLines)
			out = append(out, hunk{offA, na, offB, nb})
			offA, offB = offA+na, offB+nb
			continue
		}
		for k := range oldLines {
			from, endA, endB := Inside(oldLines[k], newLines[k])
			out = append(out, hunk{offA + int64(from), int64(endA - from), offB + int64(from), int64(endB - from)})
			offA, offB = offA+int64(len(oldLines[k])), offB+int64(len(newLines[k]))
		}
	}
	return out
}

func total(ls []string) (n int64) {
	for _, l := range ls {
		n += int64(len(l))
	}
	return n
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
