package store

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/stagescope/stagescope/chain"
)

// TestPutManifests: artifacts are listed once, byte by byte as they were given;
// what is none, or names what is not there, is refused.
func TestPutManifests(t *testing.T) {
	s, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	empty, _, err := s.PutBlob(t.Context(), strings.NewReader("{}"), "")
	if err != nil {
		t.Fatal(err)
	}
	manifest := func(typ string) []byte {
		return fmt.Appendf(nil, `{"schemaVersion":2, "mediaType":%q,"artifactType":%q,"config":{"mediaType":%q,"digest":%q,"size":2},"layers":[]}`,
			ocispec.MediaTypeImageManifest, typ, ocispec.MediaTypeEmptyJSON, empty)
	}
	a, b := manifest("a/a"), manifest("b/b")
	for range 2 {
		list, err := s.PutManifests(t.Context(), [][]byte{a, b, a})
		if err != nil || list[0].ArtifactType != "a/a" || list[0].Digest != list[2].Digest {
			t.Fatalf("%+v, %v", list, err)
		}
		if got, err := s.ReadBlob(chain.Digest(list[1].Digest), 1000); err != nil || !bytes.Equal(got, b) {
			t.Errorf("%q, %v", got, err)
		}
	}
	if all, err := s.Artifacts("", ""); err != nil || len(all) != 2 {
		t.Errorf("%d listed, %v", len(all), err)
	}
	for name, bad := range map[string]string{
		"nothing":         "",
		"another version": `{"schemaVersion":1}`,
		"both":            `{"schemaVersion":2,"config":{},"manifests":[]}`,
		"a bad digest":    `{"schemaVersion":2,"config":{"digest":"sha256:../..","size":1}}`,
		"what is absent":  strings.Replace(string(a), string(empty), "sha256:"+strings.Repeat("0", 64), 1),
	} {
		if _, err := s.PutManifest(t.Context(), []byte(bad)); err == nil || name == "what is absent" && !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
