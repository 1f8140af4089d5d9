package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"github.com/stagescope/stagescope/chain"
)

// Fault is something in the store that is not as it should be.
type Fault struct {
	Digest   chain.Digest `json:"digest"`          // of the blob concerned
	Found    chain.Digest `json:"found,omitempty"` // what its bytes hash to; "" when it is missing
	Size     int64        `json:"size"`            // of what was found
	Text     string       `json:"text"`
	Kept     string       `json:"kept,omitempty"`     // where the bad bytes are now
	Affected []string     `json:"affected,omitempty"` // tags, and types of artifacts, that it belongs to
}

// VerifyProgress says how far Verify is.
type VerifyProgress struct {
	Blobs, TotalBlobs int
	Bytes, TotalBytes int64
	Faults            int
}

// Verify hashes every blob, and looks for all that tags and artifacts lead to.
// A blob whose bytes are wrong is set aside, so that whoever needs it finds it
// missing and makes it again. Progress is called from one goroutine at a time
// and may be nil. The faults found until an error are given with it.
func (s *Store) Verify(ctx context.Context, progress func(VerifyProgress)) ([]Fault, error) {
	release, err := s.maintain("verify")
	if err != nil {
		return nil, err
	}
	defer release()
	owners := s.owners()
	v := &verifier{store: s, progress: progress, owners: owners}
	if err := v.hashAll(ctx); err != nil {
		return v.sorted(), fmt.Errorf("verifying the store: %w", err)
	}
	if _, err := s.index(ctx); err != nil { // rebuilds one that is damaged
		return v.sorted(), fmt.Errorf("verifying the store: %w", err)
	}
	v.findMissing()
	return v.sorted(), nil
}

type verifier struct {
	store    *Store
	progress func(VerifyProgress)
	owners   map[chain.Digest][]string

	mu     sync.Mutex
	state  VerifyProgress
	faults []Fault
}

func (v *verifier) hashAll(ctx context.Context) error {
	entries, err := os.ReadDir(v.store.blobDir())
	if err != nil {
		return err
	}
	v.state.TotalBlobs = len(entries)
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			v.state.TotalBytes += info.Size()
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for _, e := range entries {
		g.Go(func() error { return v.hashOne(ctx, e.Name()) })
	}
	return g.Wait()
}

func (v *verifier) hashOne(ctx context.Context, name string) error {
	want, err := chain.ParseDigest(name)
	path := v.store.path(layoutDir, ocispec.ImageBlobsDir, "sha256", name)
	if err != nil {
		v.report(Fault{Text: fmt.Sprintf("%q is not the name of a blob", name)}, 0)
		return nil
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // removed meanwhile
	}
	if err != nil {
		v.report(Fault{Digest: want, Text: "cannot be read: " + err.Error()}, 0)
		return nil
	}
	defer f.Close()
	got, n, err := copyHashed(ctx, discard{}, f, -1)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		v.report(Fault{Digest: want, Size: n, Text: "cannot be read: " + err.Error()}, n)
		return nil
	case got == want:
		v.report(Fault{}, n)
		return nil
	}
	f.Close()
	v.store.manifests.Delete(want)
	kept, err := v.store.setAside(path, Aside{Name: want.Short(), Want: want, Got: got, Origin: path, Reason: "damaged in the store"})
	text := "its bytes do not match its digest"
	if err != nil {
		text += "; " + err.Error()
	}
	v.report(Fault{Digest: want, Found: got, Size: n, Text: text, Kept: kept}, n)
	return nil
}

// report counts a blob that was read, and a fault when it has a text.
func (v *verifier) report(f Fault, bytes int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.state.Blobs++
	v.state.Bytes += bytes
	if f.Text != "" {
		f.Affected = v.owners[f.Digest]
		v.faults = append(v.faults, f)
		v.state.Faults++
	}
	if v.progress != nil {
		v.progress(v.state)
	}
}

// findMissing reports blobs that tags and artifacts lead to and that are not
// there, other than those just set aside.
func (v *verifier) findMissing() {
	known := map[chain.Digest]bool{}
	for _, f := range v.faults {
		known[f.Digest] = true
	}
	for d, who := range v.store.owners() {
		if !known[d] && !v.store.Has(d) {
			v.faults = append(v.faults, Fault{Digest: d, Text: "is missing", Affected: who})
		}
	}
}

func (v *verifier) sorted() []Fault {
	slices.SortFunc(v.faults, func(a, b Fault) int { return strings.Compare(string(a.Digest), string(b.Digest)) })
	return v.faults
}

// owners says which tags and artifacts lead to each blob, by name.
func (s *Store) owners() map[chain.Digest][]string {
	owners := map[chain.Digest][]string{}
	idx, err := s.readIndex()
	if err != nil {
		return owners
	}
	for _, e := range idx.Manifests {
		name := e.Annotations[ocispec.AnnotationRefName]
		switch {
		case name != "":
		case e.ArtifactType != "":
			name = e.ArtifactType + " " + string(e.Digest) // by which it can be removed
		default:
			name = string(e.Digest)
		}
		seen := map[digest.Digest]bool{}
		// An error means that something below is missing or damaged; what leads
		// there has been visited by then.
		_ = s.walk(e, func(c ocispec.Descriptor) bool {
			if seen[c.Digest] {
				return false
			}
			seen[c.Digest] = true
			d := chain.Digest(c.Digest)
			if !slices.Contains(owners[d], name) {
				owners[d] = append(owners[d], name)
			}
			return true
		})
	}
	return owners
}

// discard is io.Discard without its ReadFrom, so that copies stay cancellable.
type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
