package claim

import (
	"crypto/sha256"
	"fmt"
	"testing"

	"github.com/stagescope/stagescope/chain"
)

// TestInputDigest: I is the SHA-256 of the canonical document, written directly
// or not, in whatever order the inputs are given.
func TestInputDigest(t *testing.T) {
	d := func(s string) chain.Digest { return chain.SHA256(sha256.Sum256([]byte(s))) }
	for _, ids := range [][]string{{}, {"core-b"}, {"core-b", "core-a", "core+", "core.a", "core-a-b"}, {"core-\"x\"", "core-é", "core-<a>"}, {"core-\u007f", "a\\b"}} {
		var inputs []Input
		for _, id := range ids {
			inputs = append(inputs, Input{Stage: id, Manifest: d(id), Rootfs: d(id + "F")})
		}
		doc, err := document(d("R"), inputs)
		if err != nil {
			t.Fatal(err)
		}
		want := chain.SHA256(sha256.Sum256(doc))
		if got, err := InputDigest(d("R"), inputs); err != nil || got != want {
			t.Errorf("%q: %s, %v; want %s of %s", ids, got, err, want, doc)
		}
	}
	two := []Input{{"a", d("1"), d("2")}, {"b", d("1"), d("2")}, {"a", d("3"), d("4")}}
	if got, err := InputDigest(d("R"), two); err == nil {
		t.Errorf("an input given twice: %s", got)
	}
	if got, err := InputDigest(d("R"), []Input{{Stage: "a", Manifest: d("1")}}); err == nil {
		t.Errorf("an input without a rootfs: %s", got)
	}
	if got, err := InputDigest("", nil); err == nil {
		t.Errorf("no recipe: %s", got)
	}
}

func BenchmarkInputDigest(b *testing.B) {
	var inputs []Input
	for i := range 12 {
		inputs = append(inputs, Input{fmt.Sprint("core-", i), chain.SHA256([32]byte{1}), chain.SHA256([32]byte{2})})
	}
	for b.Loop() {
		if _, err := InputDigest(chain.SHA256([32]byte{3}), inputs); err != nil {
			b.Fatal(err)
		}
	}
}
