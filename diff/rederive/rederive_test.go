package rederive

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/klauspost/compress/zstd"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/image"
	"github.com/stagescope/stagescope/diff"
)

func godigest(d chain.Digest) digest.Digest { return digest.Digest(d) }

// published is an image as StageX's exporter of 2026 writes it.
func published(t testing.TB) spec {
	return spec{
		layers:      [][]byte{archive(t, entryOf{name: "bin/", dir: true}, entryOf{name: "bin/sh", body: prose(1, 90_000)}), archive(t, entryOf{name: "etc/conf", body: prose(2, 40_000)})},
		annotations: stagexAnnotations("core-zlib", "1.3.1"),
	}
}

func stagexAnnotations(name, version string) map[string]string {
	return map[string]string{keyVersion: version, keyDistribution: distribution + name, keyCreated: createdEpoch}
}

// attestation adds what BuildKit adds about an image.
func attestation(ix *ocispec.Index) {
	ix.Manifests = append(ix.Manifests, ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: godigest(hashOf([]byte("attestation"))), Size: 7,
		Platform:    &ocispec.Platform{OS: "unknown", Architecture: "unknown"},
		Annotations: map[string]string{"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": string(ix.Manifests[0].Digest)}})
}

// rewriting is one way in which a mirror, daemon or tool changes an image.
type rewriting struct {
	name   string
	change func(s *spec)
	causes []string // of both answers, unless blind says otherwise
	blind  []string // causes that the digest alone leads to; "none" when it leads to none
	level  chain.Level
	like   string
	want   diff.Confidence
	o      Options
}

