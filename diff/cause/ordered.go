package cause

import (
	"bytes"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/stagescope/stagescope/diff"
)

// sameLines reports whether both sides of a text hold the same lines, in another
// order.
func sameLines(p *pair) bool { return p.node.Kind == diff.KindText && reordered(p) }

// reordered is sameLines of any kind of text. It is asked by several rules and found
// out once; where one byte comes more often on one side, nothing is sorted.
func reordered(p *pair) bool {
	if !p.sorted {
		p.sorted = true
		p.reordered = len(p.a) == len(p.b) && histogram(p.a) == histogram(p.b) && equalHash(sortedLines(p.a), sortedLines(p.b))
	}
	return p.reordered
}

// histogram counts how often each byte comes.
func histogram(p []byte) (n [256]int) {
	for _, c := range p {
		n[c]++
	}
	return n
}

func sortedLines(b []byte) []byte {
	ls := bytes.SplitAfter(b, []byte("\n"))
	slices.SortFunc(ls, bytes.Compare)
	return bytes.Join(ls, nil)
}

// linesOf are the lines of a text, without their ends; the last may be empty.
func linesOf(b []byte) []string {
	return strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
}

const evidenceSorted = "the texts are equal once their lines are sorted"

// localeOrder: one side is sorted by bytes, the other as a locale sorts, with
// case and punctuation last.
func localeOrder(p *pair) *explained {
	if !sameLines(p) {
		return nil
	}
	a, b := linesOf(p.a), linesOf(p.b)
	bytewise := func(ls []string) bool { return slices.IsSorted(ls) }
	collated := func(ls []string) bool {
		return slices.IsSortedFunc(ls, func(x, y string) int { return strings.Compare(collationKey(x), collationKey(y)) })
	}
	if !(bytewise(a) && collated(b) || collated(a) && bytewise(b)) {
		return nil
	}
	name := map[bool]string{true: "sorted by bytes", false: "sorted as a locale does"}
	return ordered(p, &explained{a: name[bytewise(a)], b: name[bytewise(b)], cause: diff.Cause{ID: "D6a", Name: "order of a locale", Confidence: diff.Proved,
		Evidence: evidenceSorted + "; one side is sorted by bytes, the other without regard to case and punctuation", Fix: "sort with LC_ALL=C"}})
}

