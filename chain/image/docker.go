package image

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/stagescope/stagescope/chain"
)

// dockerEntry is an image in the manifest.json of docker save.
type dockerEntry struct {
	Config   string
	RepoTags []string
	Layers   []string
}

// fromDockerArchive opens an image of the old docker save, which keeps neither
// manifest nor compressed layers. What it has is verified: the config by its
// name, the layers by their diff IDs.
func fromDockerArchive(t *tarFile, r Reference, o Options) (*Image, error) {
	f, err := t.file("manifest.json")
	if err != nil {
		return nil, err
	}
	raw, err := readAllLimited(f, "manifest.json", o.Limits.Manifest)
	if err != nil {
		return nil, err
	}
	var entries []dockerEntry
	if err := json.Unmarshal(raw, &entries); err != nil {
		return nil, fmt.Errorf("parsing manifest.json of %q: %w", r.Path, err)
	}
	e, err := chooseDocker(entries, r.Tag)
	if err != nil {
		return nil, fmt.Errorf("manifest.json of %q: %w", r.Path, err)
	}
	i := &Image{ref: r, limits: o.Limits, closer: t}
	config, err := dockerConfig(t, e.Config, r, o)
	if err != nil {
		return nil, err
	}
	if err := i.setConfig(config); err != nil {
		return nil, err
	}
	i.note("an archive of the old docker save: it has no manifest, so there is no manifest digest")
	return i, i.setDockerLayers(t, e.Layers)
}

func chooseDocker(entries []dockerEntry, tag string) (*dockerEntry, error) {
	var tags []string
	for n, e := range entries {
		for _, t := range e.RepoTags {
			tags = append(tags, t)
			if tag != "" && tagIs(t, tag) {
				return &entries[n], nil
			}
		}
	}
	switch {
	case tag != "":
		return nil, fmt.Errorf("no tag %q, only %q: %w", tag, tags, ErrNotFound)
	case len(entries) == 1:
		return &entries[0], nil
	case len(entries) == 0:
		return nil, fmt.Errorf("it lists no image: %w", ErrNotFound)
	}
	return nil, choice{fmt.Errorf("it lists %d images; name one by its tag: %q", len(entries), tags)}
}

// dockerConfig reads the config, whose name is its digest.
func dockerConfig(t *tarFile, name string, r Reference, o Options) (*Object, error) {
	f, err := t.file(path.Clean("/" + name)[1:])
	if err != nil {
		return nil, err
	}
	raw, err := readAllLimited(f, "the config", o.Limits.Manifest)
	if err != nil {
		return nil, err
	}
	got := chain.SHA256(sha256.Sum256(raw))
	stem := strings.TrimPrefix(strings.TrimSuffix(path.Base(name), ".json"), "sha256:")
	if want, err := chain.ParseDigest(stem); err == nil && want != got {
		return nil, &MismatchError{What: "config", Want: want, Got: got, WantSize: -1, GotSize: int64(len(raw)), Ref: r.Text}
	}
	return &Object{Raw: raw, Descriptor: ocispec.Descriptor{
		MediaType: "application/vnd.docker.container.image.v1+json", Digest: digest.Digest(got), Size: int64(len(raw)),
	}}, nil
}

func (i *Image) setDockerLayers(t *tarFile, names []string) error {
	ids := i.parsed.RootFS.DiffIDs
	if len(names) != len(ids) {
		return fmt.Errorf("manifest.json has %d layers, the config has %d diff IDs", len(names), len(ids))
	}
	for n, name := range names {
		f, err := t.file(path.Clean("/" + name)[1:])
		if err != nil {
			return err
		}
		l := &Layer{
			Descriptor: ocispec.Descriptor{MediaType: "application/vnd.docker.image.rootfs.diff.tar", Size: f.Size()},
			DiffID:     chain.Digest(ids[n]), Number: n + 1, image: i,
			open: func(context.Context) (io.ReadCloser, error) {
				return io.NopCloser(io.NewSectionReader(f, 0, f.Size())), nil
			},
		}
		var magic [4]byte
		_, _ = f.ReadAt(magic[:], 0) // shorter than that is not compressed
		switch {
		case magic[0] == 0x1f && magic[1] == 0x8b:
			l.Descriptor.MediaType = "application/vnd.docker.image.rootfs.diff.tar.gzip"
		case string(magic[:]) == "\x28\xb5\x2f\xfd":
			l.Descriptor.MediaType = ocispec.MediaTypeImageLayerZstd
		default:
			l.Descriptor.Digest = ids[n]
		}
		i.layers = append(i.layers, l)
	}
	return nil
}