var rewritings = []rewriting{
	{name: "gzip level 1", change: func(s *spec) { s.pack = asGzip(1) }, causes: []string{"A5"}, level: chain.LevelRootfs},
	{name: "gzip level 9", change: func(s *spec) { s.pack = asGzip(9) }, causes: []string{"A5"}, level: chain.LevelRootfs},
	{name: "pgzip", change: func(s *spec) { s.pack = asPgzip }, causes: []string{"A5"}, level: chain.LevelRootfs},
	{name: "gzip(1)", change: func(s *spec) { s.pack = asGNUGzip("-6") }, causes: []string{"A5"}, level: chain.LevelRootfs},
	{name: "gzip(1) at its best", change: func(s *spec) { s.pack = asGNUGzip("-9") }, causes: []string{"A5"}, level: chain.LevelRootfs},
	{name: "zstd", change: func(s *spec) { s.pack = asZstd(zstd.SpeedDefault) }, causes: []string{"A5"}, level: chain.LevelRootfs},
	{name: "zstd best", change: func(s *spec) { s.pack = asZstd(zstd.SpeedBestCompression) }, causes: []string{"A5"}, level: chain.LevelRootfs},
	{name: "uncompressed", change: func(s *spec) { s.pack = asTar }, causes: []string{"A5"}, level: chain.LevelRootfs},
	{name: "an encoder nobody knows", change: func(s *spec) { s.pack = asOdd }, causes: []string{"A5"}, blind: []string{"none"}, level: chain.LevelRootfs, want: diff.Likely},
	{name: "Docker media types", change: func(s *spec) { s.manifest, s.bare = dockerTypes, true; s.annotations = nil; s.write = compact },
		causes: []string{"A1", "A2", "A3", "A3"}, blind: []string{"A1", "A2", "A3", "A3"}, level: chain.LevelRootfs},
	{name: "docker pull and push", change: func(s *spec) { s.manifest, s.bare, s.annotations, s.write = dockerTypes, true, nil, dockerPush },
		causes: []string{"A1", "A2", "A3", "A3"}, level: chain.LevelRootfs, like: "docker push"},
	{name: "docker pull and push of a zstd image", change: func(s *spec) {
		s.manifest, s.bare, s.annotations, s.write = dockerTypes, true, nil, dockerPush
		s.pack = asGzip(1)
	},
		causes: []string{"A1", "A2", "A3", "A3", "A5"}, level: chain.LevelRootfs, like: "docker push"},
	{name: "skopeo copy --format oci", change: func(s *spec) { s.write, s.bare, s.annotations = compact, true, nil }, causes: []string{"A1", "A2", "A3"}, level: chain.LevelRootfs, like: "skopeo copy --format oci"},
	{name: "podman pull and push", change: func(s *spec) { s.write, s.bare, s.annotations, s.pack = compact, true, nil, asPgzip }, causes: []string{"A1", "A2", "A3", "A5"}, level: chain.LevelRootfs, like: "podman push"},
	{name: "a registry target of before 2026", change: func(s *spec) {
		s.manifest, s.annotations = dockerTypes, map[string]string{keyVersion: "1.3.1"}
		s.index = func(ix *ocispec.Index) { ix.MediaType = dockerList }
	},
		causes: []string{"A2", "A3", "A3"}, blind: []string{"A2", "A3"}, level: chain.LevelRootfs, like: "a BuildKit image exporter with Docker media types"},
	{name: "index dropped", change: func(s *spec) { s.bare = true }, causes: []string{"A1"}, level: chain.LevelManifest},
	{name: "index of Docker's type", change: func(s *spec) { s.index = func(ix *ocispec.Index) { ix.MediaType = dockerList } }, causes: []string{"A3"}, blind: []string{"A1"}, level: chain.LevelManifest},
	{name: "annotations dropped", change: func(s *spec) { s.annotations = nil }, causes: []string{"A2"}, level: chain.LevelRootfs},
	{name: "annotation of another release", change: func(s *spec) { s.annotations = stagexAnnotations("zlib", "1.3.1") }, causes: []string{"A2"}, level: chain.LevelRootfs},
	{name: "annotation of another version", change: func(s *spec) { s.annotations = stagexAnnotations("core-zlib", "1.3.2") }, causes: []string{"A2"}, level: chain.LevelRootfs, o: Options{Versions: []string{"1.3.2"}}},
	{name: "annotation that nobody can guess", change: func(s *spec) { s.annotations = map[string]string{"who": "knows"} }, causes: []string{"A2"}, blind: []string{"none"}, level: chain.LevelRootfs},
	{name: "attestation added", change: func(s *spec) { s.index = attestation }, causes: []string{"A6"}, blind: []string{"none"}, level: chain.LevelManifest},
	{name: "another platform added", change: func(s *spec) {
		s.index = func(ix *ocispec.Index) {
			ix.Manifests = append(ix.Manifests, ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: godigest(hashOf([]byte("arm"))), Size: 3, Platform: &ocispec.Platform{OS: "linux", Architecture: "arm64"}})
		}
	}, causes: []string{"A1"}, blind: []string{"none"}, level: chain.LevelManifest, want: diff.Likely},
	{name: "an attestation for a platform", change: func(s *spec) {
		s.index = func(ix *ocispec.Index) {
			attestation(ix)
			ix.Manifests[len(ix.Manifests)-1].Platform = &ocispec.Platform{OS: "linux", Architecture: "arm64"}
		}
	}, causes: []string{"A1"}, blind: []string{"none"}, level: chain.LevelManifest, want: diff.Likely},
	{name: "config written again", change: func(s *spec) { s.rawConfig = func(p []byte) []byte { return crane(p) } }, causes: []string{"A4"}, level: chain.LevelRootfs},
	{name: "config with keys sorted and spaces", change: func(s *spec) { s.rawConfig = sortedKeys }, causes: []string{"A4"}, blind: []string{"none"}, level: chain.LevelRootfs},
	{name: "config of another time", change: func(s *spec) {
		s.config = func(c *ocispec.Image) { at := time.Unix(1_700_000_000, 0).UTC(); c.Created = &at }
	},
		causes: []string{"A4"}, blind: []string{"none"}, level: chain.LevelRootfs},
	{name: "platform beside the config, as docker save", change: func(s *spec) {
		s.pack, s.write, s.annotations = asTar, compact, nil
		s.manifest = func(m *ocispec.Manifest) { m.Config.Platform = &ocispec.Platform{OS: "linux", Architecture: "amd64"} }
	}, causes: []string{"A2", "A3", "A3", "A5"}, level: chain.LevelRootfs, like: "docker save"},
	{name: "JSON by Python", change: func(s *spec) { s.bare, s.write = true, func(v any) []byte { return sortedKeys(compact(v)) } }, causes: []string{"A1", "A3"}, level: chain.LevelRootfs},
}

