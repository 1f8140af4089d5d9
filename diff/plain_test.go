package diff

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stagescope/stagescope/chain/image"
)

// TestOddArchives compares archives that no image can be, by their paths: they are
// files like others.
func TestOddArchives(t *testing.T) {
	twice := tarBytes(t, file{name: "a", body: "one"}, file{name: "a", body: "two"})
	for what, c := range map[string][2][]byte{
		"a name twice": {twice, tarBytes(t, file{name: "a", body: "two"}, file{name: "a", body: "one"})},
		"cut off":      {twice, twice[:1024+10]},
		"odd in A":     {twice, tarBytes(t, file{name: "a", body: "one"})},
	} {
		dir := t.TempDir()
		var paths [2]string
		for i, p := range c {
			paths[i] = filepath.Join(dir, "ab"[i:i+1]+".tar")
			if err := os.WriteFile(paths[i], p, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		r, err := Refs(t.Context(), paths[0], paths[1], image.Options{}, Options{})
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		if r.Root.Status != Differs {
			t.Errorf("%s: %s", what, sketch(r.Root, ""))
		}
		r.Close()
	}
}
