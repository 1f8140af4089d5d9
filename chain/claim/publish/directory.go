package publish

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/gofrs/flock"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/stagescope/stagescope/chain"
)

// Directory is an OCI layout on disk: a stick that is carried over an air gap,
// or a repository that is copied. Its index.json lists what has a tag; all else
// is reached from there.
type Directory struct {
	dir string

	mu      sync.Mutex
	scanned []byte                                // index.json as it was when untagged was made
	loose   map[chain.Digest][]ocispec.Descriptor // referrers that only index.json lists, by subject
	missed  []Unread
}

var _ Place = (*Directory)(nil)

// NewDirectory gives the layout in dir, which is made when something is put.
func NewDirectory(dir string) *Directory {
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs // one name for one place, as books are remembered by it
	}
	return &Directory{dir: dir}
}

// Name is the directory's absolute path.
func (d *Directory) Name() string { return d.dir }

func (d *Directory) blobPath(dg chain.Digest) string {
	return filepath.Join(d.dir, ocispec.ImageBlobsDir, "sha256", dg.Hex())
}

// open opens a regular file of the layout.
func (d *Directory) open(path string) (*os.File, error) {
	info, err := os.Stat(path) // before opening, which would wait at a named pipe
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is not there: %w", path, errors.Join(ErrNotFound, err))
	}
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", path)
	}
	return os.Open(path)
}

func (d *Directory) readFile(path, what string, limit int64) ([]byte, error) {
	f, err := d.open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readLimited(f, what, limit)
}

// index reads index.json; a directory without one lists nothing.
func (d *Directory) index() (*ocispec.Index, []byte, error) {
	idx := &ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex, Manifests: []ocispec.Descriptor{}}
	raw, err := d.readFile(filepath.Join(d.dir, ocispec.ImageIndexFile), "bytes of index.json", maxDirIndex)
	if errors.Is(err, ErrNotFound) {
		return idx, nil, nil
	}
	if err == nil {
		err = json.Unmarshal(raw, idx)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("reading index.json of %s: %w", d.dir, err)
	}
	for _, e := range idx.Manifests {
		if err := checkDescriptor(e); err != nil {
			return nil, nil, fmt.Errorf("reading index.json of %s: %w", d.dir, err)
		}
	}
	return idx, raw, nil
}

// Manifest implements Place.
func (d *Directory) Manifest(_ context.Context, ref string) (Manifest, error) {
	dg, err := chain.ParseDigest(ref)
	if err != nil {
		idx, _, err := d.index()
		if err != nil {
			return Manifest{}, err
		}
		at := slices.IndexFunc(idx.Manifests, func(e ocispec.Descriptor) bool { return e.Annotations[ocispec.AnnotationRefName] == ref })
		if at < 0 {
			return Manifest{}, fmt.Errorf("tag %q of %s: %w", ref, d.dir, ErrNotFound)
		}
		dg = chain.Digest(idx.Manifests[at].Digest)
	}
	raw, err := d.readFile(d.blobPath(dg), "bytes of a manifest", maxManifest)
	if err != nil {
		return Manifest{}, fmt.Errorf("reading manifest %s: %w", dg, err)
	}
	m := Manifest{Raw: raw}
	if err := checkManifest(m, string(dg), d.dir); err != nil {
		return Manifest{}, err
	}
	p, err := m.parse()
	if err != nil {
		return Manifest{}, err
	}
	m.MediaType = p.mediaType()
	return m, nil
}

// Blob implements Place.
func (d *Directory) Blob(_ context.Context, desc ocispec.Descriptor) (io.ReadCloser, error) {
	if err := checkDescriptor(desc); err != nil {
		return nil, err
	}
	f, err := d.open(d.blobPath(chain.Digest(desc.Digest)))
	if err != nil {
		return nil, fmt.Errorf("reading blob %s: %w", desc.Digest, err)
	}
	return verify(f, desc, d.dir), nil
}

// PutBlob implements Place.
func (d *Directory) PutBlob(_ context.Context, desc ocispec.Descriptor, open func() (io.ReadCloser, error)) error {
	if err := checkDescriptor(desc); err != nil {
		return err
	}
	path := d.blobPath(chain.Digest(desc.Digest))
	if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Size() == desc.Size {
		return nil
	}
	r, err := open()
	if err != nil {
		return err
	}
	defer r.Close()
	if err := d.create(); err != nil {
		return err
	}
	if err := writeFile(path, verify(r, desc, d.dir)); err != nil {
		return fmt.Errorf("putting blob %s: %w", desc.Digest, err)
	}
	return nil
}