func sortedKeys(p []byte) []byte {
	var v any
	if err := json.Unmarshal(p, &v); err != nil {
		panic(err)
	}
	// Spaces after commas and colons, as Python writes them; no string of these
	// objects has a comma, and only digests and types have colons, after letters.
	p = compact(v)
	p = bytes.ReplaceAll(p, []byte(`":`), []byte(`": `))
	for _, next := range []string{`"`, `{`} {
		p = bytes.ReplaceAll(p, []byte(`,`+next), []byte(`, `+next))
	}
	return p
}

// crane writes a config as go-containerregistry does.
func crane(p []byte) []byte {
	f, err := v1.ParseConfigFile(bytes.NewReader(p))
	if err != nil {
		panic(err)
	}
	return compact(f)
}

// TestRewritings turns one image into another in each of the ways that are
// known, and asks both questions: with both images at hand, and with the digest
// alone.
func TestRewritings(t *testing.T) {
	for _, tc := range rewritings {
		t.Run(tc.name, func(t *testing.T) {
			a := published(t)
			b := published(t)
			tc.change(&b)
			x, y := a.open(t), b.open(t)
			if x.ManifestDigest() == y.ManifestDigest() && x.IndexDigest() == y.IndexDigest() {
				t.Fatal("the two are the same image")
			}
			want := tc.want
			if want == 0 {
				want = diff.Proved
			}
			both, err := Images(t.Context(), x, y, tc.o)
			if got := causes(both); err != nil || !both.Found || !cmp.Equal(got, tc.causes) || both.Level != tc.level || both.Confidence() != want {
				t.Errorf("both at hand: causes %v, want %v\n%s", got, tc.causes, describe(both, err))
			}
			if tc.like != "" && both.Like != tc.like {
				t.Errorf("like %q, want %q", both.Like, tc.like)
			}
			blind := tc.blind
			if blind != nil && blind[0] == "none" {
				tc.o.Encoded = 1 << 20 // TestBounds tries all
			}
			alone, err := Digest(t.Context(), x, outermost(y), tc.o)
			if blind == nil {
				blind = tc.causes
			}
			if blind[0] == "none" {
				if err != nil || alone.Found || alone.Tried < 1000 || !strings.Contains(alone.Sentence(), "digests tried") {
					t.Errorf("the digest alone: want nothing found\n%s", describe(alone, err))
				}
				return
			}
			if got := causes(alone); err != nil || !alone.Found || !cmp.Equal(got, blind) || alone.Confidence() != diff.Proved {
				t.Errorf("the digest alone: causes %v, want %v\n%s", got, blind, describe(alone, err))
			}
		})
	}
}

func causes(a *Answer) (out []string) {
	for _, s := range a.Steps {
		out = append(out, s.Cause)
	}
	slices.Sort(out)
	return out
}

// TestBack goes the other way round for what only one direction can know.
func TestBack(t *testing.T) {
	a := published(t)
	a.index = attestation
	b := published(t)
	x, y := a.open(t), b.open(t)
	both, err := Images(t.Context(), x, y, Options{})
	if err != nil || !both.Found || !cmp.Equal(causes(both), []string{"A6"}) {
		t.Error(describe(both, err))
	}
	alone, err := Digest(t.Context(), x, y.IndexDigest(), Options{})
	if err != nil || !alone.Found || !cmp.Equal(causes(alone), []string{"A6"}) {
		t.Error(describe(alone, err))
	}
	b.bare, b.pack = true, asZstd(zstd.SpeedDefault)
	y = b.open(t)
	alone, err = Digest(t.Context(), y, x.ManifestDigest(), Options{})
	if err != nil || !alone.Found || !cmp.Equal(causes(alone), []string{"A5"}) || !strings.Contains(alone.Sentence(), "recompressed: zstd level 2") {
		t.Error(describe(alone, err))
	}
}

func TestOwnDigests(t *testing.T) {
	x := published(t).open(t)
	for want, level := range map[chain.Digest]chain.Level{x.IndexDigest(): chain.LevelIndex, x.ManifestDigest(): chain.LevelManifest, x.ConfigDigest(): chain.LevelRootfs} {
		a, err := Digest(t.Context(), x, want, Options{})
		if err != nil || !a.Found || a.Level != level || !cmp.Equal(causes(a), []string{"A1"}) {
			t.Error(describe(a, err))
		}
	}
	a, err := Digest(t.Context(), x, x.Layers()[0].DiffID, Options{Encoded: 1})
	if err != nil || a.Found || !strings.Contains(a.Sentence(), "layer 1 alone") {
		t.Error(describe(a, err))
	}
}