// collationKey is what locales compare first: letters and digits, without case.
func collationKey(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

// workerLine is a line of a tool that works on several things at once.
var workerLine = regexp.MustCompile(`^\s*(?:\[\s*\d+/\d+\]|\[\s*\d+%\]|make(?:\[\d+\])?: |(?:CC|CXX|LD|AR|AS|GEN|HOSTCC|Compiling|Building|Linking)\b)|\b(?:thread|worker|job|task)[ _#-]?\d+`)

// workerOrder: the lines of a log, in the order in which workers got ready.
func workerOrder(p *pair) *explained {
	if !sameLines(p) {
		return nil
	}
	ls := linesOf(p.a)
	n := 0
	for _, l := range ls {
		if workerLine.MatchString(l) {
			n++
		}
	}
	if n*2 < len(ls) {
		return nil
	}
	return ordered(p, &explained{a: fmt.Sprintf("%d lines", len(ls)), b: "the same lines, in another order", cause: diff.Cause{ID: "D4g", Name: "order of parallel work", Confidence: diff.Proved,
		Evidence: fmt.Sprintf("%s; %d of them are of something that works in parallel", evidenceSorted, n), Fix: "write what workers give in a fixed order, or build with -j1"}})
}

// listingOrder: a list of files, in the order in which a directory was read.
func listingOrder(p *pair) *explained {
	if !sameLines(p) {
		return nil
	}
	ls := linesOf(p.a)
	for _, l := range ls {
		if l == "" || strings.ContainsAny(l, " \t:=\"'") || path.Ext(l) == "" && !strings.Contains(l, "/") {
			return nil
		}
	}
	return ordered(p, &explained{a: fmt.Sprintf("%d names", len(ls)), b: "the same names, in another order", cause: diff.Cause{ID: "D3f", Name: "order in which a directory was read", Confidence: diff.Proved,
		Evidence: evidenceSorted + "; all of them are names of files", Fix: "sort directory listings: sort, $(sort $(wildcard …)), sorted(os.listdir(…))"}})
}

// encodings: one side is in UTF-8, the other the same text in ISO 8859-1.
func encodings(p *pair) *explained {
	ua, ub := utf8.Valid(p.a), utf8.Valid(p.b)
	if ua == ub || bytes.IndexByte(p.a, 0) >= 0 || bytes.IndexByte(p.b, 0) >= 0 {
		return nil
	}
	wide := func(b []byte, is bool) []byte {
		if is {
			return b
		}
		var out []byte
		for _, c := range b {
			out = utf8.AppendRune(out, rune(c))
		}
		return out
	}
	if !equalHash(wide(p.a, ua), wide(p.b, ub)) {
		return nil
	}
	name := map[bool]string{true: "UTF-8", false: "ISO 8859-1"}
	return &explained{a: name[ua], b: name[ub], cause: diff.Cause{ID: "D6a", Name: "encoding of the text", Confidence: diff.Proved, Evidence: "the texts are equal once both are in UTF-8", Fix: "build with LC_ALL=C.UTF-8"}}
}

// armour is a block that tools for signatures and keys write.
var armour = regexp.MustCompile(`-----BEGIN ([A-Z0-9 ]{1,40})-----[A-Za-z0-9+/=:\s,.()-]*?-----END ([A-Z0-9 ]{1,40})-----`)

// armoured is a block that holds nothing but what it is for: a few headers of
// OpenPGP (RFC 9580, section 6.2), and lines of base64, all of one length but the
// last, of signatures alone, with OpenPGP's checksum. Whoever reads the file as
// something else, a script, finds no command in it.
func armoured(block []byte) bool {
	lines := strings.Split(strings.ReplaceAll(string(block), "\r\n", "\n"), "\n")
	lines = lines[1 : len(lines)-1]
	for len(lines) > 0 && (lines[0] == "" || armourHeader.MatchString(lines[0])) {
		lines = lines[1:]
	}
	if len(lines) == 0 {
		return false
	}
	p, fits := mantled(lines)
	if k := len(lines) - 1; k > 0 && len(lines[k]) == 5 && lines[k][0] == '=' {
		lines = lines[:k]
	}
	for i, l := range lines {
		if l == "" || strings.Trim(l, base64Letters) != "" || i+1 < len(lines) && (len(l) != len(lines[0]) || len(l) < 60) || len(l) > len(lines[0]) {
			return false
		}
	}
	return fits && signed(p)
}

var armourHeader = regexp.MustCompile(`^(?:Version|Comment|Hash|Charset|MessageID): [\w .,:()/+-]*$`)

const base64Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="

// signatures: the sides differ in armoured blocks only. That a signature differs
// is no wonder; that a key or certificate does may be somebody else's.
func signatures(p *pair) *explained {
	ma, mb := armour.FindAllSubmatch(p.a, -1), armour.FindAllSubmatch(p.b, -1)
	if len(ma) == 0 || len(ma) != len(mb) {
		return nil
	}
	mark := []byte("-----${1}-----")
	if !equalHash(armour.ReplaceAll(p.a, mark), armour.ReplaceAll(p.b, mark)) {
		return nil
	}
	kind, keys, odd := "", false, false
	for i := range ma {
		if bytes.Equal(ma[i][0], mb[i][0]) {
			continue
		}
		k := string(ma[i][1])
		if kind == "" {
			kind = k
		}
		odd = odd || !armoured(ma[i][0]) || !armoured(mb[i][0])
		keys = keys || !strings.Contains(k, "SIGNATURE") && !strings.Contains(k, "PKCS7") && !strings.Contains(k, "CMS")
	}
	c := diff.Cause{ID: "D5i", Name: "signature", Confidence: diff.Proved, Evidence: "the texts are equal without the armoured blocks", Fix: "sign outside of the build"}
	if odd {
		c.Confidence = diff.Likely
		c.Evidence += "; but what they hold is no signature that can be read"
	}
	if keys {
		c.Name, c.Confidence = "key or certificate", diff.Likely
		c.Evidence += "; whose key it is has to be known otherwise"
	}
	return &explained{a: kind, b: "another", cause: c}
}
