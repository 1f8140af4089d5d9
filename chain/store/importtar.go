package store

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/stagescope/stagescope/chain"
)

// maxTarEntries bounds an OCI layout in a tar stream.
const maxTarEntries = 100_000

// ImportOCITar takes in an OCI image layout from a tar stream, as BuildKit's
// exporter writes it. Every blob is verified against its name while it is
// written; a bad one is a *MismatchError and kept aside. It gives the first
// descriptor of the layout's index.json, whose every blob is then in the store.
// Nothing is tagged.
func (s *Store) ImportOCITar(ctx context.Context, r io.Reader) (ocispec.Descriptor, error) {
	var none ocispec.Descriptor
	var index []byte
	tr := tar.NewReader(r)
	for n := 0; ; n++ {
		h, err := tr.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return none, fmt.Errorf("importing an OCI layout: %w", err)
		}
		if n == maxTarEntries {
			return none, fmt.Errorf("importing an OCI layout: more than %d entries", maxTarEntries)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		name := strings.TrimPrefix(path.Clean("/"+h.Name), "/")
		switch {
		case name == ocispec.ImageIndexFile:
			if index, err = readLimited(tr, maxManifest); err != nil {
				return none, fmt.Errorf("importing an OCI layout: reading index.json: %w", err)
			}
		case strings.HasPrefix(name, "blobs/sha256/"):
			d, err := chain.ParseDigest(path.Base(name))
			if err != nil || path.Dir(name) != "blobs/sha256" {
				return none, fmt.Errorf("importing an OCI layout: entry %q is no blob", h.Name)
			}
			if _, _, err := s.putBlob(ctx, tr, d, h.Size, "an imported OCI layout"); err != nil {
				return none, fmt.Errorf("importing an OCI layout: %w", err)
			}
		}
	}
	// What follows the archive's end must be read, or the sender of a pipe hangs.
	if _, err := io.Copy(io.Discard, r); err != nil {
		return none, fmt.Errorf("importing an OCI layout: %w", err)
	}
	return s.importedRoot(index)
}

func (s *Store) importedRoot(index []byte) (ocispec.Descriptor, error) {
	var none ocispec.Descriptor
	if index == nil {
		return none, errors.New("importing an OCI layout: it has no index.json")
	}
	var idx ocispec.Index
	if err := json.Unmarshal(index, &idx); err != nil {
		return none, fmt.Errorf("importing an OCI layout: parsing index.json: %w", err)
	}
	if len(idx.Manifests) == 0 || slices.ContainsFunc(idx.Manifests, badDescriptor) {
		return none, errors.New("importing an OCI layout: index.json names no image")
	}
	root := idx.Manifests[0]
	if err := s.Complete(root); err != nil {
		return none, fmt.Errorf("importing an OCI layout: it is not complete: %w", err)
	}
	return root, nil
}

// readLimited reads all of r, at most limit bytes.
func readLimited(r io.Reader, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("longer than %d bytes", limit)
	}
	return data, nil
}
