package diff

import "bytes"

// maxSplit bounds, in bytes, a range that is cut into strings.
const maxSplit = 1 << 20

// byStrings cuts ranges that reach over several strings, each of which a zero ends,
// into one for each string that differs: the first of one side is paired with the
// first of the other, and each may differ for a reason of its own.
func byStrings(a, b *Input, hs []hunk) ([]hunk, error) {
	var out []hunk
	for i, h := range hs {
		cut, err := stringsOf(a, b, h)
		if err != nil {
			return nil, err
		}
		if cut != nil && out == nil {
			out = append(make([]hunk, 0, len(hs)+len(cut)), hs[:i]...)
		}
		switch {
		case cut != nil:
			out = append(out, cut...)
		case out != nil:
			out = append(out, h)
		}
	}
	if out == nil {
		return hs, nil
	}
	return out, nil
}

// stringsOf gives the strings that differ in two ranges that hold as many of them,
// and nothing else; nil when they do not.
func stringsOf(a, b *Input, h hunk) (out []hunk, err error) {
	if min(h.na, h.nb) < 2 || max(h.na, h.nb) > maxSplit {
		return nil, nil
	}
	pa, pb := make([]byte, h.na), make([]byte, h.nb)
	if err := readFull(a, pa, h.a); err != nil {
		return nil, err
	}
	if err := readFull(b, pb, h.b); err != nil {
		return nil, err
	}
	la, lb := bytes.Split(pa, []byte{0}), bytes.Split(pb, []byte{0})
	if len(la) != len(lb) || len(la) < 2 {
		return nil, nil
	}
	atA, atB := h.a, h.b
	for i := range la {
		if bytes.ContainsFunc(la[i], notInStrings) || bytes.ContainsFunc(lb[i], notInStrings) {
			return nil, nil
		}
		na, nb := int64(len(la[i])), int64(len(lb[i]))
		if !bytes.Equal(la[i], lb[i]) {
			out = append(out, hunk{atA, na, atB, nb})
		}
		atA, atB = atA+na+1, atB+nb+1
	}
	return out, nil
}

func notInStrings(r rune) bool { return r < ' ' && r != '\t' && r != '\n' || r == 0x7f }
