package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/stagescope/stagescope/chain"
)

// typeTag is the artifact type of a tag's record: an artifact whose subject is
// what the tag names, so that an index.json that is lost can be rebuilt.
const typeTag = "application/vnd.stagescope.tag.v1+json"

// annotationRecord leads from an index entry to the tag's record.
const annotationRecord = "dev.stagescope.record"

// AnnotationMatches on a tag's descriptor, or on an artifact about an image,
// says which claim the image matches, e.g. "digests/core.txt (manifest)". GC
// removes no image without it unless that is asked for by name: an output that
// matches no claim is evidence.
const AnnotationMatches = "dev.stagescope.matches"

// annotationTime holds nanoseconds since 1970 as 20 decimal digits, so that
// text order is time order.
const annotationTime = "dev.stagescope.time"

// StageTag is the tag of a stage's image, and TrialTag that of one trial of it,
// counted from 1: what the references stage:ID and trial:ID/N mean.
func StageTag(id string) string { return "stage/" + id }

// TrialTag is described with StageTag.
func TrialTag(id string, n int) string { return fmt.Sprintf("trial/%s/%d", id, n) }

func tagTime(m *manifest) string { return m.Annotations[annotationTime] }

func tagged(name string, d ocispec.Descriptor, record chain.Digest) ocispec.Descriptor {
	d.Annotations = maps.Clone(d.Annotations)
	if d.Annotations == nil {
		d.Annotations = map[string]string{}
	}
	d.Annotations[ocispec.AnnotationRefName] = name
	d.Annotations[annotationRecord] = string(record)
	return d
}

// Tag makes name mean desc, with desc's annotations, in place of what it meant
// before. All that desc leads to must be in the store.
func (s *Store) Tag(ctx context.Context, name string, desc ocispec.Descriptor) error {
	if name == "" || len(name) > 512 {
		return fmt.Errorf("tagging %s: a tag has 1 to 512 bytes, not %d", desc.Digest, len(name))
	}
	if err := s.Complete(desc); err != nil {
		return fmt.Errorf("tagging %q: %w", name, err)
	}
	record, err := s.putManifest(ctx, Artifact{
		Type:    typeTag,
		Subject: &desc,
		Annotations: map[string]string{
			ocispec.AnnotationRefName: name,
			annotationTime:            fmt.Sprintf("%020d", s.now().UnixNano()),
		},
	})
	if err != nil {
		return fmt.Errorf("tagging %q: %w", name, err)
	}
	d := chain.Digest(record.Digest)
	var old []chain.Digest
	err = s.updateIndex(ctx, func(idx *ocispec.Index) error {
		old = dropTag(idx, name)
		same := func(e ocispec.Descriptor) bool {
			return e.Digest == desc.Digest && e.Annotations[ocispec.AnnotationRefName] == "" && e.ArtifactType == ""
		}
		idx.Manifests = slices.DeleteFunc(idx.Manifests, same) // it is no longer without a name
		idx.Manifests = append(idx.Manifests, tagged(name, desc, d))
		return nil
	})
	if err != nil {
		return fmt.Errorf("tagging %q: %w", name, err)
	}
	s.dropRecords(old, d)
	return nil
}

// Untag forgets name. What it meant stays until GC. A name that means nothing
// gives an error that wraps ErrNotFound.
func (s *Store) Untag(ctx context.Context, name string) error {
	var old []chain.Digest
	err := s.updateIndex(ctx, func(idx *ocispec.Index) error {
		old = dropTag(idx, name)
		if len(old) == 0 {
			return fmt.Errorf("tag %q: %w", name, ErrNotFound)
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.dropRecords(old, "")
	return nil
}

// dropTag removes the entries of a tag and gives their records.
func dropTag(idx *ocispec.Index, name string) []chain.Digest {
	var records []chain.Digest
	idx.Manifests = slices.DeleteFunc(idx.Manifests, func(e ocispec.Descriptor) bool {
		if e.Annotations[ocispec.AnnotationRefName] != name {
			return false
		}
		records = append(records, chain.Digest(e.Annotations[annotationRecord]))
		return true
	})
	return records
}

// dropRecords removes records of tags that mean something else now, so that a
// rebuilt index does not bring them back.
func (s *Store) dropRecords(records []chain.Digest, except chain.Digest) {
	for _, r := range records {
		if _, err := chain.ParseDigest(string(r)); err != nil || r == except {
			continue
		}
		if m, err := s.manifest(r); err == nil && m.ArtifactType == typeTag {
			_ = os.Remove(s.BlobPath(r))
			s.manifests.Delete(r)
		}
	}
}

// Tags gives what every tag means.
func (s *Store) Tags() (map[string]ocispec.Descriptor, error) {
	idx, err := s.index(context.Background())
	if err != nil {
		return nil, err
	}
	tags := map[string]ocispec.Descriptor{}
	for _, e := range idx.Manifests {
		if name := e.Annotations[ocispec.AnnotationRefName]; name != "" {
			tags[name] = e
		}
	}
	return tags, nil
}

// Resolve gives what a tag means. Its error wraps ErrNotFound when the tag is
// not there.
func (s *Store) Resolve(name string) (ocispec.Descriptor, error) {
	tags, err := s.Tags()
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	d, ok := tags[name]
	if !ok {
		return d, fmt.Errorf("tag %q: %w", name, ErrNotFound)
	}
	s.touch(chain.Digest(d.Digest))
	return d, nil
}

// Describe makes the descriptor of a manifest or index that the store holds.
func (s *Store) Describe(d chain.Digest) (ocispec.Descriptor, error) {
	m, err := s.manifest(d)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	return m.descriptor(d), nil
}

// Remove removes one blob by its digest, whatever leads to it.
func (s *Store) Remove(d chain.Digest) error {
	if _, err := chain.ParseDigest(string(d)); err != nil {
		return err
	}
	s.manifests.Delete(d)
	if err := os.Remove(s.BlobPath(d)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing blob %s: %w", d, err)
	}
	return nil
}

// putBytes is PutBlob of bytes at hand.
func (s *Store) putBytes(ctx context.Context, mediaType string, data []byte) (ocispec.Descriptor, error) {
	d, n, err := s.PutBlob(ctx, bytes.NewReader(data), "")
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	return ocispec.Descriptor{MediaType: mediaType, Digest: digest.Digest(d), Size: n}, nil
}
