package cause

import (
	"archive/tar"
	"bytes"
	"testing"

	"github.com/stagescope/stagescope/diff"
)

// linkTar is an archive of one symbolic link.
func linkTar(t *testing.T, name, to string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&tar.Header{Name: name, Linkname: to, Typeflag: tar.TypeSymlink, Mode: 0o777}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestAlternatives: a link of the alternatives is likely a matter of order, and
// never explained; another link is nobody's matter.
func TestAlternatives(t *testing.T) {
	for name, want := range map[string]string{"etc/alternatives/awk": "D4h likely", "usr/bin/awk": ""} {
		n := pairOf(t, linkTar(t, name, "/usr/bin/mawk"), linkTar(t, name, "/usr/bin/gawk"))
		if len(n.Children) != 1 || n.Residue != diff.ResidueKnown {
			t.Fatalf("%s: %d children, residue %s", name, len(n.Children), n.Residue)
		}
		got := ""
		for _, c := range causesOf(n.Children[0]) {
			got += c
		}
		if got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestBaseImage(t *testing.T) {
	r := &diff.Reason{Field: "/annotations/org.opencontainers.image.base.digest"}
	if c := objectCause(diff.KindManifest, r); c == nil || c.ID != "D5a" {
		t.Errorf("%+v", c)
	}
	if r.Field = "/annotations/org.opencontainers.image.version"; objectCause(diff.KindManifest, r).ID != "A2" {
		t.Error("an annotation of another kind is the base image's")
	}
}
