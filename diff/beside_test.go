package diff

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stagescope/stagescope/chain/image"
)

// TestBesideImages: two directories that hold one image and something beside it are
// the same image, and what lies beside it is said.
func TestBesideImages(t *testing.T) {
	spec := imageSpec{layers: [][]byte{tarBytes(t, base...)}}
	a, b := spec.write(t), spec.write(t)
	say := func() string {
		t.Helper()
		n := compareRefs(t, a, b, Options{})
		if n.Status != Same || n.Capped {
			t.Fatal(sketch(n, ""))
		}
		return n.Note
	}
	if s := say(); strings.Contains(s, "beside") {
		t.Errorf("equal directories: %s", s)
	}
	hidden := strings.Repeat("ab", 32)
	for name, text := range map[string]string{"blobs/sha256/" + hidden: "nobody refers to it", "note": "x"} {
		if err := os.WriteFile(filepath.Join(b, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(a, "readme"), []byte("one"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(b, "readme"), []byte("two"), 0o644); err != nil {
		t.Fatal(err)
	}
	if s := say(); !strings.Contains(s, `only side B's directory has "blobs/sha256/`+hidden+`", "note"`) || !strings.Contains(s, `different "readme"`) || strings.Contains(s, "only side A") {
		t.Errorf("it says %s", s)
	}
	if err := os.Remove(filepath.Join(b, "readme")); err != nil {
		t.Fatal(err)
	}
	if s := say(); !strings.Contains(s, `only side A's directory has "readme"`) {
		t.Errorf("it says %s", s)
	}
	if c, err := Refs(t.Context(), "oci:"+a, "oci:"+b, image.Options{}, Options{Limits: Limits{Members: 4}}); err == nil {
		c.Close()
		if !strings.Contains(c.Root.Note, "not compared to its end") {
			t.Errorf("with a bound it says %s", c.Root.Note)
		}
	} else {
		t.Error(err)
	}
}
