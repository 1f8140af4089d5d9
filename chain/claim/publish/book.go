package publish

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim"
)

// Book lists all claims of a place about one release, under a tag that moves.
// Each book names the one before, so that whoever keeps an older one sees when
// something was taken back, or when others are shown something else. It is not
// signed, and its entries are hints: the bundles are what is verified.
type Book struct {
	Digest   chain.Digest
	Release  string
	Prev     chain.Digest // "" of the first
	Entries  []BookEntry
	Manifest Manifest
}

// BookEntry is one claim as a book lists it.
type BookEntry struct {
	Recipe   chain.Digest // R
	Output   chain.Digest // D, "" of a failure
	Bundle   chain.Digest
	Manifest chain.Digest // the bundle's referrer
}

// bookEntry is what goes into a book.
type bookEntry struct {
	recipe, bundle ocispec.Descriptor // manifests
	claim          *claim.Claim
	digest         chain.Digest // of the bundle
}

// ErrRewound is wrapped when a book does not continue an older one.
var ErrRewound = errors.New("the book does not continue the one seen before")

var notInTag = regexp.MustCompile(`[^A-Za-z0-9._-]`)

// BookTag is the tag of a release's book.
func BookTag(release string) string {
	if release == "" {
		return "book-unreleased"
	}
	tag := "book-" + notInTag.ReplaceAllString(release, "_")
	return tag[:min(len(tag), 128)]
}

// ReadBook reads the newest book of a release. Its error wraps ErrNotFound when
// there is none.
func ReadBook(ctx context.Context, p Place, release string) (*Book, error) {
	m, err := p.Manifest(ctx, BookTag(release))
	if err != nil {
		return nil, fmt.Errorf("reading the book of %q: %w", release, err)
	}
	b, err := parseBook(m)
	if err == nil && b.Release != release {
		err = fmt.Errorf("it is of release %q", b.Release)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the book of %q in %s: %w", release, p.Name(), err)
	}
	return b, nil
}

func parseBook(m Manifest) (*Book, error) {
	p, err := m.parse()
	if err != nil {
		return nil, err
	}
	if !p.isIndex() || p.ArtifactType != BookType {
		return nil, fmt.Errorf("%s is no book", m.Digest())
	}
	b := &Book{Digest: m.Digest(), Release: p.Annotations[AnnotationRelease], Prev: chain.Digest(p.Annotations[AnnotationPrev]), Manifest: m}
	digests := []chain.Digest{b.Prev}
	for _, d := range p.Manifests {
		if !isBundleType(d.ArtifactType) {
			continue // a recipe, or the book before
		}
		e := BookEntry{
			Recipe: chain.Digest(d.Annotations[AnnotationRecipe]), Output: chain.Digest(d.Annotations[AnnotationOutput]),
			Bundle: chain.Digest(d.Annotations[AnnotationBundle]), Manifest: chain.Digest(d.Digest),
		}
		b.Entries = append(b.Entries, e)
		digests = append(digests, e.Recipe, e.Output, e.Bundle)
	}
	for _, d := range digests {
		if d == "" {
			continue
		}
		if _, err := chain.ParseDigest(string(d)); err != nil {
			return nil, fmt.Errorf("book %s: %w", m.Digest(), err)
		}
	}
	return b, nil
}