// saved writes an archive of the old docker save with the config of x and these blobs.
func saved(t *testing.T, x *image.Image, layers ...[]byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "saved.tar")
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	add := func(name string, p []byte) {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(p))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(p); err != nil {
			t.Fatal(err)
		}
	}
	config := x.ConfigDigest().Hex() + ".json"
	add(config, x.RawConfig())
	var names []string
	for i, l := range layers {
		names = append(names, fmt.Sprintf("%d/layer.tar", i))
		add(names[i], l)
	}
	add("manifest.json", compact([]map[string]any{{"Config": config, "RepoTags": []string{"z:1"}, "Layers": names}}))
	if err := errors.Join(w.Close(), os.WriteFile(name, b.Bytes(), 0o644)); err != nil {
		t.Fatal(err)
	}
	return "docker-archive:" + name
}

// TestBlobsWithoutDigest changes bits that no decoder looks at, far behind what is
// looked at first: two archives that do not state the digests of their layers, whose
// blobs have one size and one content, are not the same for that.
func TestBlobsWithoutDigest(t *testing.T) {
	plain := archive(t, entryOf{name: "data", body: prose(3, 3<<20)})
	x := spec{layers: [][]byte{plain}}.open(t)
	packed, _ := asGzip(0)(t, plain)
	other := bytes.Clone(packed)
	at := 10
	for at < 2<<20 { // from one stored block to the next: RFC 1951, 3.2.4
		at += 5 + int(binary.LittleEndian.Uint16(other[at+1:]))
	}
	other[at] |= 0xf8
	y, z := open(t, saved(t, x, packed)), open(t, saved(t, x, other))
	for _, pair := range [][2]*image.Image{{y, z}, {z, y}, {x, z}} {
		if a, err := Images(t.Context(), pair[0], pair[1], Options{}); err == nil && a.Found && a.Confidence() == diff.Proved {
			t.Error(describe(a, err))
		}
	}
	a, err := Images(t.Context(), x, y, Options{})
	if err != nil || !a.Found || a.Confidence() != diff.Proved {
		t.Error(describe(a, err))
	}
}

// TestDockerSave compares with an archive of the old docker save, which keeps
// config and archives only.
func TestDockerSave(t *testing.T) {
	s := published(t)
	x := s.open(t)
	y := open(t, saved(t, x, s.layers...))
	a, err := Images(t.Context(), x, y, Options{})
	if err != nil || !a.Found || a.Level != chain.LevelRootfs || a.Confidence() != diff.Proved || !slices.Contains(causes(a), "A3") {
		t.Error(describe(a, err))
	}
	a, err = Digest(t.Context(), y, x.ManifestDigest(), Options{Names: []string{"core-zlib"}, Versions: []string{"1.3.1"}})
	if err != nil || !a.Found || a.Confidence() != diff.Proved {
		t.Error(describe(a, err))
	}
}

// TestOtherLayers holds apart layers that are cut otherwise, which makes the
// same tree, from those that make another.
func TestOtherLayers(t *testing.T) {
	files := []entryOf{{name: "bin/", dir: true}, {name: "bin/sh", body: prose(1, 9000)}, {name: "etc/", dir: true}, {name: "etc/conf", body: "x\n"}}
	two := spec{layers: [][]byte{archive(t, files[:2]...), archive(t, files[2:]...)}}
	for name, layers := range map[string][][]byte{
		"squashed":            {archive(t, files...)},
		"split":               {archive(t, files[:1]...), archive(t, files[1:2]...), archive(t, files[2:]...)},
		"an empty layer more": {archive(t, files[:2]...), archive(t), archive(t, files[2:]...)},
	} {
		t.Run(name, func(t *testing.T) {
			x, y := two.open(t), spec{layers: layers}.open(t)
			a, err := Images(t.Context(), x, y, Options{})
			if err != nil || !a.Found || a.Level != chain.LevelFiles || !slices.Contains(causes(a), "A7") || a.Confidence() != diff.Proved {
				t.Error(describe(a, err))
			}
			a, err = Digest(t.Context(), x, y.ManifestDigest(), Options{})
			if err != nil || a.Found {
				t.Error(describe(a, err))
			}
		})
	}
	files[3].body = "y\n"
	a, err := Images(t.Context(), two.open(t), spec{layers: [][]byte{archive(t, files...)}}.open(t), Options{})
	if err != nil || a.Found || a.Level != chain.LevelUnknown || !strings.Contains(a.Sentence(), `first at "etc/conf"`) {
		t.Error(describe(a, err))
	}
}

