package cause

import (
	"bytes"
	"fmt"
	"math/rand"
	"regexp/syntax"
	"slices"
	"strings"
	"testing"

	"github.com/stagescope/stagescope/diff"
)

// everyRule are all rules, with some that recorded builds give.
func everyRule() []tokenRule {
	k := Known{A: Environment{Host: "alpha", Kernel: "6.1.0", Paths: []string{"/b/1"}, CPUs: 4}, B: Environment{Host: "zebra9", Kernel: "5.10.3", Paths: []string{"/srv/two"}, CPUs: 16}}
	return slices.Concat(k.rules(), contextRules, machineRules, tokenRules)
}

// TestNoLineEnds: tokens are sought line by line, so that no expression may match
// across the end of one.
func TestNoLineEnds(t *testing.T) {
	for _, r := range everyRule() {
		for _, p := range r.find.patterns {
			if p.re == nil {
				continue
			}
			tree, err := syntax.Parse(p.re.String(), syntax.Perl)
			if err != nil {
				t.Fatal(err)
			}
			var holds [256]bool
			if bytesOf(tree, &holds); holds['\n'] {
				t.Errorf("%s %q: %s matches across lines", r.id, r.name, p.re)
			}
		}
	}
}

// pieces are what lines are made of that rules look at, right and almost right.
var pieces = strings.Split("10:22:33|2026-03-04|2026-03-04T10:11:12Z|Mar  4 2026|Mon Mar 2 10:11:12 UTC 2026|4-Mar-2026|20260304|1700000000|1700000000.5|/build/one/x.c|/tmp/ccAb12.o|-I/b/1/inc|https://a.example/x|root@alpha|0x7ffc12345678|0123456789abcdef|DEADBEEF01|"+
	"123e4567-e89b-42d3-a456-426614174000|Copyright (C) 1999-2026 X|© 2026|.TH X 1 \"2026-03-04\"|Last updated on Mar 4, 2026|took 12.5 s|real 0m1.2s|Linux version 6.1.0-18-amd64|$Format:%H$|vcs.revision=0123456789abcdef0123456789abcdef01234567|v1.2-3-gabcdef0|commit abcdef0-dirty|make -j8|"+
	"jobs=4|hostname=zebra9|Built-By: bob|command not found|Fehler|#define HAVE_X 1|/* #undef HAVE_Y */|ac_cv_x=yes|page size: 4096|ETag: \"5f\"|0.30000000000000004|Bnd-LastModified: 1700000000123|/ID [<0123456789abcdef> <0123456789abcdef>]|/BaseFont /ABCDEF+Times|\u212aernel 6.1.0-x|u\u017fername=bob|"+
	"took 3 µs|\xff\xfe|é|TIME 3S|10:22.5|x10:22:33|10:22:33y|,|;| |=|:|.|-|+|\"|(|[|\t|\r", "|")

// TestFindsWhatExpressionsFind holds the search for tokens to what each expression
// finds in the whole line, whatever is left out because it cannot match.
func TestFindsWhatExpressionsFind(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	rules := everyRule()
	c := &classifier{rules: rules}
	c.number()
	found := 0
	for range 150 {
		var line []byte
		for range 1 + r.Intn(8) {
			line = append(line, pieces[r.Intn(len(pieces))]...)
			if r.Intn(3) > 0 {
				line = append(line, ' ')
			}
		}
		line = line[:min(len(line), window)]
		text := slices.Concat([]byte("before 10:22:33\n"), line, []byte("\nafter 2026-03-04\n"))
		var ranges []diff.Range
		for at := 0; at <= len(text); at += r.Intn(6) {
			n := min(r.Intn(5), len(text)-at)
			ranges = append(ranges, diff.Range{Off: int64(at), Len: int64(n)})
			at += n + 1
		}
		ts := newTexts(text, ranges, c.patterns)
		for i, at := range ranges {
			ok := ts.reach(i)
			for k := range c.rules {
				var got []token
				if ok {
					got = ts.covering(&c.rules[k], i)
				}
				want := plainly(&c.rules[k], text, at)
				if found += len(got); !slices.Equal(got, want) {
					t.Fatalf("%s %q: %v, want %v, of %q at %v", rules[k].id, rules[k].name, got, want, text, at)
				}
			}
		}
	}
	if found < 500 {
		t.Errorf("only %d tokens were found", found)
	}
}

// plainly finds a rule's tokens that cover a range in the slowest way: by running
// each of its expressions over each line.
func plainly(r *tokenRule, text []byte, at diff.Range) (out []token) {
	from := 0
	for _, line := range bytes.SplitAfter(text, []byte("\n")) {
		line, start := bytes.TrimSuffix(line, []byte("\n")), from
		from += len(line) + 1
		for _, p := range r.find.patterns {
			spans := p.wholeWordsIfLiteral(line)
			if p.re != nil {
				for _, m := range p.re.FindAllSubmatchIndex(line, -1) {
					spans = append(spans, span{m[2*p.group], m[2*p.group+1]})
				}
			}
			for _, m := range spans {
				if int64(start+m.from) <= at.Off && int64(start+m.to) >= at.Off+at.Len && m.to > m.from && (r.find.fits == nil || r.find.fits(line, m.from, m.to)) {
					out = append(out, token{int64(start + m.from), int64(start + m.to)})
				}
			}
		}
	}
	slices.SortStableFunc(out, func(a, b token) int { return int((b.to - b.from) - (a.to - a.from)) })
	return out
}

func (p *pattern) wholeWordsIfLiteral(line []byte) []span {
	if p.re != nil {
		return nil
	}
	return p.wholeWords(line)
}

// TestNeeds: what every match of an expression has is known where it is known, and
// never more.
func TestNeeds(t *testing.T) {
	for expr, want := range map[string][]string{
		`\.TH[^\n]{0,80}?"`:         {".th"},
		`(?i)(?:copyright|\(c\) )x`: {"(c) x", "copyrightx"},
		`a?b[0-9]`:                  {"ab", "b"},
		`[0-9]+`:                    nil,
		`a|[0-9]`:                   nil,
		`(?:19|20)\d\d-`:            {"19", "20"},
		`x{0,3}`:                    nil,
		`(?i)µs`:                    nil, // the letter has two capitals
	} {
		tree, err := syntax.Parse(expr, syntax.Perl)
		if err != nil {
			t.Fatal(err)
		}
		got := needsOf(tree)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", expr, got, want)
		}
	}
}

// TestManyTimes: a log in which every line has another time is explained to its end.
func TestManyTimes(t *testing.T) {
	const n = 60_000
	log := func(hour int) []byte {
		var b bytes.Buffer
		for i := range n {
			fmt.Fprintf(&b, "%02d:%02d:%02d x\n", hour, i/60%60, i%60)
		}
		return b.Bytes()
	}
	root := pairOf(t, log(10), log(23))
	if root.Residue != diff.ResidueNone || len(root.Reasons) != 1 || !strings.Contains(root.Reasons[0].Field, fmt.Sprint(n)) {
		t.Errorf("residue %s of %d ranges, %d of them unexplained: %+v", root.Residue, len(root.RangesA), len(root.UnexplainedA), root.Reasons)
	}
}
