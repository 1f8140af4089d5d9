package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/store"
)

// maxListed bounds the files below a --sources directory.
const maxListed = 2_000_000

// want is one source being sought.
type want struct {
	f      *Fetcher
	stage  string
	source chain.Source
	sought []Attempt
}

func (w *want) missed(place string, err error) {
	w.sought = append(w.sought, Attempt{place, err})
}

// errAbsent is the reason for a place that simply does not have the file.
var errAbsent = errors.New("not there")

// fromStore hashes what the store has under the pin. Damaged bytes are set
// aside, and the search goes on.
func (w *want) fromStore(ctx context.Context) (*Got, error) {
	d := w.source.Digest
	n, err := w.f.Store.Check(ctx, d)
	if errors.Is(err, store.ErrNotFound) {
		w.missed("store", errAbsent)
		return nil, nil
	}
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		w.missed("store", err)
		return nil, nil
	}
	return &Got{Source: w.source, Path: w.f.Store.BlobPath(d), Origin: "store", Size: n}, nil
}

// treeDir is where a tree's own scripts put a package's sources.
func treeDir(root string, stage *chain.Stage) string {
	return filepath.Join(root, "fetch", path.Base(path.Dir(stage.Dir)), path.Base(stage.Dir))
}

// fromTree looks where the tree's own scripts put sources.
func (w *want) fromTree(stage *chain.Stage) func(context.Context) (*Got, error) {
	return func(ctx context.Context) (*Got, error) {
		if w.f.Root == "" || stage.Dir == "" {
			return nil, nil
		}
		return w.file(ctx, filepath.Join(treeDir(w.f.Root, stage), w.source.File))
	}
}

// fromDirs looks through the local directories.
func (w *want) fromDirs(ctx context.Context) (*Got, error) {
	if len(w.f.Dirs) == 0 {
		return nil, nil
	}
	w.f.once.Do(func() { w.f.index, w.f.indexErr = readDirs(w.f.Dirs) })
	if w.f.indexErr != nil {
		return nil, w.f.indexErr
	}
	hex := w.source.Digest.Hex()
	tried := map[string]bool{}
	for _, name := range []string{w.source.File, hex, "sha256:" + hex, "sha256-" + hex} {
		for _, p := range w.f.index[name] {
			if tried[p] {
				continue
			}
			tried[p] = true
			if got, err := w.file(ctx, p); got != nil || err != nil {
				return got, err
			}
		}
	}
	if len(tried) == 0 {
		for _, d := range w.f.Dirs {
			w.missed(d, errAbsent)
		}
	}
	return nil, nil
}

// file takes one local file into the store, if it is the one.
func (w *want) file(ctx context.Context, p string) (*Got, error) {
	info, err := os.Stat(p)
	if errors.Is(err, fs.ErrNotExist) {
		w.missed(p, errAbsent)
		return nil, nil
	}
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("not a regular file")
	}
	if err != nil {
		w.missed(p, err)
		return nil, nil
	}
	file, err := os.Open(p)
	if err != nil {
		w.missed(p, err)
		return nil, nil
	}
	defer file.Close()
	w.event(Event{Kind: EventStart, Origin: p, Total: info.Size()})
	return w.take(ctx, file, info.Size(), p)
}

// take puts bytes into the store if they are the source. Wrong bytes are an
// attempt that failed; only what the store itself cannot do is an error.
func (w *want) take(ctx context.Context, r io.Reader, size int64, origin string) (*Got, error) {
	d, n, err := w.f.Store.PutBlobFrom(ctx, r, w.source.Digest, size, origin)
	var m *store.MismatchError
	switch {
	case errors.As(err, &m):
		w.missed(origin, &WrongHashError{File: w.source.File, Want: w.source.Digest, Got: m.Got, Origin: origin, Kept: m.Kept})
		return nil, nil
	case err != nil:
		return nil, err
	}
	if err := w.record(ctx, d, n, origin); err != nil {
		return nil, err
	}
	return &Got{Source: w.source, Path: w.f.Store.BlobPath(d), Origin: origin, Size: n}, nil
}

// record lists the source in the store, so that GC knows what the blob is.
func (w *want) record(ctx context.Context, d chain.Digest, size int64, origin string) error {
	_, err := w.f.Store.PutArtifact(ctx, store.Artifact{
		Type: ArtifactType,
		Annotations: map[string]string{
			AnnotationOrigin:           origin,
			store.AnnotationExpendable: "it can be fetched again",
			ocispec.AnnotationTitle:    w.source.File,
		},
		Files: []store.ArtifactFile{{Name: w.source.File, MediaType: "application/octet-stream", Descriptor: ocispec.Descriptor{Digest: digest.Digest(d), Size: size}}},
	})
	if err != nil {
		return fmt.Errorf("recording a source: %w", err)
	}
	return nil
}

func (w *want) event(e Event) {
	e.Stage, e.File = w.stage, w.source.File
	w.f.report(e)
}

// dirIndex has the files below some directories by their base names.
type dirIndex map[string][]string

func readDirs(dirs []string) (dirIndex, error) {
	index := dirIndex{}
	n := 0
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
			if err != nil && p == dir {
				return err
			}
			if err != nil || e.IsDir() {
				return nil // what cannot be read is not there
			}
			if n++; n > maxListed {
				return fmt.Errorf("more than %d files", maxListed)
			}
			index[e.Name()] = append(index[e.Name()], p)
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("reading the sources directory %q: %w", dir, err)
		}
	}
	return index, nil
}
