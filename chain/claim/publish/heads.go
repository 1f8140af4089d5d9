package publish

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/store"
)

// headType is the artifact by which a store remembers the newest book that it
// saw in a place: a record, and the book's own bytes.
const (
	headType   = "application/vnd.stagescope.head.v1+json"
	headRecord = "head.json"
	headBook   = "book.json"
)

// head is the record.
type head struct {
	V       int          `json:"v"` // 1
	Place   string       `json:"place"`
	Release string       `json:"release"`
	Book    chain.Digest `json:"book"`
	Seen    time.Time    `json:"seen"`
}

// LastBook is the newest book of a release that was seen in a place before; nil
// when there was none. A memory that cannot be read is an error: without it a
// tag that went back would not be noticed.
func LastBook(s *store.Store, place, release string) (*Book, time.Time, error) {
	list, err := s.Artifacts(headType, "")
	if err != nil {
		return nil, time.Time{}, err
	}
	var newest *head
	var at store.Artifact
	for _, a := range list {
		var h head
		if err := readJSON(s, a.File(headRecord), &h); err != nil {
			return nil, time.Time{}, fmt.Errorf("reading which books were seen: %w", err)
		}
		if h.V == 1 && h.Place == place && h.Release == release && (newest == nil || h.Seen.After(newest.Seen)) {
			newest, at = &h, a
		}
	}
	if newest == nil {
		return nil, time.Time{}, nil
	}
	f := at.File(headBook)
	if f == nil || chain.Digest(f.Descriptor.Digest) != newest.Book {
		return nil, time.Time{}, fmt.Errorf("reading which books were seen: %s of %s is not kept", newest.Book, place)
	}
	raw, err := s.ReadBlob(newest.Book, maxManifest)
	if err != nil {
		return nil, time.Time{}, err
	}
	b, err := parseBook(Manifest{MediaType: BookType, Raw: raw})
	return b, newest.Seen, err
}

func readJSON(s *store.Store, f *store.ArtifactFile, v any) error {
	if f == nil {
		return errors.New("a record is missing")
	}
	data, err := s.ReadBlob(chain.Digest(f.Descriptor.Digest), 64<<10)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, v)
}

// Remember keeps a book as the newest that was seen in a place, and forgets the
// one before.
func Remember(ctx context.Context, s *store.Store, place string, b *Book, at time.Time) error {
	list, err := s.Artifacts(headType, "")
	if err != nil {
		return err
	}
	_, err = s.PutArtifact(ctx, store.Artifact{
		Type: headType,
		Files: []store.ArtifactFile{
			{Name: headRecord, MediaType: "application/json", Data: mustJSON(head{1, place, b.Release, b.Digest, at.UTC()})},
			{Name: headBook, MediaType: "application/json", Data: b.Manifest.Raw},
		},
	})
	if err != nil {
		return fmt.Errorf("remembering the book of %s: %w", place, err)
	}
	for _, a := range list {
		var h head
		if readJSON(s, a.File(headRecord), &h) == nil && h.Place == place && h.Release == b.Release && h.Seen.Before(at) {
			if err := s.RemoveArtifact(ctx, chain.Digest(a.Descriptor.Digest)); err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
		}
	}
	return nil
}