// create makes the layout.
func (d *Directory) create() error {
	if err := os.MkdirAll(filepath.Join(d.dir, ocispec.ImageBlobsDir, "sha256"), 0o755); err != nil {
		return err
	}
	name := filepath.Join(d.dir, ocispec.ImageLayoutFile)
	if _, err := os.Stat(name); err == nil {
		return nil
	}
	return writeFile(name, bytes.NewReader(mustJSON(ocispec.ImageLayout{Version: ocispec.ImageLayoutVersion})))
}

// PutManifest implements Place.
func (d *Directory) PutManifest(ctx context.Context, m Manifest, tag string) error {
	desc := ocispec.Descriptor{MediaType: m.MediaType, Digest: digest.Digest(m.Digest()), Size: int64(len(m.Raw))}
	if err := d.PutBlob(ctx, desc, opener(m.Raw)); err != nil {
		return err
	}
	if tag == "" {
		return nil
	}
	release, err := d.lock(ctx)
	if err != nil {
		return err
	}
	defer release()
	return d.setTag(m, tag)
}

// setTag writes index.json; the lock must be held.
func (d *Directory) setTag(m Manifest, tag string) error {
	idx, _, err := d.index()
	if err != nil {
		return err
	}
	idx.Manifests = slices.DeleteFunc(idx.Manifests, func(e ocispec.Descriptor) bool { return e.Annotations[ocispec.AnnotationRefName] == tag })
	idx.Manifests = append(idx.Manifests, ocispec.Descriptor{
		MediaType: m.MediaType, Digest: digest.Digest(m.Digest()), Size: int64(len(m.Raw)),
		Annotations: map[string]string{ocispec.AnnotationRefName: tag},
	})
	return writeFile(filepath.Join(d.dir, ocispec.ImageIndexFile), bytes.NewReader(mustJSON(idx)))
}

// Refer implements Place.
func (d *Directory) Refer(ctx context.Context, subject chain.Digest, m Manifest) error {
	release, err := d.lock(ctx)
	if err != nil {
		return err
	}
	defer release()
	t := tagIndex{place: locked{d}, tag: tagFor(subject), seen: map[digest.Digest]bool{}}
	t.note(m.Descriptor())
	return t.write(ctx)
}

// locked is a directory whose lock is held.
type locked struct{ *Directory }

// PutManifest implements Place.
func (l locked) PutManifest(ctx context.Context, m Manifest, tag string) error {
	if err := l.Directory.PutManifest(ctx, m, ""); err != nil {
		return err
	}
	return l.setTag(m, tag)
}

// lockWait is how long another process may hold the directory.
const lockWait = 30 * time.Second

// lock keeps other processes from changing index.json.
func (d *Directory) lock(ctx context.Context) (release func(), err error) {
	if err := d.create(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	l := flock.New(filepath.Join(d.dir, ".stagescope.lock"))
	ok, err := l.TryLockContext(ctx, 20*time.Millisecond)
	if err != nil || !ok {
		return nil, fmt.Errorf("locking %s: %w", d.dir, err)
	}
	return func() { _ = l.Unlock() }, nil // the end of the process does it too
}

// writeFile writes a file under a temporary name, synced, and renames it.
func writeFile(path string, r io.Reader) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".stagescope-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails once it is renamed
	_, err = io.Copy(f, r)
	if err = errors.Join(err, f.Sync(), f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// Referrers implements Place: what the tag lists, and what index.json lists by
// itself, as other programs write it.
func (d *Directory) Referrers(ctx context.Context, subject chain.Digest) ([]Referrer, []Unread) {
	var l listing
	listTag(ctx, d, subject, &l)
	loose, missed := d.scan(ctx)
	l.missed = append(l.missed, missed...)
	for _, e := range loose[subject] {
		if err := l.add(e, ocispec.ImageIndexFile); err != nil {
			l.unread(d.dir, err)
			break
		}
	}
	return l.list, l.missed
}

// scan finds the subjects of what index.json lists without a tag, once for
// each index.json.
func (d *Directory) scan(ctx context.Context) (map[chain.Digest][]ocispec.Descriptor, []Unread) {
	idx, raw, err := d.index()
	if err != nil {
		return nil, []Unread{{Origin: d.dir, Err: err}}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.loose != nil && bytes.Equal(raw, d.scanned) {
		return d.loose, d.missed
	}
	d.scanned, d.loose, d.missed = raw, map[chain.Digest][]ocispec.Descriptor{}, nil
	for _, e := range idx.Manifests {
		if e.Annotations[ocispec.AnnotationRefName] != "" {
			continue
		}
		m, err := d.Manifest(ctx, string(e.Digest))
		if err != nil {
			d.missed = append(d.missed, Unread{Origin: fmt.Sprintf("%s@%s", d.dir, e.Digest), Err: err})
			continue
		}
		if p, err := m.parse(); err == nil && p.Subject != nil {
			s := chain.Digest(p.Subject.Digest)
			d.loose[s] = append(d.loose[s], m.Descriptor())
		}
	}
	return d.loose, d.missed
}
