package cause

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"hash"
	"slices"
	"sort"
	"strings"

	"github.com/stagescope/stagescope/diff"
)

// window is how many bytes around a range a token may reach.
const window = 512

// maxBinary is up to how many ranges of one content a rule about binary numbers
// explains.
const maxBinary = 16

// mostRanges bounds the ranges of one content that are held against the rules.
// What holds so many that no rule fits, mostMisses and four for each that one
// does, is no text of tokens. Ranges beyond these bounds stay unexplained.
const (
	mostRanges = 1 << 18
	mostMisses = 1 << 10
)

// token is a stretch that a rule recognised, in one side's bytes.
type token struct{ from, to int64 }

// tokenRule recognises what differs inside a content: a date, a path, an
// identifier.
type tokenRule struct {
	id, name, fix string
	// find gives the tokens in a line of one side's text. A rule about binary
	// numbers has no patterns.
	find  *finder
	first int // number of its first pattern among those of all rules
	// same reports whether the two tokens are of one kind, beyond both having
	// been found; nil means that they are.
	same func(c *classifier, a, b []byte) (evidence string, ok bool)
	// binary tokens may hold any byte; others are text.
	binary bool
	// weak rules fit by chance: they only make a cause likely.
	weak bool
	// alone rules fit so often by chance that they say something only where no
	// range is left without a rule, and few fit.
	alone bool
	// doubt says that the rule fits two tokens no better than a weak one would.
	doubt func(a, b []byte) bool
}

// number numbers the patterns of all rules.
func (c *classifier) number() {
	for i := range c.rules {
		c.rules[i].first = c.patterns
		c.patterns += len(c.rules[i].find.patterns)
	}
}

// twins are rules as they count for tokens that are doubted.
func twins(rules []tokenRule) []tokenRule {
	out := slices.Clone(rules)
	for i := range out {
		out[i].weak = true
	}
	return out
}

// hit is a pair of tokens that one rule recognised around a range.
type hit struct {
	rule     *tokenRule
	a, b     token
	evidence string
	i        int // which range
}

// tokens explains the ranges of a content that lie inside tokens, and reports
// whether there are any.
func (c *classifier) tokens(n *diff.Node, p *pair) bool {
	var hits []hit
	var left, closed []int
	open := openRanges(n)
	epochs, tried := 0, 0
	sides := [2]*texts{newTexts(p.a, n.RangesA, c.patterns), newTexts(p.b, n.RangesB, c.patterns)}
	for i := range n.RangesA {
		if !open(i) {
			closed = append(closed, i)
			continue
		}
		if tried++; tried > mostRanges || len(left) > mostMisses+4*len(hits) {
			left = append(left, i)
			continue
		}
		h := c.token(p, sides, i)
		if h != nil && h.rule.binary {
			epochs++
		}
		if h == nil {
			left = append(left, i)
			continue
		}
		h.i = i
		hits = append(hits, *h)
	}
	hits, left = withoutChance(hits, left)
	by := map[*tokenRule][]int{} // to ranges
	for i, h := range hits {
		by[h.rule] = append(by[h.rule], i)
	}
	if epochs > maxBinary {
		// So many numbers that could be something are something else.
		hits = slices.DeleteFunc(hits, func(h hit) bool {
			if h.rule.binary {
				left = append(left, h.i)
			}
			return h.rule.binary
		})
		by = map[*tokenRule][]int{}
		for k, h := range hits {
			by[h.rule] = append(by[h.rule], k)
		}
	}
	if len(hits) == 0 {
		return false
	}
	// Undo: with all tokens taken out, what no rule explained is all that may
	// differ between the two.
	out := append(closed, left...)
	proved := masked(p.a, hits, n.RangesA, out, func(h hit) token { return h.a }) == masked(p.b, hits, n.RangesB, out, func(h hit) token { return h.b })
	for _, r := range c.inOrder() {
		if len(by[r]) == 0 {
			continue
		}
		first := hits[by[r][0]]
		cause := diff.Cause{ID: r.id, Name: r.name, Confidence: diff.Likely, Fix: r.fix, Evidence: first.evidence}
		if proved && !r.weak && !n.Broken {
			cause.Confidence = diff.Proved
			cause.Evidence = joined(first.evidence, "what is around it is equal, hashed")
		}
		field := "content"
		if k := distinct(hits, by[r]); k > 1 {
			field = fmt.Sprintf("content, %d places", k)
		}
		n.Reasons = append(n.Reasons, diff.Reason{Field: field, A: show(p.a, first.a), B: show(p.b, first.b), Cause: &cause})
		if cause.Confidence != diff.Proved {
			for _, k := range by[r] {
				left = append(left, hits[k].i)
			}
		}
	}
	slices.Sort(left)
	n.UnexplainedA, n.UnexplainedB = nil, nil
	for _, i := range left {
		n.UnexplainedA = append(n.UnexplainedA, n.RangesA[i])
		n.UnexplainedB = append(n.UnexplainedB, n.RangesB[i])
	}
	return true
}

// maxAlone is how many ranges a rule that fits by chance may account for.
const maxAlone = 8

