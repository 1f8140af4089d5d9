package cause

import (
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/stagescope/stagescope/diff"
)

// probes are files in which configure writes down what it found on a machine.
var probes = regexp.MustCompile(`(?:^|/)config(?:\.h|\.log|\.status|\.cache|ure\.log|\.mk)$`)

// probe notes a file of probes that differs.
func (c *classifier) probe(n *diff.Node) {
	if n.Status != diff.Differs || n.Kind != diff.KindText || len(c.probed) > 16 {
		return
	}
	if name := nameOf(n); probes.MatchString(name) {
		c.probed = append(c.probed, name)
	}
}

func nameOf(n *diff.Node) string {
	if n.A != nil {
		return n.A.Name
	}
	if n.B != nil {
		return n.B.Name
	}
	return n.Name
}

// hostDependent are files that builds make when the machine has something.
var hostDependent = regexp.MustCompile(`(?:^|/)(?:locale-archive|gconv-modules\.cache|icon-theme\.cache|mimeinfo\.cache|giomodule\.cache)$|\.(?:gir|typelib|vapi)$`)

// absent says why a member that no other rule knows is on one side only; nil
// when nothing speaks for anything.
func (c *classifier) absent(n *diff.Node, name string) *diff.Cause {
	switch {
	case c.known.Repeat:
		return &diff.Cause{ID: "C4", Name: "a race: it is not made every time", Evidence: "one recipe was built twice on one machine, and only one of them has it", Fix: "state what each step of the build needs; try it with -j1"}
	case len(c.probed) > 0:
		return &diff.Cause{ID: "C2", Name: "made where the machine has something", Evidence: fmt.Sprintf("what configure found differs as well, in %q", c.probed[0]), Fix: "set configure's cached answers, or name what is wanted"}
	case hostDependent.MatchString(name):
		return &diff.Cause{ID: "C2", Name: "made where the machine has something", Evidence: "its name", Fix: "make it always, or never"}
	}
	return nil
}

// renamed says why a file has another name and the same content; nil when the
// names do not look made.
func renamed(r *diff.Reason, whole bool) *diff.Cause {
	if r.Field != "name" || path.Dir(r.A) != path.Dir(r.B) {
		return nil
	}
	a, b := madeUp(path.Base(r.A), path.Base(r.B))
	if a == "" || a != b {
		return nil
	}
	c := &diff.Cause{ID: "C3", Name: "random file name", Confidence: diff.Likely, Evidence: "the content is the same, and the names are equal but for a part that looks random", Fix: "give it a fixed name"}
	if whole {
		c.Confidence = diff.Proved
		c.Evidence = "the content is equal, hashed, and so are the names without the part that looks random"
	}
	return c
}

// token that a name is made of; a random one has six letters or digits or more.
var nameToken = regexp.MustCompile(`[0-9A-Za-z]{6,}`)

// madeUp gives two names with the tokens in which they differ taken out; "" when
// these do not look random: words that people give have no digit and one case.
func madeUp(a, b string) (string, string) {
	ta, tb := nameToken.FindAllString(a, -1), nameToken.FindAllString(b, -1)
	if len(ta) != len(tb) || len(ta) == 0 {
		return "", ""
	}
	for i := range ta {
		if ta[i] == tb[i] {
			continue
		}
		if len(ta[i]) != len(tb[i]) || !mixed(ta[i]) || !mixed(tb[i]) || !unlike(ta[i], tb[i]) {
			return "", ""
		}
		a, b = strings.Replace(a, ta[i], "\x00", 1), strings.Replace(b, tb[i], "\x00", 1)
	}
	return a, b
}

// unlike reports whether two tokens have little in common: python2 and python3, or
// sha256sum and sha512sum, are names that people gave.
func unlike(a, b string) bool {
	from := commonStart(a, b)
	a, b = a[from:], b[from:]
	same := 0
	for i := range a {
		if a[i] == b[i] {
			same++
		}
	}
	return len(a) >= 5 && same*3 <= len(a)
}

// mixed reports whether a token has digits among letters, or both cases within.
func mixed(s string) bool {
	digits, upper, lower := 0, 0, 0
	for i, c := range s {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case c >= 'A' && c <= 'Z' && i > 0:
			upper++
		case c >= 'a' && c <= 'z':
			lower++
		}
	}
	return digits > 0 && upper+lower > 0 || upper > 0 && lower > 0 || digits == len(s) && len(s) >= 8
}
