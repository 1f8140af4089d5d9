package archive

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/diff/internal/realtool"
)

// tool finds a program that makes real input; where CI installs it, it must be
// there.
func tool(t *testing.T, name string) string {
	t.Helper()
	return realtool.Find(t, name, "the parser is not tried on what it writes")
}

// tree makes a directory with a few files.
func tree(t *testing.T, body string) string {
	t.Helper()
	d := t.TempDir()
	for name, s := range map[string]string{"usr/bin/x": "#!/bin/sh\n", "usr/share/doc": body, "usr/share/big": strings.Repeat("text ", 50_000)} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(d, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(d, name), []byte(s), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

func run(t *testing.T, dir string, stdin string, args ...string) []byte {
	t.Helper()
	c := exec.Command(args[0], args[1:]...)
	c.Dir, c.Stdin = dir, strings.NewReader(stdin)
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Run(); err != nil {
		t.Fatalf("%s: %v\n%s", args[0], err, errs.String())
	}
	return out.Bytes()
}

func TestRealCpio(t *testing.T) {
	cpio := tool(t, "cpio")
	for _, form := range []string{"newc", "crc", "odc"} {
		var p [2][]byte
		for i := range p {
			d := tree(t, "same\n")
			when := time.Unix(int64(1700000000+i), 0)
			os.Chtimes(filepath.Join(d, "usr/share/doc"), when, when)
			p[i] = run(t, d, "usr\nusr/bin\nusr/bin/x\nusr/share\nusr/share/doc\nusr/share/big\n", cpio, "-o", "--quiet", "-H", form)
		}
		if n := classified(t, p[0], p[1]); n.Kind != KindCpio || n.Residue != diff.ResidueNone {
			t.Errorf("%s: %s", form, sketch(n))
		}
	}
}

func TestRealDeb(t *testing.T) {
	dpkg := tool(t, "dpkg-deb")
	var p [2][]byte
	for i, z := range []string{"xz", "gzip"} {
		d := tree(t, fmt.Sprintf("made 2026-01-0%d\n", i+1))
		os.MkdirAll(filepath.Join(d, "DEBIAN"), 0o755)
		os.WriteFile(filepath.Join(d, "DEBIAN/control"), []byte("Package: x\nVersion: 1\nArchitecture: all\nMaintainer: me <a@b.c>\nDescription: x\n"), 0o644)
		out := filepath.Join(t.TempDir(), "x.deb")
		run(t, "/", "", dpkg, "--root-owner-group", "-Z"+z, "-b", d, out)
		p[i], _ = os.ReadFile(out)
	}
	n := classified(t, p[0], p[1])
	if s := sketch(n); n.Kind != KindDeb || !strings.Contains(s, "compressed otherwise") || !strings.Contains(s, "D1a") {
		t.Error(s)
	}
}

func TestRealRpm(t *testing.T) {
	build := tool(t, "rpmbuild")
	var p [2][]byte
	for i := range p {
		d := t.TempDir()
		spec := fmt.Sprintf("Name: x\nVersion: 1\nRelease: 1\nSummary: s\nLicense: MIT\nBuildArch: noarch\n%%description\nd\n%%install\nmkdir -p %%{buildroot}/usr/share\nprintf 'made 2026-01-0%d\\n' > %%{buildroot}/usr/share/x\n%%files\n/usr/share/x\n", i+1)
		os.WriteFile(filepath.Join(d, "x.spec"), []byte(spec), 0o644)
		run(t, d, "", build, "-bb", "--define", "_topdir "+d, "--define", fmt.Sprintf("_buildhost host%d", i), "--define", "_build_id_links none", "x.spec")
		found, err := filepath.Glob(filepath.Join(d, "RPMS/noarch/*.rpm"))
		if err != nil || len(found) != 1 {
			t.Fatal(err, found)
		}
		p[i], _ = os.ReadFile(found[0])
	}
	n := classified(t, p[0], p[1])
	got := strings.Join(allCauses(n), ",")
	for _, want := range []string{"D2c proved", "D1a proved", "D5h derived"} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not in %s\n%s", want, got, sketch(n))
		}
	}
	for _, c := range n.Children {
		// A payload that zlib wrote is known as that; how zstd did is not.
		if (c.Name != "payload" || c.Kind == "gzip") && c.Residue != diff.ResidueNone {
			t.Errorf("%s: %s", c.Name, sketch(c))
		}
	}
}