// AddToBook writes a release's book anew, with the claims that were put. Older
// is the newest book of it that was seen before, "" for none: a book that does
// not continue it is left alone, with ErrRewound.
func AddToBook(ctx context.Context, p Place, release string, older chain.Digest, put []*Receipt) (*Book, error) {
	if d, ok := p.(*Directory); ok {
		free, err := d.lock(ctx)
		if err != nil {
			return nil, err
		}
		defer free()
		p = locked{d}
	}
	for range maxWrites {
		began := time.Now()
		head, err := ReadBook(ctx, p, release)
		switch {
		case errors.Is(err, ErrNotFound):
			head = nil
		case err != nil:
			return nil, err
		}
		if err := Continues(ctx, p, head, older); err != nil {
			return nil, err
		}
		if head.has(put) {
			return head, nil
		}
		next, err := nextBook(release, head, put)
		if err != nil {
			return nil, err
		}
		if err := p.PutManifest(ctx, next, BookTag(release)); err != nil {
			return nil, fmt.Errorf("writing the book of %q in %s: %w", release, p.Name(), err)
		}
		// Who wrote at the same time built on the same book. The one that is read
		// next is continued; what it lacks is added to it.
		if err := settle(ctx, time.Since(began)); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("writing the book of %q in %s: %w", release, p.Name(), ErrClobbered)
}

// has says whether the book lists all that was put.
func (b *Book) has(put []*Receipt) bool {
	if b == nil {
		return false
	}
	listed := map[chain.Digest]bool{}
	for _, e := range b.Entries {
		listed[e.Manifest] = true
	}
	for _, r := range put {
		if !listed[chain.Digest(r.entry.bundle.Digest)] {
			return false
		}
	}
	return true
}

// nextBook is the index that follows head, which may be nil. The book before is
// an entry too, so that it is kept and copied with it.
func nextBook(release string, head *Book, put []*Receipt) (Manifest, error) {
	idx := ocispec.Index{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex, ArtifactType: BookType,
		Annotations: map[string]string{AnnotationRelease: release},
	}
	seen := map[digest.Digest]bool{}
	add := func(d ocispec.Descriptor) {
		if !seen[d.Digest] {
			seen[d.Digest] = true
			idx.Manifests = append(idx.Manifests, d)
		}
	}
	if head != nil {
		idx.Annotations[AnnotationPrev] = string(head.Digest)
		add(ocispec.Descriptor{MediaType: ocispec.MediaTypeImageIndex, ArtifactType: BookType, Digest: digest.Digest(head.Digest), Size: int64(len(head.Manifest.Raw))})
		p, err := head.Manifest.parse()
		if err != nil {
			return Manifest{}, err
		}
		for _, d := range p.Manifests {
			if d.ArtifactType != BookType {
				add(d)
			}
		}
	}
	for _, r := range put {
		e := r.entry
		recipe := e.recipe
		recipe.ArtifactType = RecipeType
		add(recipe)
		d := e.bundle
		d.Annotations = map[string]string{AnnotationRecipe: string(e.claim.Recipe), AnnotationBundle: string(e.digest)}
		if out := e.claim.Output.Manifest; out != "" {
			d.Annotations[AnnotationOutput] = string(out)
		}
		add(d)
	}
	m := Manifest{MediaType: ocispec.MediaTypeImageIndex, Raw: mustJSON(idx)}
	if len(m.Raw) > maxManifest {
		return Manifest{}, fmt.Errorf("writing the book of %q: it would have %d bytes, more than registries take", release, len(m.Raw))
	}
	return m, nil
}

// Continues says whether a book, or none, comes after an older one or is it. An
// error that wraps ErrRewound proves that it does not; after any other it is
// not known.
func Continues(ctx context.Context, p Place, head *Book, older chain.Digest) error {
	if older == "" {
		return nil
	}
	if head == nil {
		return fmt.Errorf("%s has no book any more, and had %s: %w", p.Name(), older, ErrRewound)
	}
	at := head
	for range maxBooks {
		if at.Digest == older {
			return nil
		}
		if at.Prev == "" {
			return fmt.Errorf("%s: book %s does not lead back to %s: %w", p.Name(), head.Digest, older, ErrRewound)
		}
		m, err := p.Manifest(ctx, string(at.Prev))
		if err != nil {
			return fmt.Errorf("following book %s of %s back to %s: %w", head.Digest, p.Name(), older, err)
		}
		if at, err = parseBook(m); err != nil {
			return fmt.Errorf("following book %s of %s back to %s: %w", head.Digest, p.Name(), older, err)
		}
	}
	return fmt.Errorf("following book %s of %s back to %s: more than %d books lie between", head.Digest, p.Name(), older, maxBooks)
}

// Dropped are the entries of an older book that a newer one lacks: claims that
// were taken back.
func (b *Book) Dropped(older *Book) []BookEntry {
	have := map[chain.Digest]bool{}
	for _, e := range b.Entries {
		have[e.Manifest] = true
	}
	var out []BookEntry
	for _, e := range older.Entries {
		if !have[e.Manifest] {
			out = append(out, e)
		}
	}
	return out
}