// TestNotExplained holds that what differs in content, or is damaged, is never
// explained.
func TestNotExplained(t *testing.T) {
	x := published(t).open(t)
	t.Run("another release's image", func(t *testing.T) {
		s := published(t)
		s.layers[1] = archive(t, entryOf{name: "etc/conf", body: prose(3, 40_000)})
		y := s.open(t)
		a, err := Images(t.Context(), x, y, Options{})
		if err != nil || a.Found {
			t.Error(describe(a, err))
		}
		if a, err = Digest(t.Context(), x, y.ManifestDigest(), Options{}); err != nil || a.Found {
			t.Error(describe(a, err))
		}
	})
	t.Run("another entry point", func(t *testing.T) {
		s := published(t)
		s.config = func(c *ocispec.Image) { c.Config.Entrypoint = []string{"/bin/evil"} }
		a, err := Images(t.Context(), x, s.open(t), Options{})
		if err != nil || a.Found || !strings.Contains(a.Sentence(), "Entrypoint, which says what is run") {
			t.Error(describe(a, err))
		}
	})
	t.Run("another member of the manifest", func(t *testing.T) {
		s := published(t)
		s.manifest = func(m *ocispec.Manifest) { m.ArtifactType = "application/vnd.x" }
		a, err := Images(t.Context(), x, s.open(t), Options{})
		if err != nil || a.Found {
			t.Error(describe(a, err))
		}
	})
	t.Run("a key twice", func(t *testing.T) {
		s := published(t)
		s.bare = true
		s.write = func(v any) []byte {
			return bytes.Replace(compact(v), []byte(`{"schemaVersion":2`), []byte(`{"schemaVersion":1,"schemaVersion":2`), 1)
		}
		a, err := Images(t.Context(), x, s.open(t), Options{})
		if err == nil || a.Found {
			t.Error(describe(a, err))
		}
	})
	for name, harm := range map[string]func([]byte) []byte{
		"truncated": func(p []byte) []byte { return p[:len(p)/2] },
		"tampered":  func(p []byte) []byte { p = bytes.Clone(p); p[len(p)/2] ^= 1; return p },
	} {
		t.Run(name, func(t *testing.T) {
			s := published(t)
			s.annotations = nil // so that there would be something to explain
			s.harm = func(dir string) {
				p, _ := asGzip(6)(t, s.layers[0])
				if err := os.WriteFile(filepath.Join(dir, "blobs", "sha256", hashOf(p).Hex()), harm(p), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			y := s.open(t)
			var m *image.MismatchError
			a, err := Images(t.Context(), x, y, Options{})
			if !errors.As(err, &m) || a.Found || a.Stopped == "" {
				t.Error(describe(a, err))
			}
			if a, err = Digest(t.Context(), y, hashOf([]byte("x")), Options{}); err == nil || a.Found {
				t.Error(describe(a, err))
			}
		})
	}
}

func TestBounds(t *testing.T) {
	x := published(t).open(t)
	for name, o := range map[string]Options{"digests": {Digests: 100}, "bytes": {Encoded: 1000}} {
		a, err := Digest(t.Context(), x, hashOf([]byte("nobody's")), o)
		if err != nil || a.Found || a.Stopped == "" || !strings.Contains(a.Sentence(), "not all") {
			t.Errorf("%s: %s", name, describe(a, err))
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	a, err := Digest(ctx, x, hashOf([]byte("nobody's")), Options{})
	if !errors.Is(err, context.Canceled) || a.Found {
		t.Error(describe(a, err))
	}
	a, err = Digest(t.Context(), x, hashOf([]byte("nobody's")), Options{})
	if err != nil || a.Found || !strings.Contains(a.Sentence(), "not all: ") || !strings.Contains(a.Stopped, " rare encoders are tried only where both images are at hand") {
		t.Error(describe(a, err))
	}
	t.Logf("%d digests when nothing fits", a.Tried)
}

func TestSameImage(t *testing.T) {
	a, err := Images(t.Context(), published(t).open(t), published(t).open(t), Options{})
	if err != nil || a.Found || len(a.Steps) != 0 {
		t.Error(describe(a, err))
	}
}
