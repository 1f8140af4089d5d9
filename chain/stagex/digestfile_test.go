package stagex

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagescope/stagescope/chain"
)

func TestMergeDigests(t *testing.T) {
	d := func(c string) chain.Digest { return chain.Digest("sha256:" + strings.Repeat(c, 64)) }
	line := func(c, id string) string { return strings.Repeat(c, 64) + " " + id + "\n" }
	old := line("a", "core-b") + line("b", "core-z")
	for name, test := range map[string]struct {
		old     string
		add     map[string]chain.Digest
		replace bool
		want    string
		changes []MergedDigest
		err     string
	}{
		"nothing": {old: old, want: old},
		"added, sorted": {old: old, add: map[string]chain.Digest{"core-m": d("c"), "core-a": d("d")},
			want:    line("d", "core-a") + line("a", "core-b") + line("c", "core-m") + line("b", "core-z"),
			changes: []MergedDigest{{"core-a", d("d"), "", DigestAdded}, {"core-m", d("c"), "", DigestAdded}}},
		"equal": {old: old, add: map[string]chain.Digest{"core-b": d("a")}, want: old,
			changes: []MergedDigest{{"core-b", d("a"), "", DigestEqual}}},
		"conflict keeps": {old: old, add: map[string]chain.Digest{"core-b": d("c")}, want: old,
			changes: []MergedDigest{{"core-b", d("c"), d("a"), DigestConflict}}},
		"replaced": {old: old, add: map[string]chain.Digest{"core-b": d("c")}, replace: true, want: line("c", "core-b") + line("b", "core-z"),
			changes: []MergedDigest{{"core-b", d("c"), d("a"), DigestReplaced}}},
		"into nothing":    {add: map[string]chain.Digest{"core-b": d("c")}, want: line("c", "core-b"), changes: []MergedDigest{{"core-b", d("c"), "", DigestAdded}}},
		"a foreign line":  {old: old + "# by hand\n", err: "line 3"},
		"two digests":     {old: old + line("c", "core-b"), err: "second digest"},
		"the same, twice": {old: old + line("a", "core-b"), want: old},
	} {
		t.Run(name, func(t *testing.T) {
			got, changes, err := MergeDigests([]byte(test.old), test.add, test.replace)
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Fatalf("error %v, want %q", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, string(got)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(test.changes, changes); diff != "" {
				t.Error(diff)
			}
		})
	}
}
