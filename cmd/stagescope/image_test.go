package main

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/stagescope/stagescope/chain/image"
)

// TestImageScripts runs the scripts that need images: "image" is an OCI layout
// of two layers, "image.tar" the same in an archive, "mirrored" the same as a
// mirror makes it, and "damaged" one with a byte changed.
func TestImageScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/image",
		RequireUniqueNames:  true,
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir+"/home")
			e.Setenv("XDG_CACHE_HOME", e.WorkDir+"/cache")
			if err := writeImages(e.WorkDir); err != nil {
				return err
			}
			return writeTree(e)
		},
	})
}

// writeTree writes "tree", whose stage core-tool is published with the manifest
// of "image", and gives the script its digests.
func writeTree(e *testscript.Env) error {
	img, err := image.Open(context.Background(), filepath.Join(e.WorkDir, "image"), image.Options{Offline: true})
	if err != nil {
		return err
	}
	defer img.Close()
	e.Setenv("MANIFEST", string(img.ManifestDigest()))
	e.Setenv("INDEX", string(img.IndexDigest()))
	e.Setenv("CONFIG", string(img.ConfigDigest()))
	for name, text := range map[string]string{
		"packages/core/tool/Containerfile": "FROM scratch\n",
		"packages/core/tool/package.toml":  "[package]\nname = \"tool\"\nversion = \"1.2\"\n",
		"digests/core.txt":                 img.ManifestDigest().Hex() + " core-tool\n",
	} {
		name = filepath.Join(e.WorkDir, "tree", filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(text), 0o644)); err != nil {
			return err
		}
	}
	return nil
}

func writeImages(dir string) error {
	first, err := layerOf(
		tar.Header{Name: "bin/", Typeflag: tar.TypeDir, Mode: 0o755},
		tar.Header{Name: "bin/tool", Mode: 0o4755, Linkname: "tool\n"},
		tar.Header{Name: "bin/alias", Typeflag: tar.TypeSymlink, Linkname: "tool"},
		tar.Header{Name: "bin/same", Typeflag: tar.TypeLink, Linkname: "bin/tool"},
		tar.Header{Name: "bin/binary", Linkname: "\x7fELF\xff", PAXRecords: map[string]string{"SCHILY.xattr.user.note": "\x00\x01"}},
		tar.Header{Name: "etc/gone", Linkname: "gone"},
		tar.Header{Name: "etc/motd", Linkname: "first layer\n"},
	)
	if err != nil {
		return err
	}
	second, err := layerOf(
		tar.Header{Name: "etc/.wh.gone"},
		tar.Header{Name: "etc/motd", Linkname: "second layer\n"},
		tar.Header{Name: "etc/\x1b[31mred", Linkname: "x"},
	)
	if err != nil {
		return err
	}
	img, err := mutate.AppendLayers(empty.Image, first, second)
	if err != nil {
		return err
	}
	img, err = mutate.ConfigFile(img, configOf(img))
	if err != nil {
		return err
	}
	index := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: img})
	for _, name := range []string{"image", "damaged"} {
		p, err := layout.Write(filepath.Join(dir, name), empty.Index)
		if err != nil {
			return err
		}
		if err := p.AppendIndex(index); err != nil {
			return err
		}
	}
	d, err := first.Digest()
	if err != nil {
		return err
	}
	if err := damage(filepath.Join(dir, "damaged", "blobs", "sha256", d.Hex)); err != nil {
		return err
	}
	if err := writeMirrored(filepath.Join(dir, "mirrored"), img); err != nil {
		return err
	}
	if err := writeOther(filepath.Join(dir, "other"), first); err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(dir, "image.tar"))
	if err != nil {
		return err
	}
	defer f.Close()
	w := tar.NewWriter(f)
	if err := w.AddFS(os.DirFS(filepath.Join(dir, "image"))); err != nil {
		return err
	}
	return w.Close()
}

// writeOther writes an image whose upper layer is another than that of "image".
func writeOther(dir string, first v1.Layer) error {
	second, err := layerOf(tar.Header{Name: "etc/.wh.gone"}, tar.Header{Name: "etc/motd", Linkname: "another layer\n"}, tar.Header{Name: "etc/\x1b[31mred", Linkname: "x"})
	if err != nil {
		return err
	}
	img, err := mutate.AppendLayers(empty.Image, first, second)
	if err == nil {
		img, err = mutate.ConfigFile(img, configOf(img))
	}
	if err != nil {
		return err
	}
	p, err := layout.Write(dir, empty.Index)
	if err != nil {
		return err
	}
	return p.AppendImage(img)
}

// writeMirrored writes an image as a mirror makes it that compresses anew, has
// the media types of OCI, and keeps no index.
func writeMirrored(dir string, img v1.Image) error {
	layers, err := img.Layers()
	if err != nil {
		return err
	}
	var again []mutate.Addendum
	for _, l := range layers {
		packed, err := tarball.LayerFromOpener(l.Uncompressed, tarball.WithCompressionLevel(9), tarball.WithMediaType(types.OCILayer))
		if err != nil {
			return err
		}
		again = append(again, mutate.Addendum{Layer: packed})
	}
	out, err := mutate.Append(mutate.MediaType(mutate.ConfigMediaType(empty.Image, types.OCIConfigJSON), types.OCIManifestSchema1), again...)
	if err != nil {
		return err
	}
	config, err := img.ConfigFile()
	if err != nil {
		return err
	}
	if out, err = mutate.ConfigFile(out, config); err != nil {
		return err
	}
	p, err := layout.Write(dir, empty.Index)
	if err != nil {
		return err
	}
	return p.AppendImage(out)
}

func configOf(img v1.Image) *v1.ConfigFile {
	c, err := img.ConfigFile()
	if err != nil {
		panic(err)
	}
	c = c.DeepCopy()
	c.OS, c.Architecture = "linux", "amd64"
	return c
}

// damage changes one byte in the middle of a file.
func damage(name string) error {
	b, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	b[len(b)/2] ^= 1
	return os.WriteFile(name, b, 0o644)
}

// layerOf makes a compressed layer. The content of a regular file is given in
// place of its link.
func layerOf(headers ...tar.Header) (v1.Layer, error) {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, h := range headers {
		content := ""
		if h.Typeflag == 0 {
			content, h.Linkname, h.Typeflag = h.Linkname, "", tar.TypeReg
		}
		if h.Mode == 0 {
			h.Mode = 0o644
		}
		h.Size, h.Format = int64(len(content)), tar.FormatPAX
		if err := w.WriteHeader(&h); err != nil {
			return nil, err
		}
		if _, err := io.WriteString(w, content); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(out.Bytes())), nil })
}
