package main

import (
	"bytes"
	"encoding/json"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/stagescope/stagescope/chain/claim"
	"github.com/stagescope/stagescope/chain/image"
	"github.com/stagescope/stagescope/chain/store"
	"github.com/stagescope/stagescope/rebuild"
)

// A mirror that serves the same layers under other annotations is no tampering:
// the images are at hand, one is written again as the other, and that is a proof.
// At the level of manifests it still is not the same.
func TestVerifyAnswersItsQuestions(t *testing.T) {
	dir := t.TempDir()
	plain := wrapped(t, map[string]string{})
	named := wrapped(t, map[string]string{"org.opencontainers.image.version": "3"})
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	host := strings.TrimPrefix(server.URL, "http://")
	st, err := store.Open(filepath.Join(dir, "store"))
	if err != nil {
		t.Fatal(err)
	}
	for at, img := range map[string]v1.Image{host + "/mirror/core-tool:3": plain, host + "/published/core-tool:3": named} {
		ref, err := name.ParseReference(at)
		if err != nil {
			t.Fatal(err)
		}
		if err := remote.Write(ref, img); err != nil {
			t.Fatal(err)
		}
		opened, err := image.Open(t.Context(), at, image.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := rebuild.CopyImage(t.Context(), st, opened); err != nil {
			t.Fatal(err)
		}
		_ = opened.Close()
	}
	digest, err := named.Digest()
	if err != nil {
		t.Fatal(err)
	}
	tree := filepath.Join(dir, "tree")
	for file, text := range map[string]string{
		"packages/core/tool/Containerfile": "FROM scratch\nRUN true\n",
		"packages/core/tool/package.toml":  "[package]\nname = \"tool\"\nversion = \"3\"\n",
		"digests/core.txt":                 digest.Hex + " core-tool\n",
	} {
		file = filepath.Join(tree, file)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var out, errw bytes.Buffer
	code := run([]string{"--tree", tree, "--store", filepath.Join(dir, "store"), "verify", "core-tool", "--json", "--registry", host + "/mirror:3"}, nil, &out, &errw)
	var doc judgedDocument
	if err := json.Unmarshal(out.Bytes(), &doc); err != nil {
		t.Fatalf("%v: %s%s", err, out.String(), errw.String())
	}
	v := doc.Stages[0].Verdict
	if code != exitProven || v.Status != claim.Equivalent || v.Met || len(v.Causes) != 1 || !strings.HasPrefix(v.Causes[0], "A2 ") {
		t.Errorf("exit %d: %s, causes %q, questions %+v, notes %q", code, v.Sentence(), v.Causes, v.Question, doc.Stages[0].Notes)
	}
}

// wrapped is one image, with annotations in its manifest.
func wrapped(t *testing.T, annotations map[string]string) v1.Image {
	t.Helper()
	img, err := mutate.Append(mutate.MediaType(empty.Image, types.OCIManifestSchema1), mutate.Addendum{Layer: static.NewLayer(make([]byte, 1024), types.OCIUncompressedLayer)})
	if err != nil {
		t.Fatal(err)
	}
	img = mutate.ConfigMediaType(img, types.OCIConfigJSON)
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config.OS, config.Architecture = "linux", "amd64"
	if img, err = mutate.ConfigFile(img, config); err != nil {
		t.Fatal(err)
	}
	if len(annotations) == 0 {
		return img
	}
	return mutate.Annotations(img, annotations).(v1.Image)
}
