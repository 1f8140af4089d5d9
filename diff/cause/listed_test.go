package cause

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestLists looks at lists of files with more in them than checksums, as .changes and
// .buildinfo of Debian are.
func TestLists(t *testing.T) {
	files := [2]string{strings.Repeat("one\x00", 3001), strings.Repeat("other\x00", 4003)}
	list := func(of, date string, size int, more string) string {
		return fmt.Sprintf("Date: %s\nChecksums-Sha1:\n %x %d tool.bin\nChecksums-Sha256:\n %x %d tool.bin\nFiles:\n %x %d utils optional tool.bin\n%s",
			date, sha1.Sum([]byte(of)), size, sha256.Sum256([]byte(of)), size, md5.Sum([]byte(of)), size, more)
	}
	const was, is = "Thu, 29 Dec 2022 16:08:49 +0100", "Sun, 01 Jun 2025 10:00:00 +0200"
	a := list(files[0], was, len(files[0]), "")
	for name, tc := range map[string]struct {
		a, b string
		left bool
	}{
		"honest":             {a, list(files[1], is, len(files[1]), ""), false},
		"another size":       {a, list(files[1], is, len(files[1])+1, ""), true},
		"another file":       {a, strings.Replace(list(files[1], is, len(files[1]), ""), fmt.Sprintf("%x", md5.Sum([]byte(files[1]))), fmt.Sprintf("%x", md5.Sum([]byte("x"))), 1), true},
		"a number that fits": {list(files[0], was, len(files[0]), fmt.Sprintf("port: %d\n", len(files[0]))), list(files[1], is, len(files[1]), fmt.Sprintf("port: %d\n", len(files[1]))), true},
	} {
		n := dirs(t, Known{}, map[string]string{"tool.bin": files[0], "tool.changes": tc.a}, map[string]string{"tool.bin": files[1], "tool.changes": tc.b})
		for _, c := range n.Children {
			if c.Name != "tool.changes" {
				continue
			}
			if left := len(c.UnexplainedA)+len(c.UnexplainedB) > 0; left != tc.left {
				t.Errorf("%s: something is left: %v\n%s", name, left, tree(c, ""))
			}
			if got := all(n)["tool.changes"]; !tc.left && !slices.Contains(got, "D5h proved") {
				t.Errorf("%s: %q", name, got)
			}
		}
	}
}
