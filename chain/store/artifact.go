package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/stagescope/stagescope/chain"
)

// Artifact is an OCI 1.1 artifact manifest with the empty config: a result, a
// log, a claim, linked to its subject as a referrer.
type Artifact struct {
	Type        string              // artifactType
	Subject     *ocispec.Descriptor // what it is about; may be nil
	Annotations map[string]string
	Files       []ArtifactFile

	Descriptor ocispec.Descriptor // of the manifest; set on reading
}

// ArtifactFile is one layer of an artifact: a file.
type ArtifactFile struct {
	Name      string // annotation org.opencontainers.image.title
	MediaType string
	Data      []byte    // for writing: the bytes, or
	Reader    io.Reader // for writing: where they come from, when not nil

	// Descriptor is set on reading. For writing without Data and Reader it names
	// a blob that the store holds already.
	Descriptor ocispec.Descriptor
}

// PutArtifact takes in an artifact and lists it in the index. The subject may
// be absent from the store, as the specification allows.
func (s *Store) PutArtifact(ctx context.Context, a Artifact) (ocispec.Descriptor, error) {
	if a.Type == "" {
		return ocispec.Descriptor{}, fmt.Errorf("storing an artifact: it has no type")
	}
	desc, err := s.putManifest(ctx, a)
	if err != nil {
		return desc, fmt.Errorf("storing an artifact of type %s: %w", a.Type, err)
	}
	err = s.updateIndex(ctx, func(idx *ocispec.Index) error {
		if !slices.ContainsFunc(idx.Manifests, func(e ocispec.Descriptor) bool { return e.Digest == desc.Digest }) {
			idx.Manifests = append(idx.Manifests, desc)
		}
		return nil
	})
	return desc, err
}

// putManifest writes an artifact's blobs and manifest without listing it.
func (s *Store) putManifest(ctx context.Context, a Artifact) (ocispec.Descriptor, error) {
	m := ocispec.Manifest{
		Versioned:    specs.Versioned{SchemaVersion: 2},
		MediaType:    ocispec.MediaTypeImageManifest,
		ArtifactType: a.Type,
		Config:       ocispec.DescriptorEmptyJSON,
		Annotations:  a.Annotations,
	}
	if a.Subject != nil {
		subject := *a.Subject
		subject.Data = nil
		m.Subject = &subject
	}
	m.Config.Data = nil
	if _, err := s.putBytes(ctx, "", ocispec.DescriptorEmptyJSON.Data); err != nil {
		return ocispec.Descriptor{}, err
	}
	for _, f := range a.Files {
		d, n, err := s.putFile(ctx, f)
		if err != nil {
			return ocispec.Descriptor{}, err
		}
		layer := ocispec.Descriptor{MediaType: f.MediaType, Digest: digest.Digest(d), Size: n}
		if f.Name != "" {
			layer.Annotations = map[string]string{ocispec.AnnotationTitle: f.Name}
		}
		m.Layers = append(m.Layers, layer)
	}
	if len(m.Layers) == 0 {
		m.Layers = []ocispec.Descriptor{m.Config}
	}
	data, err := json.Marshal(m)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	desc, err := s.putBytes(ctx, ocispec.MediaTypeImageManifest, data)
	desc.ArtifactType, desc.Annotations = a.Type, a.Annotations
	return desc, err
}

// putFile takes in the bytes of one file.
func (s *Store) putFile(ctx context.Context, f ArtifactFile) (chain.Digest, int64, error) {
	switch {
	case f.Reader != nil:
		return s.PutBlob(ctx, f.Reader, "")
	case f.Data == nil && f.Descriptor.Digest != "":
		d := chain.Digest(f.Descriptor.Digest)
		if !s.Has(d) {
			return "", 0, fmt.Errorf("blob %s: %w", d, ErrNotFound)
		}
		return d, f.Descriptor.Size, nil
	}
	return s.PutBlob(ctx, bytes.NewReader(f.Data), "")
}

// Artifacts lists artifacts of a type about a subject; "" means any. The order
// is that in which they were put, except after the index was rebuilt. One
// whose manifest is damaged or gone is left out; Verify names it.
func (s *Store) Artifacts(typ string, subject chain.Digest) ([]Artifact, error) {
	idx, err := s.index(context.Background())
	if err != nil {
		return nil, err
	}
	var out []Artifact
	for _, e := range idx.Manifests {
		if e.ArtifactType == "" || (typ != "" && e.ArtifactType != typ) {
			continue
		}
		a, err := s.Artifact(chain.Digest(e.Digest))
		if err != nil {
			if errors.Is(err, fs.ErrPermission) {
				return nil, err
			}
			continue
		}
		if a.Type == "" || (typ != "" && a.Type != typ) { // the entry says other than the manifest
			continue
		}
		if subject != "" && (a.Subject == nil || chain.Digest(a.Subject.Digest) != subject) {
			continue
		}
		out = append(out, a)
	}
	return out, nil
}

// Artifact reads one artifact's manifest by its digest, verified.
func (s *Store) Artifact(d chain.Digest) (Artifact, error) {
	m, err := s.manifest(d)
	if err != nil {
		return Artifact{}, fmt.Errorf("reading an artifact: %w", err)
	}
	a := Artifact{Type: m.ArtifactType, Subject: m.Subject, Annotations: m.Annotations, Descriptor: m.descriptor(d)}
	for _, l := range m.Layers {
		if l.MediaType == ocispec.MediaTypeEmptyJSON && l.Digest == ocispec.DescriptorEmptyJSON.Digest && l.Annotations[ocispec.AnnotationTitle] == "" {
			continue
		}
		a.Files = append(a.Files, ArtifactFile{Name: l.Annotations[ocispec.AnnotationTitle], MediaType: l.MediaType, Descriptor: l})
	}
	return a, nil
}

// File gives the artifact's file of that name, or nil.
func (a *Artifact) File(name string) *ArtifactFile {
	for i := range a.Files {
		if a.Files[i].Name == name {
			return &a.Files[i]
		}
	}
	return nil
}

// RemoveArtifact takes an artifact out of the index. Its blobs stay until GC.
func (s *Store) RemoveArtifact(ctx context.Context, d chain.Digest) error {
	err := s.updateIndex(ctx, func(idx *ocispec.Index) error {
		n := len(idx.Manifests)
		idx.Manifests = slices.DeleteFunc(idx.Manifests, func(e ocispec.Descriptor) bool {
			return chain.Digest(e.Digest) == d && e.Annotations[annotationRecord] == ""
		})
		if len(idx.Manifests) == n {
			return fmt.Errorf("artifact %s: %w", d, ErrNotFound)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.Remove(d) // a rebuilt index must not bring it back
}
