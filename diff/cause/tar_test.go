package cause

import (
	"archive/tar"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stagescope/stagescope/diff"
)

// gnuTar packs files with the system's tar.
func gnuTar(t *testing.T, setup func(dir string), args ...string) []byte {
	t.Helper()
	if _, err := exec.LookPath("tar"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("tar is not installed")
		}
		t.Skip("tar is not installed, so that it cannot be tried what it writes")
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"a": "content of a", "b": "content of b"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if setup != nil {
		setup(dir)
	}
	at := time.Unix(1_700_000_000, 0)
	names, _ := os.ReadDir(dir)
	for _, n := range names {
		os.Chtimes(filepath.Join(dir, n.Name()), at, at)
	}
	os.Chtimes(dir, at, at)
	base := []string{"-C", dir, "-cf", "-", "--owner=0", "--group=0", "--numeric-owner", "--format=ustar"}
	if !slices.Contains(args, "a") && !slices.Contains(args, "b") {
		args = append(args, "--sort=name", ".")
	}
	out, err := exec.Command("tar", append(base, args...)...).Output()
	if err != nil {
		t.Fatalf("tar %q: %v", args, err)
	}
	return out
}

// goTar packs one entry.
func goTar(t *testing.T, hs ...*tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range hs {
		h.ModTime, h.Mode = time.Unix(1, 0), 0o644
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestTarMetadata has one case for each way in which archives of one content
// differ, made by the tool that makes them so.
func TestTarMetadata(t *testing.T) {
	link := func(dir string) {
		if err := os.Link(filepath.Join(dir, "a"), filepath.Join(dir, "c")); err != nil {
			t.Fatal(err)
		}
	}
	copied := func(dir string) {
		if err := os.WriteFile(filepath.Join(dir, "c"), []byte("content of a"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	device := func(minor int64) *tar.Header {
		return &tar.Header{Name: "dev", Typeflag: tar.TypeChar, Devmajor: 1, Devminor: minor}
	}
	for _, tc := range []struct {
		name    string
		a, b    []byte
		want    []string // every cause in the tree, each once, sorted
		residue diff.Residue
	}{
		{"times", gnuTar(t, nil), gnuTar(t, nil, "--mtime=@1700009999"), []string{"B1 proved"}, diff.ResidueNone},
		{"fractions of times", gnuTar(t, nil, "--format=pax", "--pax-option=delete=atime,delete=ctime"), gnuTar(t, nil, "--format=pax", "--pax-option=delete=atime,delete=ctime", "--mtime=@1700000000.25"), []string{"B1 proved", "B5 proved"}, diff.ResidueNone},
		{"order", gnuTar(t, nil, "a", "b"), gnuTar(t, nil, "b", "a"), []string{"B2 proved"}, diff.ResidueNone},
		{"owner", gnuTar(t, nil), gnuTar(t, nil, "--owner=1000", "--group=1000"), []string{"B3 proved"}, diff.ResidueNone},
		{"global records", gnuTar(t, nil, "--format=pax", "--pax-option=delete=atime,delete=ctime,globexthdr.name=g,globexthdr.mtime={1970-01-02},comment=x"), gnuTar(t, nil, "--format=pax", "--pax-option=delete=atime,delete=ctime,globexthdr.name=g,globexthdr.mtime={1970-01-02},comment=y"), []string{"B5 proved"}, diff.ResidueNone},
		{"file or directory", goTar(t, &tar.Header{Name: "d", Typeflag: tar.TypeReg}), goTar(t, &tar.Header{Name: "d", Typeflag: tar.TypeDir}), []string{}, diff.ResidueKnown},
		{"umask", gnuTar(t, nil), gnuTar(t, nil, "--mode=g+w"), []string{"B4 proved"}, diff.ResidueNone},
		{"extended attributes", goTar(t, &tar.Header{Name: "f", PAXRecords: map[string]string{"SCHILY.xattr.user.k": "1"}}), goTar(t, &tar.Header{Name: "f", PAXRecords: map[string]string{"SCHILY.xattr.user.k": "2"}}), []string{"B5 proved"}, diff.ResidueNone},
		{"format", gnuTar(t, nil), gnuTar(t, nil, "--format=gnu"), []string{"B5 proved"}, diff.ResidueNone},
		{"hard link or copy", gnuTar(t, link), gnuTar(t, copied), []string{"B5 proved", "B6 proved"}, diff.ResidueNone},
		{"hard link to something else", gnuTar(t, func(dir string) {
			if err := os.Link(filepath.Join(dir, "b"), filepath.Join(dir, "c")); err != nil {
				t.Fatal(err)
			}
		}), gnuTar(t, copied), []string{"B5 proved"}, diff.ResidueKnown},
		{"device numbers", goTar(t, device(3)), goTar(t, device(5)), []string{"B7 likely"}, diff.ResidueKnown},
		{"form of a whiteout", goTar(t, &tar.Header{Name: "d/.wh..wh..opq", Typeflag: tar.TypeReg}), goTar(t, &tar.Header{Name: "d/.wh.x", Typeflag: tar.TypeReg}), []string{"B6 likely"}, diff.ResidueKnown},
	} {
		t.Run(tc.name, func(t *testing.T) {
			n := pairOf(t, tc.a, tc.b)
			var got []string
			for _, cs := range all(n) {
				for _, c := range cs {
					if !slices.Contains(got, c) && !strings.HasPrefix(c, "derived") {
						got = append(got, c)
					}
				}
			}
			slices.Sort(got)
			if tc.want != nil && !slices.Equal(got, tc.want) || n.Status != diff.Differs && tc.want != nil {
				t.Errorf("%s, causes %q, want %q; all %v", n.Status, got, tc.want, all(n))
			}
			if t.Failed() {
				var walk func(n *diff.Node)
				walk = func(n *diff.Node) {
					for _, r := range n.Reasons {
						t.Logf("%s: %s %q %q %+v", n.Name, r.Field, r.A, r.B, r.Cause)
					}
					t.Logf("%s %s %s %q", n.Name, n.Status, n.Residue, n.Note)
					for _, c := range n.Children {
						walk(c)
					}
				}
				walk(n)
			}
			if n.Status == diff.Differs && n.Residue != tc.residue {
				t.Errorf("residue %s, want %s; all %v", n.Residue, tc.residue, all(n))
			}
		})
	}
}
