package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/stagescope/stagescope/chain"
)

// maxIndex bounds index.json, which other tools may have written.
const maxIndex = 64 << 20

// errBadIndex is wrapped by errors about an index.json that is not one.
var errBadIndex = errors.New("index.json is damaged")

func (s *Store) indexPath() string { return filepath.Join(s.Layout(), ocispec.ImageIndexFile) }

// readIndex reads index.json. A store without one has an empty index.
func (s *Store) readIndex() (*ocispec.Index, error) {
	idx := &ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex, Manifests: []ocispec.Descriptor{}}
	info, err := os.Stat(s.indexPath())
	if errors.Is(err, fs.ErrNotExist) {
		if !s.empty() {
			return nil, fmt.Errorf("%w: it is missing", errBadIndex)
		}
		return idx, nil
	}
	if err == nil && info.Size() > maxIndex {
		return nil, fmt.Errorf("%w: it has %d bytes", errBadIndex, info.Size())
	}
	data, err := os.ReadFile(s.indexPath())
	if err != nil {
		return nil, fmt.Errorf("reading the store's index: %w", err)
	}
	return s.parsed.parse(data)
}

// parsedIndex remembers the last index.json that was parsed. Its bytes decide
// whether it still holds: a store of a thousand results is asked for its tags
// several times for each, and times and sizes of files are no proof.
type parsedIndex struct {
	mu   sync.Mutex
	data []byte
	idx  *ocispec.Index
}

// know remembers an index that was written.
func (p *parsedIndex) know(data []byte, idx *ocispec.Index) {
	known := *idx
	known.Manifests = slices.Clone(idx.Manifests)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.data, p.idx = data, &known
}

// parse gives an index that the caller may change, except for its descriptors'
// annotations.
func (p *parsedIndex) parse(data []byte) (*ocispec.Index, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.idx == nil || !bytes.Equal(p.data, data) {
		idx := &ocispec.Index{}
		if err := json.Unmarshal(data, idx); err != nil {
			return nil, fmt.Errorf("%w: %v", errBadIndex, err)
		}
		if idx.SchemaVersion != 2 || slices.ContainsFunc(idx.Manifests, badDescriptor) {
			return nil, fmt.Errorf("%w: it is no OCI index", errBadIndex)
		}
		p.data, p.idx = data, idx
	}
	idx := *p.idx
	idx.Manifests = slices.Clone(idx.Manifests)
	return &idx, nil
}

func badDescriptor(d ocispec.Descriptor) bool {
	_, err := chain.ParseDigest(string(d.Digest))
	return err != nil || d.Size < 0
}

// empty reports whether the layout holds no blob at all.
func (s *Store) empty() bool {
	d, err := os.Open(s.blobDir())
	if err != nil {
		return true
	}
	defer d.Close()
	names, _ := d.Readdirnames(1)
	return len(names) == 0
}

// index gives the index for reading. One that is damaged is rebuilt first.
func (s *Store) index(ctx context.Context) (*ocispec.Index, error) {
	idx, err := s.readIndex()
	if !errors.Is(err, errBadIndex) {
		return idx, err
	}
	err = s.updateIndex(ctx, func(i *ocispec.Index) error { idx = i; return nil })
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		return s.scanIndex(ctx) // a store that can only be read is as good without it
	}
	return idx, err
}

// updateIndex changes index.json under its lock. One that is damaged is set
// aside and rebuilt from the blobs before change sees it.
func (s *Store) updateIndex(ctx context.Context, change func(*ocispec.Index) error) error {
	release, err := s.exclusive(ctx, lockIndex)
	if err != nil {
		return err
	}
	defer release()
	idx, err := s.readIndex()
	if errors.Is(err, errBadIndex) {
		if err := s.asideIndex(err); err != nil {
			return err
		}
		idx, err = s.scanIndex(ctx)
	}
	if err != nil {
		return err
	}
	if err := change(idx); err != nil {
		return err
	}
	return s.writeIndex(idx)
}

// asideIndex keeps a damaged index.json for inspection.
func (s *Store) asideIndex(cause error) error {
	f, err := os.Open(s.indexPath())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the store's index: %w", err)
	}
	defer f.Close()
	_, err = s.PutAside(context.Background(), f, Aside{Name: ocispec.ImageIndexFile, Origin: s.indexPath(), Reason: cause.Error()})
	return err
}

func (s *Store) writeIndex(idx *ocispec.Index) error {
	data, err := json.MarshalIndent(idx, "", " ")
	if err != nil {
		return fmt.Errorf("encoding the store's index: %w", err)
	}
	data = append(data, '\n')
	if err := s.writeFile(s.indexPath(), data, true); err != nil {
		return err
	}
	s.parsed.know(data, idx)
	return nil
}

// RebuildIndex writes index.json anew from the blobs: every tag by its record,
// every artifact, and every whole image that none of these leads to. What an
// import left behind that did not finish is no image.
func (s *Store) RebuildIndex(ctx context.Context) error {
	release, err := s.exclusive(ctx, lockIndex)
	if err != nil {
		return err
	}
	defer release()
	idx, err := s.scanIndex(ctx)
	if err != nil {
		return err
	}
	return s.writeIndex(idx)
}

// scanIndex makes an index of what the blobs hold.
func (s *Store) scanIndex(ctx context.Context) (*ocispec.Index, error) {
	entries, err := os.ReadDir(s.blobDir())
	if err != nil {
		return nil, fmt.Errorf("listing the store's blobs: %w", err)
	}
	found := map[chain.Digest]*manifest{}
	inner := map[chain.Digest]bool{}
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		d, err := chain.ParseDigest(e.Name())
		if err != nil {
			continue
		}
		m, err := s.manifest(d)
		if err != nil {
			continue // no manifest, or a damaged one: Verify names it
		}
		if !m.isArtifact() && s.Complete(m.descriptor(d)) != nil {
			continue
		}
		found[d] = m
		for _, c := range m.Manifests {
			inner[chain.Digest(c.Digest)] = true
		}
	}
	idx := &ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex, Manifests: []ocispec.Descriptor{}}
	tags := map[string]*manifest{}
	for d, m := range found {
		switch {
		case m.ArtifactType == typeTag && m.Subject != nil:
			name := m.Annotations[ocispec.AnnotationRefName]
			if old := tags[name]; name != "" && (old == nil || tagTime(m) > tagTime(old)) {
				tags[name] = m
			}
		case m.isArtifact():
			idx.Manifests = append(idx.Manifests, m.descriptor(d))
		}
	}
	for name, m := range tags {
		inner[chain.Digest(m.Subject.Digest)] = true
		idx.Manifests = append(idx.Manifests, tagged(name, *m.Subject, m.digest))
	}
	for d, m := range found {
		if !m.isArtifact() && !inner[d] {
			idx.Manifests = append(idx.Manifests, m.descriptor(d))
		}
	}
	slices.SortFunc(idx.Manifests, func(a, b ocispec.Descriptor) int {
		if c := strings.Compare(a.Annotations[ocispec.AnnotationRefName], b.Annotations[ocispec.AnnotationRefName]); c != 0 {
			return c
		}
		return strings.Compare(string(a.Digest), string(b.Digest))
	})
	return idx, nil
}