// withoutChance takes out the hits of rules that fit by chance, where other
// ranges are left or many fit; what they lie in is left then.
func withoutChance(hits []hit, left []int) ([]hit, []int) {
	n := 0
	for _, h := range hits {
		if h.rule.alone {
			n++
		}
	}
	if n == 0 || len(left) == 0 && n <= maxAlone {
		return hits, left
	}
	var out []hit
	for _, h := range hits {
		if h.rule.alone {
			left = append(left, h.i)
		} else {
			out = append(out, h)
		}
	}
	slices.Sort(left)
	return out, left
}

// openRanges reports which of a node's pairs of ranges are not explained yet.
func openRanges(n *diff.Node) func(i int) bool {
	type pair struct{ a, b diff.Range }
	open := map[pair]bool{}
	for i := range min(len(n.UnexplainedA), len(n.UnexplainedB)) {
		open[pair{n.UnexplainedA[i], n.UnexplainedB[i]}] = true
	}
	return func(i int) bool { return open[pair{n.RangesA[i], n.RangesB[i]}] }
}

// distinct counts the tokens that hits lie in.
func distinct(hits []hit, which []int) int {
	seen := map[token]bool{}
	for _, k := range which {
		seen[hits[k].a] = true
	}
	return len(seen)
}

func joined(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "; " + b
}

// show is a token as text, cut.
func show(p []byte, t token) string {
	b := p[t.from:t.to]
	if len(b) > 120 {
		return string(b[:120]) + "…"
	}
	return string(b)
}

// inOrder are all rules, each before its twin.
func (c *classifier) inOrder() []*tokenRule {
	out := make([]*tokenRule, 0, 2*len(c.rules))
	for i := range c.rules {
		out = append(out, &c.rules[i], &c.doubted[i])
	}
	return out
}

// token asks the rules for a pair of tokens that cover a pair of ranges.
func (c *classifier) token(p *pair, sides [2]*texts, at int) *hit {
	text := sides[0].reach(at) && sides[1].reach(at)
	for i := range c.rules {
		r := &c.rules[i]
		inA, inB := sides[0].covering, sides[1].covering
		switch {
		case r.binary:
			inA, inB = sides[0].four, sides[1].four
		case !text:
			continue
		}
		as := inA(r, at)
		if len(as) == 0 {
			continue
		}
		bs := inB(r, at)
		for _, a := range as {
			for _, b := range bs {
				// Outside of all ranges both sides are equal: the tokens begin and
				// end at the same bytes.
				if a.from+p.shift(a.from, false) != b.from || a.to+p.shift(a.to, true) != b.to {
					continue
				}
				ta, tb := p.a[a.from:a.to], p.b[b.from:b.to]
				if bytes.Equal(ta, tb) || r.binary && c.part && c.loaded != nil && !(c.loaded.epoch(a.from, ta) && c.loaded.epoch(b.from, tb)) {
					continue
				}
				ev, ok := "", true
				if r.same != nil {
					ev, ok = r.same(c, ta, tb)
				}
				if !ok {
					continue
				}
				if r.doubt != nil && !c.onlyForDebuggers(p.node) && r.doubt(ta, tb) {
					r = &c.doubted[i]
				}
				return &hit{rule: r, a: a, b: b, evidence: ev}
			}
		}
	}
	return nil
}

// onlyForDebuggers reports whether a content is a section of debug information that
// is not loaded: whatever its paths are, nothing runs or opens them.
func (c *classifier) onlyForDebuggers(n *diff.Node) bool {
	return n.Kind == diff.KindBinary && strings.HasPrefix(n.Name, ".debug_") && c.loaded.idle(n)
}

// shift is how much further on side B the bytes at a place of side A lie, which
// is in none of the ranges or at an edge of one. What was put in just there lies
// behind it when it begins a token, before it when it ends one.
func (p *pair) shift(at int64, end bool) int64 {
	ra, rb := p.node.RangesA, p.node.RangesB
	k := sort.Search(len(ra), func(i int) bool { return ra[i].Off+ra[i].Len > at || !end && ra[i].Off >= at })
	if k == 0 {
		return 0
	}
	return rb[k-1].Off + rb[k-1].Len - ra[k-1].Off - ra[k-1].Len
}

// masked hashes a content with its tokens replaced by their rules' identifiers
// and the ranges that nothing explained left out.
func masked(p []byte, hits []hit, ranges []diff.Range, left []int, side func(hit) token) [32]byte {
	type hole struct {
		token
		mark string
	}
	var holes []hole
	for _, h := range hits {
		holes = append(holes, hole{side(h), "\x00" + h.rule.id + "\x00"})
	}
	for _, i := range left {
		r := ranges[i]
		holes = append(holes, hole{token{r.Off, r.Off + r.Len}, "\x00?\x00"})
	}
	sort.SliceStable(holes, func(i, j int) bool { return holes[i].from < holes[j].from })
	h := sha256.New()
	end := int64(0)
	for _, o := range holes {
		if o.from > end {
			write(h, p[end:o.from])
		}
		if o.to > end || o.from >= end {
			write(h, []byte(o.mark))
		}
		end = max(end, o.to)
	}
	write(h, p[end:])
	return [32]byte(h.Sum(nil))
}

func write(h hash.Hash, p []byte) { h.Write(p) }
