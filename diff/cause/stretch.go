package cause

import (
	"bytes"
	"sort"

	"github.com/stagescope/stagescope/diff"
)

// mostStretch bounds, in bytes, what the patterns are run over at once, and so what
// is kept of their matches.
const mostStretch = 16 << 10

// texts is one side's content, in which tokens are sought around ranges. Ranges are
// asked for from the first to the last: the lines that one lies in are gone through
// once by each pattern that can match there, however many ranges lie in them.
type texts struct {
	p      []byte
	ranges []diff.Range

	// The stretch that is at hand, and what was found in it so far.
	lo, hi int
	small  []byte // the stretch with its capitals made small; nil until it is wanted
	found  []matches
}

// matches are those of one pattern between two places of a stretch.
type matches struct {
	lo, hi  int // hi is -1 where nothing was sought
	list    []span
	longest int // of the list, in bytes
}

func newTexts(p []byte, ranges []diff.Range, patterns int) *texts {
	return &texts{p: p, ranges: ranges, lo: -1, hi: -1, found: make([]matches, patterns)}
}

// around is the text in which a token that covers a range lies: its line, as far as
// it is text, and no more than a window to both sides. It is empty, with ok false,
// when the range is not text of one line, or too long for a token.
func (t *texts) around(i int) (lo, hi int, ok bool) {
	at := t.ranges[i]
	if at.Len > 4*window {
		return 0, 0, false
	}
	from, end := int(at.Off), int(at.Off+at.Len)
	lo, hi = from, from
	for ; lo > max(0, from-window) && inLine(t.p[lo-1]); lo-- {
	}
	for ; hi < min(len(t.p), end+window) && inLine(t.p[hi]); hi++ {
	}
	return lo, hi, hi >= end
}

// inLine reports a byte that can be in a token, or in what is around one.
func inLine(c byte) bool { return c != '\n' && !control(c) }

// control reports bytes that are in no text.
func control(c byte) bool { return c < '\t' || c > '\r' && c < ' ' && c != 0x1b || c == 0x7f }

// reach makes the stretch that holds a range the one at hand, and reports whether
// there is one. Windows that overlap become one stretch, up to a bound.
func (t *texts) reach(i int) bool {
	lo, hi, ok := t.around(i)
	if !ok {
		return false
	}
	if lo >= t.lo && hi <= t.hi {
		return true
	}
	for k := i + 1; k < len(t.ranges); k++ {
		from, to, ok := t.around(k)
		if ok && (from > hi || max(to, hi)-lo > mostStretch) {
			break
		}
		if ok {
			hi = max(to, hi)
		} else if t.ranges[k].Off > int64(hi) {
			break
		}
	}
	t.lo, t.hi, t.small = lo, hi, nil
	for k := range t.found {
		t.found[k] = matches{hi: -1}
	}
	return true
}

// covering gives a rule's tokens that cover a range of the stretch at hand, from the
// longest.
func (t *texts) covering(r *tokenRule, i int) (out []token) {
	at := t.ranges[i]
	text := t.p[t.lo:t.hi]
	from, to := int(at.Off)-t.lo, int(at.Off+at.Len)-t.lo
	for k, p := range r.find.patterns {
		if !p.reaches(text, from, to) {
			continue
		}
		f := t.matches(r, k, from, to)
		last := sort.Search(len(f.list), func(i int) bool { return f.list[i].from > from })
		for j := last - 1; j >= 0 && f.list[j].from+f.longest >= to; j-- {
			if m := f.list[j]; m.to >= to {
				out = append(out, token{int64(t.lo + m.from), int64(t.lo + m.to)})
			}
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].to-out[i].from > out[j].to-out[j].from })
	return out
}

// matches gives those of one of a rule's patterns that can cover a part of the
// stretch at hand. What is no token's byte is in no match: where the whole match is
// the token, the pattern is run from one such byte to the next, both of which it sees.
func (t *texts) matches(r *tokenRule, k, from, to int) *matches {
	f := &t.found[r.first+k]
	if f.lo <= from && to <= f.hi {
		return f
	}
	p, text := r.find.patterns[k], t.p[t.lo:t.hi]
	if t.small == nil {
		t.small = smallLetters(text)
	}
	*f = matches{lo: 0, hi: len(text)}
	if p.group == 0 {
		for f.lo = from; f.lo > 0 && p.holds[text[f.lo-1]]; f.lo-- {
		}
		for f.hi = to; f.hi < len(text) && p.holds[text[f.hi]]; f.hi++ {
		}
	}
	lo, hi := max(0, f.lo-1), min(len(text), f.hi+1)
	for _, m := range p.find(text[lo:hi], t.small[lo:hi]) {
		m.from, m.to = m.from+lo, m.to+lo
		if m.to > m.from && (r.find.fits == nil || r.find.fits(text, m.from, m.to)) {
			f.list = append(f.list, m)
			f.longest = max(f.longest, m.to-m.from)
		}
	}
	return f
}

// four gives all four bytes in a row that cover a range: a number in binary.
func (t *texts) four(_ *tokenRule, i int) (out []token) {
	at := t.ranges[i]
	for from := max(0, at.Off+at.Len-4); from <= at.Off && from+4 <= int64(len(t.p)); from++ {
		out = append(out, token{from, from + 4})
	}
	return out
}

// alone takes only tokens that stand by themselves: 10:22 in 10.10.10:22 is no time,
// nor is a date in the middle of a number.
func alone(f *finder) *finder {
	f.fits = func(p []byte, from, to int) bool {
		if from > 0 && (letterOrDigit(p[from-1]) || p[from-1] == '.' || p[from-1] == ':') {
			return false
		}
		if to == len(p) {
			return true
		}
		return !letterOrDigit(p[to]) && !((p[to] == ':' || p[to] == '.') && to+1 < len(p) && letterOrDigit(p[to+1]))
	}
	return f
}

// outsidePath takes only absolute paths that are no part of a URL or of a relative
// path: where something is fetched from, or sent to, is no path of the build. A
// letter before one is that of an option, as in -I/build.
func outsidePath(f *finder) *finder {
	f.fits = func(p []byte, from, _ int) bool {
		i := from - 1
		if i < 0 || !letterOrDigit(p[i]) && bytes.IndexByte([]byte("/._-~$})]%@+"), p[i]) < 0 {
			return true
		}
		return letterOrDigit(p[i]) && i > 0 && p[i-1] == '-' && (i == 1 || !letterOrDigit(p[i-2]))
	}
	return f
}
