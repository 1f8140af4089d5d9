package publish

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

// TestHeads: the newest book is remembered for each place and release.
func TestHeads(t *testing.T) {
	s, p := emptyStore(t), NewDirectory(t.TempDir())
	alice := newParty(t, "alice")
	if b, _, err := LastBook(s, p.Name(), "2026.03.0"); b != nil || err != nil {
		t.Fatalf("%+v %v", b, err)
	}
	at := time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC)
	var last *Book
	for i := range 3 {
		b, err := AddToBook(t.Context(), p, "2026.03.0", "", put(t, p, alice.claim(t, "core-bash", fmt.Sprint(i))))
		if err != nil {
			t.Fatal(err)
		}
		last = b
		if err := Remember(t.Context(), s, p.Name(), b, at.Add(time.Duration(i)*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	got, seen, err := LastBook(s, p.Name(), "2026.03.0")
	if err != nil || got.Digest != last.Digest || len(got.Entries) != 3 || !seen.Equal(at.Add(2*time.Hour)) {
		t.Errorf("%+v %v %v", got, seen, err)
	}
	if list, err := s.Artifacts(headType, ""); err != nil || len(list) != 1 {
		t.Errorf("%d records, %v", len(list), err)
	}
	if b, _, err := LastBook(s, "elsewhere", "2026.03.0"); b != nil || err != nil {
		t.Errorf("%+v %v", b, err)
	}
	if err := s.Remove(got.Digest); err != nil {
		t.Fatal(err)
	}
	if _, _, err := LastBook(s, p.Name(), "2026.03.0"); err == nil {
		t.Error("a lost memory was taken for none")
	}
}

// TestFindListed: the book leads to claims that the lists of referrers withhold.
func TestFindListed(t *testing.T) {
	p := NewDirectory(t.TempDir())
	alice := newParty(t, "alice")
	a, b := alice.claim(t, "core-bash", "D"), alice.claim(t, "core-m4", "M")
	book, err := AddToBook(t.Context(), p, "2026.03.0", "", put(t, p, a, b))
	if err != nil {
		t.Fatal(err)
	}
	found, missed := FindListed(t.Context(), p, book.Entries)
	if !slices.Equal(bundles(found), digests(a, b)) || len(missed) > 0 {
		t.Errorf("%d bundles, %v", len(found), missed)
	}
	gone := append(book.Entries, BookEntry{Manifest: digestOf("gone")})
	if found, missed = FindListed(t.Context(), p, gone); len(found) != 2 || len(missed) != 1 || !errors.Is(missed[0], ErrNotFound) {
		t.Errorf("%d bundles, %v", len(found), missed)
	}
}

func FuzzManifest(f *testing.F) {
	f.Add([]byte(`{"schemaVersion":2,"manifests":[{"digest":"sha256:00","size":1}]}`))
	f.Add(artifact{typ: BookType}.manifest().Raw)
	m, err := nextBook("x", nil, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(m.Raw)
	f.Fuzz(func(t *testing.T, data []byte) {
		m := Manifest{Raw: data}
		_ = m.Descriptor()
		if b, err := parseBook(m); err == nil && b.Prev != "" {
			if _, err := nextBook("x", b, nil); err != nil && len(data) < 1<<20 {
				t.Fatal(err)
			}
		}
		if l, err := bundleLayer(m); err == nil && l != nil {
			if err := checkDescriptor(*l); err != nil {
				t.Fatal(err)
			}
		}
	})
}
