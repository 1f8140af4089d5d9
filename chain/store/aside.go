package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/stagescope/stagescope/chain"
)

// Aside is the record of a file whose bytes were wrong and that was kept for
// inspection.
type Aside struct {
	Name   string       `json:"name"`             // what the file was to be, e.g. a source's file name
	Want   chain.Digest `json:"expected"`         // "" when nothing was expected
	Got    chain.Digest `json:"found"`            // digest of the bytes that were kept
	Size   int64        `json:"size"`             // of the bytes that were kept
	Origin string       `json:"origin,omitempty"` // URL or path the bytes came from
	Reason string       `json:"reason"`
	When   time.Time    `json:"when"`
	Path   string       `json:"path"` // where they are kept
}

// maxAside bounds what one wrong file may take: a mirror that answers with
// endless bytes must not fill the disk. The record says when it was cut.
const maxAside = 1 << 30

// PutAside keeps the bytes of r, which are not what a.Want promises, and gives
// the path they are kept under. It fills in the record's other fields.
func (s *Store) PutAside(ctx context.Context, r io.Reader, a Aside) (string, error) {
	f, err := os.CreateTemp(s.path(ingestDir), "aside-*")
	if err != nil {
		return "", writeError(s.dir, -1, 0, err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	got, n, err := copyHashed(ctx, f, io.LimitReader(r, maxAside), -1)
	if err != nil {
		return "", writeError(s.dir, -1, n, err)
	}
	if n == maxAside {
		a.Reason += fmt.Sprintf("; cut after %d bytes", n)
	}
	a.Got = got
	if err := f.Close(); err != nil {
		return "", writeError(s.dir, n, n, err)
	}
	return s.setAside(f.Name(), a)
}

// setAside moves a file of the store to the bad ones and writes its record.
func (s *Store) setAside(name string, a Aside) (string, error) {
	info, err := os.Stat(name)
	if err != nil {
		return "", fmt.Errorf("setting a bad file aside: %w", err)
	}
	a.Size, a.When = info.Size(), s.now().UTC()
	base := plainName(a.Name) + "-" + a.Got.Short()
	a.Path = s.path(asideDir, base)
	data, err := json.MarshalIndent(a, "", "  ")
	if err != nil {
		return "", fmt.Errorf("setting a bad file aside: %w", err)
	}
	if err := os.Rename(name, a.Path); err != nil {
		return "", fmt.Errorf("setting a bad file aside: %w", writeError(s.dir, a.Size, 0, err))
	}
	return a.Path, s.writeFile(a.Path+".json", append(data, '\n'), false)
}

// plainName makes a file name of any text: at most 64 letters, digits, dots,
// dashes and underscores, not starting with a dot.
func plainName(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_', r == '.':
			return r
		}
		return '_'
	}, s)
	s = strings.TrimLeft(s[:min(64, len(s))], ".")
	if s == "" {
		return "file"
	}
	return s
}

// Asides lists what was kept aside, newest first. Records that cannot be read
// are given by path and reason only.
func (s *Store) Asides() ([]Aside, error) {
	entries, err := os.ReadDir(s.path(asideDir))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("listing what was set aside: %w", err)
	}
	var all []Aside
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".json") {
			continue
		}
		path := s.path(asideDir, e.Name())
		a := Aside{Name: e.Name(), Reason: "its record is gone"}
		if data, err := os.ReadFile(path + ".json"); err == nil {
			if err := json.Unmarshal(data, &a); err != nil {
				a = Aside{Name: e.Name(), Reason: "its record cannot be read"}
			}
		}
		a.Path = path
		all = append(all, a)
	}
	slices.SortFunc(all, func(a, b Aside) int {
		if c := b.When.Compare(a.When); c != 0 {
			return c
		}
		return strings.Compare(a.Path, b.Path)
	})
	return all, nil
}

// RemoveAside removes a bad file and its record, by the base name of its path.
func (s *Store) RemoveAside(base string) error {
	if base != filepath.Base(base) || base == "." || base == ".." {
		return fmt.Errorf("removing a file set aside: %q is not a plain name", base)
	}
	path := s.path(asideDir, base)
	if err := os.Remove(path); err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("nothing set aside is called %q: %w", base, ErrNotFound)
		}
		return fmt.Errorf("removing a file set aside: %w", err)
	}
	_ = os.Remove(path + ".json")
	return nil
}
