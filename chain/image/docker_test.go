package image

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// dockerSave is an archive of the old docker save: layers uncompressed, each in
// a directory, a repeated one as a symlink.
func dockerSave(t *testing.T, edit func(name string, data []byte) []byte) string {
	t.Helper()
	text := hello(t)
	var config ocispec.Image
	config.OS, config.Architecture = "linux", "amd64"
	config.RootFS.DiffIDs = []digest.Digest{digest.FromBytes(text), digest.FromBytes(text)}
	configData, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	name := digest.FromBytes(configData).Encoded() + ".json"
	manifest := fmt.Sprintf(`[{"Config":%q,"RepoTags":["example/x:1.0"],"Layers":["aaa/layer.tar","bbb/layer.tar"]}]`, name)
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	put := func(name string, data []byte) {
		if edit != nil {
			data = edit(name, data)
		}
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(data))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	put(name, configData)
	put("aaa/layer.tar", text)
	if err := w.WriteHeader(&tar.Header{Name: "bbb/layer.tar", Typeflag: tar.TypeSymlink, Linkname: "../aaa/layer.tar"}); err != nil {
		t.Fatal(err)
	}
	put("manifest.json", []byte(manifest))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	p := filepath.Join(t.TempDir(), "saved.tar")
	if err := os.WriteFile(p, out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestOldDockerArchive(t *testing.T) {
	p := dockerSave(t, nil)
	for _, ref := range []string{p, "docker-archive:" + p, "docker-archive:" + p + ":1.0"} {
		i := mustOpen(t, ref, Options{})
		if i.ManifestDigest() != "" || i.RawManifest() != nil || len(i.Layers()) != 2 || len(i.Notes()) != 1 || i.Rootfs() == "" {
			t.Errorf("%s: manifest %q, %d layers, notes %q", ref, i.ManifestDigest(), len(i.Layers()), i.Notes())
		}
		for _, l := range i.Layers() {
			if data, err := readAll(t.Context(), l); err != nil || !bytes.Equal(data, hello(t)) {
				t.Errorf("%s: layer %d: %v", ref, l.Number, err)
			}
		}
	}
	if _, err := Open(t.Context(), "docker-archive:"+p+":2.0", Options{}); !errors.Is(err, ErrNotFound) {
		t.Errorf("another tag: %v", err)
	}
}

// TestNewDockerArchive opens what docker save writes since version 25: an OCI
// layout that has a manifest.json too.
func TestNewDockerArchive(t *testing.T) {
	b := newBuilder(t)
	one, other := b.image(plainLayer, hello(t)), b.image(plainLayer, layer(t))
	one.Annotations = map[string]string{"io.containerd.image.name": "docker.io/example/x:1.0", ocispec.AnnotationRefName: "1.0"}
	other.Annotations = map[string]string{"io.containerd.image.name": "docker.io/example/y:2.0", ocispec.AnnotationRefName: "2.0"}
	b.root(one, "").root(other, "")
	b.write("manifest.json", []byte("[]"))
	p := filepath.Join(t.TempDir(), "saved.tar")
	if err := os.WriteFile(p, tarDir(t, b.dir), 0o644); err != nil {
		t.Fatal(err)
	}
	for ref, want := range map[string]digest.Digest{"docker-archive:" + p + ":1.0": one.Digest, p + ":2.0": other.Digest, "docker-archive:" + p + "@" + string(other.Digest): other.Digest} {
		if !strings.HasPrefix(ref, "docker") {
			ref = "oci:" + ref
		}
		if i := mustOpen(t, ref, Options{}); i.ManifestDigest() != chainDigest(want) {
			t.Errorf("%s: manifest %s, want %s", ref, i.ManifestDigest(), want)
		}
	}
	if _, err := Open(t.Context(), p, Options{}); err == nil || !strings.Contains(err.Error(), "name one by its tag") {
		t.Errorf("two images and no tag: %v", err)
	}
	// Two for one platform are no less two.
	b.roots = nil
	one.Platform, other.Platform = &ocispec.Platform{OS: "linux", Architecture: "amd64"}, &ocispec.Platform{OS: "linux", Architecture: "amd64"}
	b.root(one, "").root(other, "")
	if _, err := Open(t.Context(), b.dir, Options{}); err == nil || !strings.Contains(err.Error(), "name one by its tag") {
		t.Errorf("two images for one platform and no tag: %v", err)
	}
}

func TestDamagedDockerArchive(t *testing.T) {
	var m *MismatchError
	p := dockerSave(t, func(name string, data []byte) []byte {
		if name == "aaa/layer.tar" {
			data[600] ^= 1
		}
		return data
	})
	if _, err := readAll(t.Context(), mustOpen(t, p, Options{}).Layers()[0]); !errors.As(err, &m) || !strings.HasPrefix(m.What, "layer 1") {
		t.Errorf("layer: %v", err)
	}
	p = dockerSave(t, func(name string, data []byte) []byte {
		return bytes.ReplaceAll(data, []byte("amd64"), []byte("arm64"))
	})
	if _, err := Open(t.Context(), p, Options{}); !errors.As(err, &m) || m.What != "config" {
		t.Errorf("config: %v", err)
	}
	for name, manifest := range map[string]string{
		"no JSON": "[", "none": "[]", "no such config": `[{"Config":"../../etc/passwd"}]`, "two": `[{"Config":"a"},{"Config":"b"}]`,
	} {
		p = dockerSave(t, func(n string, data []byte) []byte {
			if n == "manifest.json" {
				return []byte(manifest)
			}
			return data
		})
		if _, err := Open(t.Context(), p, Options{}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestArchiveTricks(t *testing.T) {
	write := func(entries ...entry) string {
		p := filepath.Join(t.TempDir(), "x.tar")
		if err := os.WriteFile(p, layer(t, entries...), 0o644); err != nil {
			t.Fatal(err)
		}
		return p
	}
	for name, p := range map[string]string{
		"a file twice":       write(entry{name: "index.json", data: "{}"}, entry{name: "./index.json", data: "{}"}),
		"a loop of links":    write(entry{name: "index.json", typ: tar.TypeSymlink, link: "index.json"}),
		"a link to the host": write(entry{name: "index.json", typ: tar.TypeSymlink, link: "/etc/passwd"}),
	} {
		if _, err := Open(t.Context(), p, Options{}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
