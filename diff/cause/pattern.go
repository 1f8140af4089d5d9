package cause

import (
	"bytes"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// pattern finds tokens in a text, by an expression or by a literal. What else it
// knows follows from the expression, and is only there to try it where it can
// match: most of the time goes into expressions that do not.
type pattern struct {
	re    *regexp.Regexp // nil for a literal
	group int            // which group of a match is the token; 0 is all of it
	lit   []byte         // a whole word
	holds [256]bool      // the bytes that a token can have
	least int            // the bytes that a token has at least
	needs []string       // of these every match has one, with its capitals made small; none when that is not known
}

// finder finds the tokens of a rule. They may overlap.
type finder struct {
	patterns []*pattern
	// fits reports whether a token of p, from and to, counts as one where it stands;
	// nil means that each does. It looks no further than the line's ends.
	fits func(p []byte, from, to int) bool
}

// span is a token, by its offsets.
type span struct{ from, to int }

// words makes a finder of several expressions.
func words(exprs ...string) *finder { return patternsOf(0, exprs) }

// within makes a finder of the first groups of several expressions.
func within(exprs ...string) *finder { return patternsOf(1, exprs) }

func patternsOf(group int, exprs []string) *finder {
	f := &finder{}
	for _, e := range exprs {
		tree, err := syntax.Parse(e, syntax.Perl)
		if err != nil {
			panic(err) // the expressions are constants
		}
		p := &pattern{re: regexp.MustCompile(e), group: group, needs: needsOf(tree)}
		p.least = tokenOf(group, tree, &p.holds)
		f.patterns = append(f.patterns, p)
	}
	return f
}

// literals finds whole words: what stands beside a value is no part of one.
func literals(values ...string) *finder {
	f := &finder{}
	for _, v := range values {
		p := &pattern{lit: []byte(v), least: len(v)}
		for _, c := range p.lit {
			p.holds[c] = true
		}
		f.patterns = append(f.patterns, p)
	}
	return f
}

// find gives the tokens in a text; small is the text with its capitals made small.
func (p *pattern) find(text, small []byte) (out []span) {
	if p.re == nil {
		return p.wholeWords(text)
	}
	if len(p.needs) > 0 && !odd(text) && !slices.ContainsFunc(p.needs, func(s string) bool { return bytes.Contains(small, []byte(s)) }) {
		return nil
	}
	if p.group == 0 {
		for _, m := range p.re.FindAllIndex(text, -1) {
			out = append(out, span{m[0], m[1]})
		}
		return out
	}
	for _, m := range p.re.FindAllSubmatchIndex(text, -1) {
		if at := m[2*p.group:]; at[0] >= 0 {
			out = append(out, span{at[0], at[1]})
		}
	}
	return out
}

func (p *pattern) wholeWords(text []byte) (out []span) {
	for from := 0; ; {
		i := bytes.Index(text[from:], p.lit)
		if i < 0 {
			return out
		}
		i += from
		if end := i + len(p.lit); (i == 0 || !wordByte(text[i-1])) && (end == len(text) || !wordByte(text[end])) {
			out = append(out, span{i, end})
		}
		from = i + 1
	}
}

// odd reports the two letters beyond ASCII that expressions without regard to case
// take for a k and an s (Unicode's simple case folding).
func odd(text []byte) bool {
	return bytes.Contains(text, []byte("\u212a")) || bytes.Contains(text, []byte("\u017f"))
}

// reaches reports whether a token of the pattern can cover the bytes from from to
// to of a text.
func (p *pattern) reaches(text []byte, from, to int) bool {
	for _, c := range text[from:to] {
		if !p.holds[c] {
			return false
		}
	}
	for to-from < p.least && to < len(text) && p.holds[text[to]] {
		to++
	}
	for to-from < p.least && from > 0 && p.holds[text[from-1]] {
		from--
	}
	return to-from >= p.least
}

// tokenOf marks the bytes that the token of an expression can have, and gives how
// many it has at least.
func tokenOf(group int, re *syntax.Regexp, holds *[256]bool) int {
	if group == 0 || re.Op == syntax.OpCapture && re.Cap == group {
		return bytesOf(re, holds)
	}
	for _, s := range re.Sub {
		if n := tokenOf(group, s, holds); n >= 0 {
			return n
		}
	}
	return -1
}

// bytesOf marks the bytes that what an expression matches can have, and gives how
// many there are at least.
func bytesOf(re *syntax.Regexp, holds *[256]bool) int {
	mark := func(r rune) {
		for _, x := range []rune{r, swapCase(r, re.Flags)} {
			if x < utf8.RuneSelf {
				holds[x] = true
			}
		}
		if r >= utf8.RuneSelf || re.Flags&syntax.FoldCase != 0 && strings.ContainsRune("kKsS", r) {
			for i := utf8.RuneSelf; i < 256; i++ {
				holds[i] = true
			}
		}
	}
	switch re.Op {
	case syntax.OpLiteral:
		for _, r := range re.Rune {
			mark(r)
		}
		return len(re.Rune)
	case syntax.OpCharClass:
		for i := 0; i+1 < len(re.Rune); i += 2 {
			for r := re.Rune[i]; r <= min(re.Rune[i+1], utf8.RuneSelf); r++ {
				mark(r)
			}
			if re.Rune[i+1] >= utf8.RuneSelf {
				mark(utf8.RuneSelf)
			}
		}
		return 1
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		for i := range holds {
			holds[i] = holds[i] || re.Op == syntax.OpAnyChar || i != '\n'
		}
		return 1
	}
	return least(re, func(s *syntax.Regexp) int { return bytesOf(s, holds) })
}

// least is how many bytes an expression of others matches at least.
func least(re *syntax.Regexp, of func(*syntax.Regexp) int) int {
	var n []int
	for _, s := range re.Sub {
		n = append(n, of(s))
	}
	switch re.Op {
	case syntax.OpCapture, syntax.OpPlus:
		return n[0]
	case syntax.OpRepeat:
		return n[0] * re.Min
	case syntax.OpAlternate:
		return slices.Min(n)
	case syntax.OpConcat:
		sum := 0
		for _, k := range n {
			sum += k
		}
		return sum
	}
	return 0
}

func swapCase(r rune, flags syntax.Flags) rune {
	if flags&syntax.FoldCase == 0 || r > 'z' || !letterOrDigit(byte(r)) || r < 'A' {
		return r
	}
	return r ^ 0x20
}

// mostNeeds bounds the strings of which one must be there.
const mostNeeds = 24

// needsOf gives strings of which every match of an expression has one, in small
// letters; none when it cannot tell.
func needsOf(re *syntax.Regexp) []string {
	if set := wordsOf(re); set != nil {
		if slices.Contains(set, "") {
			return nil
		}
		return set
	}
	switch re.Op {
	case syntax.OpCapture, syntax.OpPlus:
		return needsOf(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return needsOf(re.Sub[0])
		}
	case syntax.OpAlternate:
		var out []string
		for _, s := range re.Sub {
			n := needsOf(s)
			if n == nil || len(out)+len(n) > mostNeeds {
				return nil
			}
			out = append(out, n...)
		}
		return out
	case syntax.OpConcat:
		return rarest(re.Sub)
	}
	return nil
}

// rarest gives the best of what each of a row of expressions needs, or several of
// them together where each has few words.
func rarest(row []*syntax.Regexp) (best []string) {
	better := func(n []string) {
		if n != nil && !slices.Contains(n, "") && (best == nil || shortest(n) > shortest(best) || shortest(n) == shortest(best) && len(n) < len(best)) {
			best = n
		}
	}
	together := []string{""}
	for _, s := range row {
		set := wordsOf(s)
		if set == nil {
			better(needsOf(s))
		}
		if together = product(together, set); together == nil {
			if together = set; set == nil {
				together = []string{""}
			}
		}
		better(together)
	}
	return best
}

func shortest(list []string) int {
	n := len(list[0])
	for _, s := range list {
		n = min(n, len(s))
	}
	return n
}

// wordsOf gives all that an expression matches, in small letters, where that is
// little; nil otherwise.
func wordsOf(re *syntax.Regexp) []string {
	switch re.Op {
	case syntax.OpEmptyMatch, syntax.OpWordBoundary, syntax.OpNoWordBoundary, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText:
		return []string{""}
	case syntax.OpLiteral:
		if re.Flags&syntax.FoldCase != 0 && slices.ContainsFunc(re.Rune, func(r rune) bool { return r >= utf8.RuneSelf && unicode.SimpleFold(r) != r }) {
			return nil // its capitals are not made small here
		}
		return []string{smallASCII(string(re.Rune))}
	case syntax.OpCharClass:
		var out []string
		for i := 0; i+1 < len(re.Rune); i += 2 {
			for r := re.Rune[i]; r <= re.Rune[i+1]; r++ {
				if r >= utf8.RuneSelf || len(out) > 4 {
					return nil
				}
				if s := smallASCII(string(r)); !slices.Contains(out, s) {
					out = append(out, s)
				}
			}
		}
		return out
	case syntax.OpCapture:
		return wordsOf(re.Sub[0])
	case syntax.OpQuest:
		if set := wordsOf(re.Sub[0]); set != nil {
			return append([]string{""}, set...)
		}
	case syntax.OpAlternate:
		var out []string
		for _, s := range re.Sub {
			set := wordsOf(s)
			if set == nil || len(out)+len(set) > mostNeeds {
				return nil
			}
			out = append(out, set...)
		}
		return out
	case syntax.OpConcat:
		out := []string{""}
		for _, s := range re.Sub {
			if out = product(out, wordsOf(s)); out == nil {
				return nil
			}
		}
		return out
	}
	return nil
}

// product joins each of a with each of b; nil when that is much, or when there is
// nothing to join.
func product(a, b []string) (out []string) {
	if b == nil || len(a)*len(b) > mostNeeds {
		return nil
	}
	for _, x := range a {
		for _, y := range b {
			out = append(out, x+y)
		}
	}
	return out
}

// smallASCII makes the capitals of ASCII small and leaves everything else.
func smallASCII(s string) string { return string(smallLetters([]byte(s))) }

func smallLetters(p []byte) []byte {
	out := bytes.Clone(p)
	for i, c := range out {
		if c >= 'A' && c <= 'Z' {
			out[i] = c + 'a' - 'A'
		}
	}
	return out
}
