package diff

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
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

// TestUnsteadyFile shows that a file in a directory that is written to while it is
// read is never the same as another, and that the others are compared all the same.
func TestUnsteadyFile(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "log")
	for _, n := range []string{name, filepath.Join(dir, "other")} {
		if err := os.WriteFile(n, []byte("one\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	open := func() *writtenTo {
		d, err := dirStream(dir)
		if err != nil {
			t.Fatal(err)
		}
		return &writtenTo{dirFiles: d, t: t, name: name}
	}
	n := &Node{Kind: KindDir}
	if err := NewExaminer(Options{}).Streams(t.Context(), n, open(), open()); err != nil {
		t.Fatal(err)
	}
	l := mustFind(t, n, "log")
	if n.Status == Same || l.Status != Unreadable || !strings.Contains(l.Note, "changed while it was read") || len(n.Children) != 1 || n.Equal != 2 {
		t.Fatal(sketch(n, ""))
	}
}

// writtenTo writes to a file of a directory when it has been opened.
type writtenTo struct {
	*dirFiles
	t    *testing.T
	name string
}

func (w *writtenTo) Next(ctx context.Context) (*Member, error) {
	m, err := w.dirFiles.Next(ctx)
	if m != nil && m.Name == "log" {
		f, err := os.OpenFile(w.name, os.O_APPEND|os.O_WRONLY, 0)
		if err == nil {
			_, err = f.WriteString("two\n")
			err = errors.Join(err, f.Close())
		}
		if err != nil {
			w.t.Error(err)
		}
	}
	return m, err
}
