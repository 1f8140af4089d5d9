package formats

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stagescope/stagescope/chain/image"
	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/diff/cause"
	"github.com/stagescope/stagescope/diff/rederive"
)

// held is a file of an archive that holds an image.
type held struct{ name, body string }

// packedAt writes an archive of files that have a time.
func packedAt(t *testing.T, at int64, files ...held) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		if err := w.WriteHeader(&tar.Header{Name: f.name, Mode: 0o644, Size: int64(len(f.body)), ModTime: time.Unix(at, 0), Format: tar.FormatUSTAR}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, f.body); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	p, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(p)
}

func sum(s string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(s))) }

// saved are the files of docker save's archive of an image with a tag, and those of
// an OCI layout of the same.
func saved(t *testing.T, tag string) (docker, oci []held) {
	layer := string(packedAt(t, 1, held{"a", "one\n"}))
	config := asJSON(t, map[string]any{"architecture": "amd64", "os": "linux", "config": map[string]any{}, "rootfs": map[string]any{"type": "layers", "diff_ids": []string{"sha256:" + sum(layer)}}})
	docker = []held{{sum(config) + ".json", config}, {"one/layer.tar", layer}, {"manifest.json", asJSON(t, []map[string]any{{"Config": sum(config) + ".json", "RepoTags": []string{"z:" + tag}, "Layers": []string{"one/layer.tar"}}})}}
	object := func(mediaType, s string) map[string]any {
		return map[string]any{"mediaType": mediaType, "digest": "sha256:" + sum(s), "size": len(s)}
	}
	manifest := asJSON(t, map[string]any{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": object("application/vnd.oci.image.config.v1+json", config),
		"layers": []any{object("application/vnd.oci.image.layer.v1.tar", layer)}})
	entry := object("application/vnd.oci.image.manifest.v1+json", manifest)
	entry["annotations"] = map[string]string{"org.opencontainers.image.ref.name": tag}
	oci = []held{{"oci-layout", `{"imageLayoutVersion":"1.0.0"}`}, {"index.json", asJSON(t, map[string]any{"schemaVersion": 2, "manifests": []any{entry}})},
		{"blobs/sha256/" + sum(manifest), manifest}, {"blobs/sha256/" + sum(config), config}, {"blobs/sha256/" + sum(layer), layer}}
	return docker, oci
}

// TestAround changes what an archive holds beside an image: who names the archives
// is not told that they are the same.
func TestAround(t *testing.T) {
	docker, oci := saved(t, "1")
	dockerTwo, ociTwo := saved(t, "2")
	hidden := held{"extra/hidden", "#!/bin/sh\n"}
	with := func(files []held, more ...held) []held { return append(files[:len(files):len(files)], more...) }
	turned := func(files []held) []held { return append([]held{files[1], files[0]}, files[2:]...) }
	for _, kind := range []struct {
		scheme       string
		plain, other []held
	}{{"docker-archive:", docker, dockerTwo}, {"oci:", oci, ociTwo}} {
		for what, c := range map[string]struct {
			at    int64
			files []held
			left  diff.Residue
		}{
			"another tag":       {1, kind.other, diff.ResidueKnown},
			"a file more":       {1, with(kind.plain, hidden), diff.ResidueKnown},
			"what nobody reads": {1, with(kind.plain, held{"repositories", `{"z":{"1":"x"}}`}), diff.ResidueKnown},
			"another time":      {9, kind.plain, diff.ResidueNone},
			"another order":     {1, turned(kind.plain), diff.ResidueNone},
		} {
			dir := t.TempDir()
			a, b := filepath.Join(dir, "a.tar"), filepath.Join(dir, "b.tar")
			for name, p := range map[string][]byte{a: packedAt(t, 1, kind.plain...), b: packedAt(t, c.at, c.files...)} {
				if err := os.WriteFile(name, p, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			n := compareRefs(t, a, b)
			if n.Status != diff.Differs || n.Residue != c.left || n.Kind != diff.KindImage {
				t.Errorf("%s %s: %s, %s", kind.scheme, what, n.Status, n.Residue)
			}
			if n := compareRefs(t, kind.scheme+a, kind.scheme+b); n.Status != diff.Same || !strings.Contains(n.Note, "archives that hold the images are not the same") {
				t.Errorf("%s %s: the images are %s, %s", kind.scheme, what, n.Status, n.Note)
			}
			if n := compareRefs(t, a, a); n.Status != diff.Same || strings.Contains(n.Note, "not the same") {
				t.Errorf("%s %s: an archive and itself are %s, %s", kind.scheme, what, n.Status, n.Note)
			}
		}
	}
}

// TestBesideOtherImages: of archives with images that differ, what lies beside these is
// not compared, and that is said.
func TestBesideOtherImages(t *testing.T) {
	docker, oci := saved(t, "1")
	other := strings.ReplaceAll(docker[0].body, `"architecture":"amd64"`, `"architecture":"arm64"`)
	changed := []held{{sum(other) + ".json", other}, docker[1], {"manifest.json", strings.ReplaceAll(docker[2].body, sum(docker[0].body), sum(other))}, {"extra/hidden", "x"}}
	dir := t.TempDir()
	a, b, c := filepath.Join(dir, "a.tar"), filepath.Join(dir, "b.tar"), filepath.Join(dir, "c.tar")
	for name, files := range map[string][]held{a: docker, b: changed, c: oci} {
		if err := os.WriteFile(name, packedAt(t, 1, files...), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	const said = "nothing beside these"
	if n := compareRefs(t, a, b); n.Status != diff.Differs || !strings.Contains(n.Note, said) {
		t.Errorf("%s, %s", n.Status, n.Note)
	}
	if n := compareRefs(t, "docker-archive:"+a, "docker-archive:"+b); n.Status != diff.Differs || strings.Contains(n.Note, said) {
		t.Errorf("%s, %s", n.Status, n.Note)
	}
	// Archives of two kinds that hold one image have nothing but that in common.
	if n := compareRefs(t, a, c); n.Status != diff.Same || !strings.Contains(n.Note, "of two kinds") {
		t.Errorf("%s, %s", n.Status, n.Note)
	}
}

// compareRefs compares two images as the verb does.
func compareRefs(t *testing.T, a, b string) *diff.Node {
	t.Helper()
	c, err := diff.Refs(t.Context(), a, b, image.Options{Offline: true}, diff.Options{Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := rederive.Explain(t.Context(), c.Root, c.ImageA, c.ImageB, rederive.Options{}); err != nil {
		t.Fatal(err)
	}
	if err := cause.Classify(t.Context(), c.Root, cause.Known{}); err != nil {
		t.Fatal(err)
	}
	return c.Root
}
