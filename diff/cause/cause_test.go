package cause

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stagescope/stagescope/diff"
)

// pairOf compares two contents as files and classifies the result.
func pairOf(t *testing.T, a, b []byte) *diff.Node {
	t.Helper()
	dir := t.TempDir()
	pa, pb := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	for p, c := range map[string][]byte{pa: a, pb: b} {
		if err := os.WriteFile(p, c, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	n, err := diff.NewExaminer(diff.Options{}).Paths(t.Context(), pa, pb)
	if err != nil {
		t.Fatal(err)
	}
	if err := Classify(t.Context(), n, Known{}); err != nil {
		t.Fatal(err)
	}
	return n
}

// inBinary wraps text into something that is not text, at a fixed place.
func inBinary(s string) []byte {
	return append(append(bytes.Repeat([]byte{0, 1, 2, 3, 0xfe}, 100), s...), bytes.Repeat([]byte{9, 0, 7}, 50)...)
}

func TestRules(t *testing.T) {
	for _, tc := range []struct {
		name, a, b, id string
		conf           diff.Confidence
		binary         bool
	}{
		{"ISO date", "built 2026-03-04 10:11:12 here\n", "built 2026-03-05 01:02:03 here\n", "D1a", diff.Proved, false},
		{"__DATE__", "v1 Mar  4 2026 10:11:12 x", "v1 Nov 23 2026 01:02:03 x", "D1a", diff.Proved, true},
		{"date of date(1)", "Mon Mar  2 10:11:12 UTC 2026\n", "Tue Mar  3 10:11:13 UTC 2026\n", "D1a", diff.Proved, false},
		{"RFC 3339", "t=2026-03-04T10:11:12Z;", "t=2026-03-04T10:11:13Z;", "D1a", diff.Proved, true},
		{"clock", "at 10:11:12\n", "at 10:11:19\n", "D1a", diff.Proved, false},
		{"epoch as text", "SDE 1700000000\n", "SDE 1700009999\n", "D1b", diff.Proved, false},
		{"UUID", "id 123e4567-e89b-42d3-a456-426614174000\n", "id 9b2f1c00-aaaa-4bbb-8ccc-0123456789ab\n", "D4e", diff.Proved, false},
		{"temporary path", "from /tmp/ccAb12.o\n", "from /tmp/ccZz99Qq.o\n", "D2b", diff.Proved, false},
		{"pointer", "node 0x7ffc12345678\n", "node 0x7ffd87654321\n", "D4b", diff.Proved, false},
		{"build path", "src /build/one/main.c:7\n", "src /home/me/work/main.c:7\n", "D2a", diff.Proved, false},
		{"host", "by root@alpha on\n", "by root@buildhost7 on\n", "D2c", diff.Likely, false},
		{"hex identifier", "seed=0123456789abcdef\n", "seed=fedcba9876543210\n", "D4e", diff.Likely, false},
		{"line order", "b\na\nc\n", "a\nb\nc\n", "D4a", diff.Proved, false},
		{"order by address", "0 0x7fc7d151f280 k\n1 0x7fc7d151f200 i\n", "0 0x7f4227fef200 i\n1 0x7f4227fef280 k\n", "D4b", diff.Proved, false},
		{"line ends", "a\r\nb\r\n", "a\nb\n", "D6b", diff.Proved, false},
		{"truncated", "one two three", "one two", "D7c", diff.Likely, true},
		{"bit", "aaaaaaaa", "aaacaaaa", "D7b", diff.Likely, true},
		{"binary epoch", "\x00\x00\x00\x10\x20\x60\x69", "\x00\x00\x00\x55\x31\x61\x69", "D1b", diff.Likely, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a, b := []byte(tc.a), []byte(tc.b)
			if tc.binary {
				a, b = inBinary(tc.a), inBinary(tc.b)
				if tc.id == "D7c" {
					a = a[:512] // where a block of a disk ends
					a, b = append(a, a...), a
				}
			}
			n := pairOf(t, a, b)
			if n.Status != diff.Differs {
				t.Fatalf("it is %s", n.Status)
			}
			var got []string
			found := false
			for _, r := range n.Reasons {
				if r.Cause != nil {
					got = append(got, fmt.Sprintf("%s %s (%s -> %s)", r.Cause.ID, r.Cause.Confidence, r.A, r.B))
					found = found || r.Cause.ID == tc.id && r.Cause.Confidence == tc.conf
				}
			}
			if !found || len(got) != 1 {
				t.Fatalf("causes %q, want %s %s; ranges %v %v", got, tc.id, tc.conf, n.RangesA, n.RangesB)
			}
			if want := map[bool]diff.Residue{true: diff.ResidueNone, false: diff.ResidueKnown}[tc.conf == diff.Proved]; n.Residue != want {
				t.Errorf("the residue is %s, want %s", n.Residue, want)
			}
		})
	}
}

// TestUnexplained holds the rules to what they are for: what fits none of them
// stays unexplained, also beside what does.
func TestUnexplained(t *testing.T) {
	for name, p := range map[string][2]string{
		"words":               {"the password is secret\n", "the password is public\n"},
		"a number":            {"limit 12\n", "limit 13\n"},
		"no date":             {"99:99:99\n", "99:99:98\n"},
		"date on one side":    {"at 2026-03-04\n", "at the gate\n"},
		"more than the date":  {"2026-03-04 allow=no\n", "2026-03-05 allow=yes\n"},
		"same lines and more": {"a\nb\n", "b\na\nc\n"},
	} {
		t.Run(name, func(t *testing.T) {
			n := pairOf(t, []byte(p[0]), []byte(p[1]))
			if n.Residue != diff.ResidueKnown || len(n.UnexplainedA) == 0 {
				t.Fatalf("residue %s, unexplained %v, reasons %+v", n.Residue, n.UnexplainedA, n.Reasons)
			}
		})
	}
}

func TestChecksumsOfWhatDiffers(t *testing.T) {
	dir := t.TempDir()
	for i, side := range []string{"a", "b"} {
		os.Mkdir(filepath.Join(dir, side), 0o755)
		body := fmt.Sprintf("version %s\n", strings.Repeat("x", i+1))
		os.WriteFile(filepath.Join(dir, side, "data"), []byte(body), 0o644)
		os.WriteFile(filepath.Join(dir, side, "SHA256SUMS"), fmt.Appendf(nil, "%x  data\n", sha256.Sum256([]byte(body))), 0o644)
	}
	n, err := diff.NewExaminer(diff.Options{}).Paths(t.Context(), filepath.Join(dir, "a"), filepath.Join(dir, "b"))
	if err != nil {
		t.Fatal(err)
	}
	if err := Classify(t.Context(), n, Known{}); err != nil {
		t.Fatal(err)
	}
	for _, c := range n.Children {
		if c.Name != "SHA256SUMS" {
			continue
		}
		for _, r := range c.Reasons {
			if r.Cause != nil && r.Cause.ID == "D5h" && r.Cause.Confidence == diff.Proved {
				return
			}
		}
		t.Fatalf("%+v", c.Reasons)
	}
	t.Fatal("SHA256SUMS does not differ")
}
