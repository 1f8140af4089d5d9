package render

import (
	"encoding/base64"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// A page that is packed has a filter beside it, by which a search knows that it need
// not be unpacked: a set of bits, one for each three bytes that follow each other in
// what is searched of the page. It may hold more than the page does, never less.
// search.js reads it; what is here and what is there must agree.
//
// Of a page of text the bytes are those of its folded text in UTF-8. Of a page of
// bytes they are the bytes themselves, ASCII letters folded, where all three can be
// printed: any others are as many as the page has bytes, and no small set of bits
// would tell pages apart.

const (
	// filterShare is how much of a page's size in the file its filter may have, in
	// percent; the attribute's name comes on top.
	filterShare = 5
	// filterBits is how many bits a filter has at most for each that is set.
	filterBits = 10
	// filterLeast is below how many bytes a filter would tell nothing.
	filterLeast = 16
)

// filter collects what a page has.
type filter struct {
	seen  [1 << 11]uint64 // of the hashes that counted has, a bit for each, but for those that share one
	grams []uint32        // hashes, each as often as it comes
	text  []byte          // room for a page's text
}

// counted is which of the hashes are counted: one in so many, to know about how many
// different ones there are.
const counted = 16

// page takes a page of text.
func (f *filter) page(p string) {
	f.text = folded(searched(f.text[:0], p))
	f.add(f.text, false)
}

// hash spreads the lower three bytes over 32 bits.
func hash(three uint32) uint32 { return (three & 0xffffff) * 0x9e3779b1 }

// add takes what is searched of a page: folded bytes. Three bytes across the end of a
// line are in no query.
func (f *filter) add(p []byte, printable bool) {
	f.grams = f.grams[:0]
	clear(f.seen[:])
	var three uint32
	run := 0 // bytes since what no query has
	for _, c := range p {
		if c == '\n' || printable && (c < 0x20 || c >= 0x7f) {
			run = 0
			continue
		}
		three = three<<8 | uint32(c)
		if run++; run < 3 {
			continue
		}
		h := hash(three)
		if h>>8%counted == 0 {
			f.seen[h>>21] |= 1 << (h >> 15 & 63)
		}
		f.grams = append(f.grams, h)
	}
}

// set gives the filter as an attribute of a page of so many bytes in the file; ""
// where there is no room for one that would tell anything.
func (f *filter) set(size int) string {
	distinct := 0
	for _, w := range f.seen {
		distinct += bits.OnesCount64(w)
	}
	if distinct *= counted; distinct < 64*counted {
		distinct = min(len(f.grams), 64*counted) // too few to count so
	}
	n := min(size*filterShare/100*3/4, (distinct*filterBits+7)/8)
	if n < filterLeast && n*8 < distinct*filterBits {
		return ""
	}
	if n == 0 {
		n = 1 // nothing is sought that a page with nothing has
	}
	set := make([]byte, n)
	for _, h := range f.grams {
		k := uint64(h) * uint64(n) * 8 >> 32
		set[k>>3] |= 1 << (k & 7)
	}
	return fmt.Sprintf(` data-k="%s"`, base64.StdEncoding.EncodeToString(set))
}

// lowerASCII folds the letters of ASCII.
func lowerASCII(p []byte) []byte {
	out := make([]byte, len(p))
	for i, c := range p {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		out[i] = c
	}
	return out
}

// folded makes letters that differ in case only one: the lower one in ASCII, else the
// first of them. Where all is ASCII it is done in place.
func folded(p []byte) []byte {
	for i, c := range p {
		if c >= utf8.RuneSelf {
			return foldedFrom(p, i)
		}
		if c >= 'A' && c <= 'Z' {
			p[i] = c + 'a' - 'A'
		}
	}
	return p
}

// foldedFrom is folded for a text of which the first bytes are.
func foldedFrom(p []byte, from int) []byte {
	out := append(make([]byte, 0, len(p)+len(p)/8), p[:from]...)
	for i := from; i < len(p); {
		if c := p[i]; c < utf8.RuneSelf {
			if c >= 'A' && c <= 'Z' {
				c += 'a' - 'A'
			}
			out = append(out, c)
			i++
			continue
		}
		r, n := utf8.DecodeRune(p[i:])
		out = utf8.AppendRune(out, foldRune(r))
		i += n
	}
	return out
}

// foldRune is folded for one character.
func foldRune(r rune) rune {
	least := r
	for o := unicode.SimpleFold(r); o != r; o = unicode.SimpleFold(o) {
		least = min(least, o)
	}
	if least >= 'A' && least <= 'Z' {
		least += 'a' - 'A'
	}
	return least
}

// foldTable is what folding does to characters beyond ASCII, for search.js: ranges of
// first, count, step, and what is added, in base 36.
var foldTable = sync.OnceValue(func() string {
	var out []string
	var from, last, step, add rune
	count := 0
	flush := func() {
		if count > 0 {
			var f []string
			for _, v := range []rune{from, rune(count), max(step, 1), add} {
				f = append(f, strconv.FormatInt(int64(v), 36))
			}
			out = append(out, strings.Join(f, ","))
		}
		count, step = 0, 0
	}
	for r := rune(utf8.RuneSelf); r <= unicode.MaxRune; r++ {
		to := foldRune(r)
		if to == r {
			continue
		}
		if count == 0 || to-r != add || r-last > 2 || step != 0 && r-last != step {
			flush()
			from, add = r, to-r
		} else {
			step = r - last
		}
		last = r
		count++
	}
	flush()
	return strings.Join(out, ";")
})
