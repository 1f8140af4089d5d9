package cause

import (
	"strings"
	"testing"

	"github.com/stagescope/stagescope/diff"
)

// TestSystemFiles holds what a system writes of itself to the one cause that it has,
// and what an attacker would write there to none.
func TestSystemFiles(t *testing.T) {
	const old, now = "root:*:19700:0:99999:7:::\nwww:!:19700::::::\n", "root:*:19711:0:99999:7:::\nwww:!:19711::::::\n"
	const first, second = "Package: a\nStatus: install ok installed\nVersion: 1\n\n", "Package: b\nStatus: install ok installed\nVersion: 2\n\n"
	for what, c := range map[string]struct {
		name, a, b, id string
		conf           diff.Confidence
	}{
		"days":                       {"etc/shadow", old, now, "D1b", diff.Proved},
		"days of a copy":             {"etc/shadow-", old, now, "D1b", diff.Proved},
		"a password":                 {"etc/shadow", old, strings.Replace(now, "!", "$6$a$b", 1), "D1b", diff.Proved},
		"an expired password":        {"etc/shadow", old, strings.ReplaceAll(old, "19700", "00000"), "", 0},
		"a password that grows old":  {"etc/shadow", "u:x:19700:0:90:7:::\n", "u:x:19711:0:90:7:::\n", "", 0},
		"an account that ends":       {"etc/shadow", "u:x:19700:0:99999:7::19800:\n", "u:x:19700:0:99999:7::29800:\n", "", 0},
		"owner with five digits":     {"etc/passwd", "u:x:19700:19700:x:/:/bin/sh\n", "u:x:19711:19700:x:/:/bin/sh\n", "", 0},
		"identifier":                 {"etc/machine-id", "0123456789abcdef0123456789abcdef\n", "89e1f3d5a7b94cde8123aa5566778899\n", "D4e", diff.Proved},
		"identifier, and more":       {"etc/machine-id", "0123456789abcdef0123456789abcdef\n", "0123456789abcdef0123456789abcdef\n$(id)\n", "", 0},
		"identifier of another file": {"etc/id", "0123456789abcdef0123456789abcdef\n", "89e1f3d5a7b94cde8123aa5566778899\n", "D4e", diff.Likely},
		"records":                    {"var/lib/dpkg/status", first + second, second + first, "D4a", diff.Proved},
		"versions exchanged":         {"var/lib/dpkg/status", first + second, strings.Replace(first, "1", "2", 1) + strings.Replace(second, "2", "1", 1), "D4a", diff.Likely},
		"mode of another file":       {"lib/apk/db/installed", "P:a\nF:bin\nR:a\na:0:0:755\n\nP:b\nF:bin\nR:b\na:0:0:4755\n\n", "P:a\nF:bin\nR:a\na:0:0:4755\n\nP:b\nF:bin\nR:b\na:0:0:755\n\n", "D4a", diff.Likely},
		"mode within a record":       {"lib/apk/db/installed", "P:b\n\nP:a\nR:a\na:0:0:755\nR:b\na:0:0:4755\n\n", "P:b\n\nP:a\nR:a\na:0:0:4755\nR:b\na:0:0:755\n\n", "D4a", diff.Likely},
	} {
		for _, turned := range []bool{false, true} {
			a, b := c.a, c.b
			if turned {
				a, b = b, a
			}
			n := named(t, c.name, a, b)
			id, conf := causeOf(n)
			if id != c.id || conf != c.conf {
				t.Errorf("%s: %q %s instead of %q %s", what, id, conf, c.id, c.conf)
			}
			// The day is explained beside a password that is not.
			explained := c.conf == diff.Proved && what != "a password"
			if (n.Residue == diff.ResidueNone) != explained {
				t.Errorf("%s: residue %s", what, n.Residue)
			}
			if strings.HasPrefix(c.name, "etc/shadow") && explained != (n.Suspicious == 0) {
				t.Errorf("%s: %d suspicions", what, n.Suspicious)
			}
		}
	}
}

// causeOf is the first cause of a tree.
func causeOf(n *diff.Node) (string, diff.Confidence) {
	for _, r := range n.Reasons {
		if r.Cause != nil && r.Cause.Confidence != diff.Derived {
			return r.Cause.ID, r.Cause.Confidence
		}
	}
	for _, c := range n.Children {
		if id, conf := causeOf(c); id != "" {
			return id, conf
		}
	}
	return "", 0
}
