package cause

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math/bits"
	"regexp"
	"slices"

	"github.com/stagescope/stagescope/diff"
)

// wholeRules look at a content as a whole, before its ranges are. Each either
// explains all of it or nothing.
var wholeRules = []func(*pair) *explained{lineEnds, peStamps, encodings, signatures, infoDirectory, mappedStrings, machineID, recordOrder, localeOrder, workerOrder, listingOrder, lineOrder, addressOrder, signature, truncated}

// lineEnds: the sides are equal once carriage returns before line ends, and a
// byte order mark, are taken away.
func lineEnds(p *pair) *explained {
	plain := func(b []byte) []byte {
		return bytes.ReplaceAll(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")), []byte("\r\n"), []byte("\n"))
	}
	if !diff.Textual(p.node.Kind) || !equalHash(plain(p.a), plain(p.b)) {
		return nil
	}
	return &explained{a: fmt.Sprintf("%d carriage returns", bytes.Count(p.a, []byte("\r\n"))), b: fmt.Sprintf("%d carriage returns", bytes.Count(p.b, []byte("\r\n"))),
		cause: diff.Cause{ID: "D6b", Name: "line ends or byte order mark", Confidence: diff.Proved, Evidence: "the texts are equal without them", Fix: "write one kind of line end"}}
}

// lineOrder: the sides hold the same lines in another order.
func lineOrder(p *pair) *explained {
	if !diff.Textual(p.node.Kind) || !reordered(p) {
		return nil
	}
	n := bytes.Count(p.a, []byte("\n"))
	return ordered(p, &explained{a: fmt.Sprintf("%d lines", n), b: "the same lines, in another order",
		cause: diff.Cause{ID: "D4a", Name: "order of the lines", Confidence: diff.Proved, Evidence: "the texts are equal once their lines are sorted",
			Fix: "sort what is written: directory listings, hash tables, results of parallel work"}})
}

var (
	addressInLine = regexp.MustCompile(`\b0x[0-9a-fA-F]{6,16}\b`)
	countInLine   = regexp.MustCompile(`(?m)^[ \t]*[0-9]{1,7}\b`)
)

// addressOrder: the sides hold the same lines, but for addresses in memory and
// the lines' own numbers, in an order that the addresses give.
func addressOrder(p *pair) *explained {
	mark, line := []byte("0x"), []byte("\n")
	if !diff.Textual(p.node.Kind) || !bytes.Contains(p.a, mark) || !bytes.Contains(p.b, mark) || bytes.Count(p.a, line) != bytes.Count(p.b, line) {
		return nil
	}
	if !addressInLine.Match(p.a) || !addressInLine.Match(p.b) || !numbering(p.a) || !numbering(p.b) {
		return nil
	}
	plain := func(b []byte) []byte {
		b = countInLine.ReplaceAll(addressInLine.ReplaceAll(b, []byte("\x00address\x00")), []byte("\x00number\x00"))
		ls := bytes.SplitAfter(b, []byte("\n"))
		slices.SortFunc(ls, bytes.Compare)
		return bytes.Join(ls, nil)
	}
	if !equalHash(plain(p.a), plain(p.b)) {
		return nil
	}
	ex := &explained{a: string(addressInLine.Find(p.a)), b: string(addressInLine.Find(p.b)),
		cause: diff.Cause{ID: "D4b", Name: "addresses in memory, and an order by them", Confidence: diff.Proved,
			Evidence: "the texts are equal once addresses and line numbers are taken out and the lines are sorted", Fix: "give things stable numbers; do not write or sort by addresses"}}
	for _, text := range [][]byte{p.a, p.b} {
		for _, at := range addressInLine.FindAll(text, -1) {
			if !processAddress.Match(at) {
				ex.cause.Confidence = diff.Likely
			}
		}
	}
	return ordered(p, ex)
}

// bitFlip: one bit differs in all of the content.
func bitFlip(p *pair) *explained {
	r := p.node.RangesA
	if len(p.a) != len(p.b) || len(r) != 1 || r[0].Len != 1 || p.node.RangesB[0].Len != 1 {
		return nil
	}
	at := r[0].Off
	if x := p.a[at] ^ p.b[at]; bits.OnesCount8(x) != 1 || diff.Textual(p.node.Kind) {
		return nil
	}
	return &explained{a: fmt.Sprintf("%#02x at byte %d", p.a[at], at), b: fmt.Sprintf("%#02x", p.b[at]),
		cause: diff.Cause{ID: "D7b", Name: "a single bit", Confidence: diff.Likely, Evidence: "one bit differs in the whole content",
			Fix: "repeat the build; if it does not come again, test the memory; if it does, somebody wants it"}}
}

// truncated: one side is the beginning of the other.
func truncated(p *pair) *explained {
	if p.node.A != nil && p.node.A.Within != nil && p.node.Kind == diff.KindBinary {
		return nil // a part of a file is as long as its headers say
	}
	short, long, which := p.a, p.b, "A"
	if len(short) > len(long) {
		short, long, which = long, short, "B"
	}
	if len(short) == len(long) || !bytes.HasPrefix(long, short) || !p.repeat && !cutOff(short, diff.Textual(p.node.Kind)) {
		return nil
	}
	c := diff.Cause{ID: "D7c", Name: "cut short", Confidence: diff.Likely, Evidence: fmt.Sprintf("%s is the first %d bytes of the other", which, len(short)),
		Fix: "look for a full disk, a lost process or a race of writers"}
	return &explained{a: fmt.Sprintf("%d bytes", len(p.a)), b: fmt.Sprintf("%d bytes", len(p.b)), cause: c}
}

// equalHash compares as a proof is made: by hashing both.
func equalHash(a, b []byte) bool { return sha256.Sum256(a) == sha256.Sum256(b) }
