package executable

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/stagescope/stagescope/diff"
)

// Bounds of strings.
const (
	minString   = 4
	maxString   = 512
	maxStrings  = 4096 // of one part and side
	shownString = 120  // characters
	// besideString is how much is shown around what differs of a long text.
	besideString = 16
	alone        = 16 // strings that are suspicions of their own
)

// telling are strings that say what a program reaches for.
var telling = []struct {
	what string
	re   *regexp.Regexp
}{
	{"an address on a network", regexp.MustCompile(`(?i)\b(?:https?|ftp|ssh|wss?|tcp|udp)://|\b(?:\d{1,3}\.){3}\d{1,3}\b|\.onion\b`)},
	{"a file that guards access", regexp.MustCompile(`/etc/(?:passw|shadow|sudoers|pam|ssh|ld\.so)|/\.ssh/|authorized_keys|/proc/(?:self|\d+)/(?:mem|maps)|/dev/(?:mem|tcp|udp)`)},
	{"a command", regexp.MustCompile(`/bin/(?:ba|da|z|k|c)?sh\b|\b(?:curl|wget|nc|ncat|socat|chmod|chown|iptables|base64|eval|exec|sudo|insmod|ld_preload)\b[ =]|(?i)LD_PRELOAD`)},
	{"a path", regexp.MustCompile(`^/(?:[\w.+@~-]+/)*[\w.+@~-]+$`)},
}

// texts makes suspicions of strings that lie in what differs and that the other
// side has not there, and lists them.
func (p *pairing) texts(n *diff.Node, ra, rb *region, hs []diff.Hunk) {
	sa, cutA := stringsIn(p.a.input(ra), hs, func(h diff.Hunk) diff.Range { return h.A })
	sb, cutB := stringsIn(p.b.input(rb), hs, func(h diff.Hunk) diff.Range { return h.B })
	onlyA, onlyB := without(sa, sb), without(sb, sa)
	if len(onlyA)+len(onlyB) == 0 {
		return
	}
	p.x.Listing(n, "strings", lines(onlyA), lines(onlyB))
	if cutA || cutB {
		n.Children[len(n.Children)-1].Note = fmt.Sprintf("only the first %d strings of a side were looked at", maxStrings)
	}
	suspectStrings(n, "A", "B", onlyA)
	suspectStrings(n, "B", "A", onlyB)
}

func lines(ss []string) string {
	if len(ss) == 0 {
		return ""
	}
	return strings.Join(ss, "\n") + "\n"
}

func suspectStrings(n *diff.Node, side, other string, ss []string) {
	told := 0
	var plain []string
	for _, s := range ss {
		what, power := "", false
		for i, t := range telling {
			if t.re.MatchString(s) {
				what, power = t.what, 1<<(len(telling)-i) >= tellsPower
				break
			}
		}
		if what == "" || told == alone {
			plain = append(plain, s)
			continue
		}
		told++
		n.Suspect(diff.Suspicion{Kind: diff.SuspectString, Telling: power, What: fmt.Sprintf("side %s has a string that %s has not, %s: %q", side, other, what, short(s))})
	}
	if len(plain) == 0 {
		return
	}
	var shown []string
	for i, s := range plain {
		if i == 6 {
			shown = append(shown, "…")
			break
		}
		shown = append(shown, fmt.Sprintf("%q", short(s)))
	}
	count := "a string"
	if len(plain) > 1 {
		count = fmt.Sprintf("%d strings", len(plain))
	}
	n.Suspect(diff.Suspicion{Kind: diff.SuspectString, What: fmt.Sprintf("side %s has %s that %s has not: %s", side, count, other, strings.Join(shown, ", "))})
}

func short(s string) string {
	if utf8.RuneCountInString(s) > shownString {
		return string([]rune(s)[:shownString]) + "…"
	}
	return s
}

// stringsIn gives the strings that touch ranges of a content, in order, each
// once. cut says that there were too many.
func stringsIn(in *diff.Input, hs []diff.Hunk, of func(diff.Hunk) diff.Range) (out []string, cut bool) {
	seen := map[string]bool{}
	done := int64(0)
	for _, h := range hs {
		r := of(h)
		if r.Len == 0 && r.Off > 0 {
			continue // nothing of it is here
		}
		from, to := max(r.Off-maxString, done, 0), min(r.Off+min(r.Len, 1<<20)+maxString, in.Size)
		if from >= to {
			continue
		}
		buf := make([]byte, to-from)
		if k, _ := in.ReadAt(buf, from); k < len(buf) {
			return out, true
		}
		for _, at := range printable(buf) {
			a, b := from+int64(at[0]), from+int64(at[1])
			if b <= r.Off || a >= r.Off+r.Len {
				continue
			}
			done = b
			s := string(buf[at[0]:at[1]])
			if len(s) > maxString {
				// Texts that nothing separates: what differs, and a little around it.
				lo, hi := max(a, r.Off-besideString), min(b, r.Off+r.Len+besideString)
				s = string(buf[lo-from : min(hi-from, lo-from+maxString)])
			}
			if seen[s] {
				continue
			}
			if len(out) == maxStrings {
				return out, true
			}
			seen[s] = true
			out = append(out, s)
		}
	}
	return out, false
}

// printable finds runs of printable ASCII.
func printable(p []byte) [][2]int {
	var out [][2]int
	from := 0
	for i := 0; i <= len(p); i++ {
		if i < len(p) && (p[i] >= 0x20 && p[i] < 0x7f || p[i] == '\t') {
			continue
		}
		if i-from >= minString {
			out = append(out, [2]int{from, i})
		}
		from = i + 1
	}
	return out
}

// without gives the strings of one list that another has not.
func without(ss, other []string) []string {
	var out []string
	for _, s := range ss {
		if !slices.Contains(other, s) {
			out = append(out, s)
		}
	}
	return out
}
