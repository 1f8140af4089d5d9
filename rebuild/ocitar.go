package rebuild

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/stagescope/stagescope/chain"
)

// WriteOCITar writes the image of a result as an OCI layout in a tar archive.
// Equal images give equal archives. Every blob is hashed on its way out.
func (b *Builder) WriteOCITar(ctx context.Context, r *Result, w io.Writer) error {
	if r.Output == nil {
		return fmt.Errorf("writing the image of %q: there is none", r.Stage)
	}
	img, err := b.openStored(ctx, chain.Digest(r.Output.Digest), r.Platform)
	if err != nil {
		return fmt.Errorf("writing the image of %q: %w", r.Stage, err)
	}
	defer img.Close()
	blobs := []chain.Digest{chain.Digest(r.Output.Digest), img.ManifestDigest(), img.ConfigDigest()}
	for _, l := range img.Layers() {
		blobs = append(blobs, chain.Digest(l.Descriptor.Digest))
	}
	slices.Sort(blobs)
	root := *r.Output
	root.Annotations = map[string]string{ocispec.AnnotationRefName: r.Stage}
	index, err := json.Marshal(ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex, Manifests: []ocispec.Descriptor{root}})
	if err != nil {
		return err
	}
	out := tar.NewWriter(w)
	for _, dir := range []string{"blobs/", "blobs/sha256/"} {
		if err := out.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir, Mode: 0o755}); err != nil {
			return err
		}
	}
	for _, d := range slices.Compact(blobs) {
		if err := b.writeBlob(ctx, out, d); err != nil {
			return fmt.Errorf("writing the image of %q: %w", r.Stage, err)
		}
	}
	for _, f := range []struct {
		name string
		data []byte
	}{{ocispec.ImageIndexFile, index}, {ocispec.ImageLayoutFile, []byte(`{"imageLayoutVersion":"1.0.0"}`)}} {
		if err := out.WriteHeader(&tar.Header{Name: f.name, Mode: 0o644, Size: int64(len(f.data))}); err != nil {
			return err
		}
		if _, err := out.Write(f.data); err != nil {
			return err
		}
	}
	return out.Close()
}

func (b *Builder) writeBlob(ctx context.Context, out *tar.Writer, d chain.Digest) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	f, err := b.Store.Blob(d)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if err := out.WriteHeader(&tar.Header{Name: "blobs/sha256/" + d.Hex(), Mode: 0o644, Size: info.Size()}); err != nil {
		return err
	}
	h := sha256.New()
	if _, err := io.Copy(io.MultiWriter(out, h), f); err != nil {
		return err
	}
	if got := chain.SHA256([32]byte(h.Sum(nil))); got != d {
		return fmt.Errorf("blob %s holds bytes with the digest %s", d, got)
	}
	return nil
}
