package main

import (
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	ggcr "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim"
	"github.com/stagescope/stagescope/chain/claim/publish"
	"github.com/stagescope/stagescope/chain/claim/statement"
)

// What cosign attached to an image in a registry is found and verified with a
// key that was given; it stays an attestation.
func TestAttached(t *testing.T) {
	s := httptest.NewServer(ggcr.New(ggcr.Logger(log.New(io.Discard, "", 0)), ggcr.WithReferrersSupport(true)))
	defer s.Close()
	repo := strings.TrimPrefix(s.URL, "http://") + "/stagex/core-a"
	digest, err := empty.Image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	key, err := statement.Generate(statement.ECDSAP256)
	if err != nil {
		t.Fatal(err)
	}
	payload := fmt.Appendf(nil, `{"critical":{"identity":{"docker-reference":""},"image":{"docker-manifest-digest":%q},"type":"cosign container image signature"},"optional":null}`, digest)
	sig, err := key.Sign(t.Context(), payload)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := mutate.Append(empty.Image, mutate.Addendum{
		Layer:       static.NewLayer(payload, "application/vnd.dev.cosign.simplesigning.v1+json"),
		Annotations: map[string]string{"dev.cosignproject.cosign/signature": base64.StdEncoding.EncodeToString(sig)},
	})
	if err != nil {
		t.Fatal(err)
	}
	for tag, img := range map[string]v1.Image{"1": empty.Image, "sha256-" + digest.Hex + ".sig": signed} {
		ref, err := name.ParseReference(repo + ":" + tag)
		if err != nil {
			t.Fatal(err)
		}
		if err := remote.Write(ref, img); err != nil {
			t.Fatal(err)
		}
	}
	pem, err := statement.MarshalPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "publisher.pub")
	if err := os.WriteFile(file, pem, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		flags attestFlags
		state claim.State
	}{{attestFlags{keys: []string{file}}, claim.Verified}, {attestFlags{}, claim.Unverified}} {
		trust, err := test.flags.trust()
		if err != nil {
			t.Fatal(err)
		}
		f := &attached{trust, publish.Options{}}
		claims, unknown := f.Find(t.Context(), repo, "core-a", "linux/amd64", "", chain.Digest(digest.String()))
		if len(claims) != 1 || len(unknown) != 0 {
			t.Fatalf("found %d claims, unknown %v", len(claims), unknown)
		}
		if c := claims[0]; c.Kind != claim.KindAttestation || c.Verification.State != test.state || c.Mode != claim.ModeUnknown || !strings.Contains(c.Says, "cosign signature") {
			t.Errorf("it is %+v", c)
		}
	}
}
