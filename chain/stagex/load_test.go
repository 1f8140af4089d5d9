package stagex

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/stagescope/stagescope/chain"
)

const (
	hexA = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	hexB = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
)

// tree makes a tree of files; a package "tier/name" may be given by its
// Containerfile alone, its package.toml then holds no more than the name.
func tree(files map[string]string) fstest.MapFS {
	m := fstest.MapFS{}
	for name, text := range files {
		if parts := strings.Split(name, "/"); len(parts) == 2 && !strings.Contains(parts[1], ".") {
			m["packages/"+name+"/Containerfile"] = &fstest.MapFile{Data: []byte(text)}
			toml := "packages/" + name + "/package.toml"
			if _, ok := files[toml]; !ok {
				m[toml] = &fstest.MapFile{Data: fmt.Appendf(nil, "[package]\nname = %q\n", parts[1])}
			}
			continue
		}
		m[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return m
}

func load(t *testing.T, fsys fs.FS) *chain.Chain {
	t.Helper()
	c, err := Load(fsys, "test")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// found gives the findings as "severity rule file:line", without those that
// every small tree has.
func found(c *chain.Chain) []string {
	var out []string
	for _, f := range c.Findings {
		switch f.Rule {
		case "no-scripts", "no-digests", "stage-without-digest":
			continue
		}
		out = append(out, fmt.Sprintf("%s %s %s", f.Severity, f.Rule, f.Where()))
	}
	return out
}

// One case per thing that the tree's own scripts crash on, drop in silence or
// get wrong.
func TestPitfalls(t *testing.T) {
	const app = "packages/user/app/"
	source := func(lines string) string {
		return "[package]\nname = \"app\"\nversion = \"1.2.3-rc1\"\n\n[sources.app]\n" + lines
	}
	for _, c := range []struct {
		name  string
		files map[string]string
		want  []string
	}{
		{"no toml", map[string]string{"user/app": "FROM scratch", "packages/user/mesa/Containerfile": "FROM scratch", "packages/user/mesa/package.toml~": ""},
			[]string{"warning package-without-toml packages/user/mesa/Containerfile"}},
		{"no Containerfile", map[string]string{"user/app": "FROM scratch", "packages/user/mesa/package.toml": ""},
			[]string{"warning package-without-containerfile packages/user/mesa/package.toml"}},
		{"too deep", map[string]string{"user/app": "FROM scratch", app + "sub/Containerfile": "FROM scratch"},
			[]string{"fault wrong-depth " + app + "sub/Containerfile"}},
		{"too high", map[string]string{"user/app": "FROM scratch", "packages/user/Containerfile": "FROM scratch"},
			[]string{"fault wrong-depth packages/user/Containerfile"}},
		{"tier with a dash", map[string]string{"a-b/app": "FROM scratch"}, []string{"fault tier-with-dash packages/a-b"}},
		{"bad toml", map[string]string{"user/app": "FROM scratch", app + "package.toml": "[package]\nname = \"app\"\nversion = \n"},
			[]string{"fault package.toml " + app + "package.toml:3"}},
		{"toml of another type", map[string]string{"user/app": "FROM scratch", app + "package.toml": source("hash = \"x\"\nmirrors = \"one\"\n")},
			[]string{"fault package.toml " + app + "package.toml:7"}},
		{"toml without a name", map[string]string{"user/app": "FROM scratch", app + "package.toml": "\n[package]\nversion = \"1\"\n"},
			[]string{"fault package.toml " + app + "package.toml:2"}},
		{"bad Containerfile", map[string]string{"user/app": "FROM scratch\nBOGUS\n"}, []string{"fault containerfile " + app + "Containerfile:2"}},
		{"not UTF-8", map[string]string{"user/app": "FROM scratch\n# \xff\n"}, []string{"fault not-utf8 " + app + "Containerfile"}},
		{"need of nothing", map[string]string{"user/app": "FROM stagex/core-gone\n"}, []string{"fault unknown-need " + app + "Containerfile:1"}},
		{"name differs", map[string]string{"user/app": "FROM scratch", app + "package.toml": "[package]\nname = \"other\"\n"},
			[]string{"warning name-differs " + app + "package.toml:2"}},
		{"same name", map[string]string{"user/app": "FROM scratch", "core/app": "FROM scratch"},
			[]string{"notice same-name " + app + "Containerfile"}},
		{"platform", map[string]string{"user/app": "FROM scratch", app + "package.toml": "[package]\nname = \"app\"\nplatforms = [\"amd64\"]\n"},
			[]string{"fault platform " + app + "package.toml:3"}},
		{"no hash", map[string]string{"user/app": "FROM scratch", app + "package.toml": source("mirrors = [\"https://x/y\"]\n")},
			[]string{"fault source " + app + "package.toml:5"}},
		{"no mirrors", map[string]string{"user/app": "FROM scratch", app + "package.toml": source("hash = \"" + hexA + "\"\nfile = \"f\"\n")},
			[]string{"fault source " + app + "package.toml:5"}},
		{"bad hash", map[string]string{"user/app": "FROM scratch", app + "package.toml": source("\nhash = \"abc\"\nmirrors = [\"https://x/y\"]\n")},
			[]string{"fault hash " + app + "package.toml:7"}},
		{"file name leads out", map[string]string{"user/app": "FROM scratch", app + "package.toml": source("hash = \"" + hexA + "\"\nfile = \"../{version}\"\nmirrors = [\"https://x/y\"]\n")},
			[]string{"fault file-name " + app + "package.toml:5"}},
		{"unknown field", map[string]string{"user/app": "FROM scratch", app + "package.toml": source("hash = \"" + hexA + "\"\nmirrors = [\"https://x/{nothing}\"]\n")},
			[]string{"fault template " + app + "package.toml:5"}},
		{"mirrors name it differently", map[string]string{"user/app": "FROM scratch", app + "package.toml": source("hash = \"" + hexA + "\"\nmirrors = [\"https://x/y\", \"https://x/z\"]\n")},
			[]string{"warning mirror-names " + app + "package.toml:5"}},
		{"one file, two hashes", map[string]string{"user/app": "FROM scratch", app + "package.toml": source("hash = \"" + hexA + "\"\nmirrors = [\"https://x/y\"]\n[sources.b]\nhash = \"" + hexB + "\"\nmirrors = [\"https://z/y\"]\n")},
			[]string{"fault source-clash " + app + "package.toml:8"}},
		{"expanders disagree", map[string]string{"user/app": "FROM scratch", app + "package.toml": source("hash = \"" + hexA + "\"\nversion = \"9.9\"\nmirrors = [\"https://x/y-{version_dash}\"]\n")},
			[]string{"warning templates-disagree " + app + "package.toml:5"}},
		{"generator lacks a field", map[string]string{"user/app": "FROM scratch", app + "package.toml": source("hash = \"" + hexA + "\"\nversion = \"9.9\"\nmirrors = [\"https://x/y-{version_major}\"]\n")},
			[]string{"fault template " + app + "package.toml:5"}},
		{"subpackage without build stage", map[string]string{"user/app": "FROM scratch AS package-a", app + "package.toml": "[package]\nname = \"app\"\nsubpackages = [\"a\", \"b\"]\n"},
			[]string{"fault no-build-stage " + app + "package.toml:3"}},
		{"stale fetch", map[string]string{"user/app": "FROM scratch", app + "package.toml": source("hash = \"" + hexA + "\"\nmirrors = [\"https://x/y\"]\n"), app + "fetch/y": "", app + "fetch/old": ""},
			[]string{"warning stale-fetch " + app + "fetch/old"}},
		{"ignore file", map[string]string{"user/app": "FROM scratch", app + ".dockerignore": "x"}, []string{"notice ignore-file " + app + ".dockerignore"}},
		{"syntax directive", map[string]string{"user/app": "# syntax=docker/dockerfile:1\nFROM scratch"}, []string{"fault syntax-directive " + app + "Containerfile:1"}},
		{"network source", map[string]string{"user/app": "FROM scratch\nADD https://x/y /\n"}, []string{"fault network-source " + app + "Containerfile:2"}},
		{"git source", map[string]string{"user/app": "FROM scratch\nADD git@x:y.git /\n"}, []string{"fault network-source " + app + "Containerfile:2"}},
		{"opaque image", map[string]string{"user/app": "FROM alpine:3\n"}, []string{"fault opaque-image " + app + "Containerfile:1"}},
		{"opaque copy", map[string]string{"user/app": "FROM scratch\nCOPY --from=debian:12 / /\nCOPY --from=fetch . .\n"}, []string{"fault opaque-image " + app + "Containerfile:2"}},
		{"other registry", map[string]string{"user/app": "FROM quay.io/stagex/core-x\n"}, []string{"fault opaque-image " + app + "Containerfile:1"}},
		{"open name", map[string]string{"user/app": "ARG X\nFROM ${X}\n"}, []string{"fault unresolved-name " + app + "Containerfile:2"}},
		{"variable in --from", map[string]string{"user/app": "FROM scratch\nARG X=a\nCOPY --from=$X / /\n"}, []string{"fault from-variable " + app + "Containerfile:3"}},
		{"host network", map[string]string{"user/app": "FROM scratch\nRUN --network=host x\n"}, []string{"fault host-network " + app + "Containerfile:2"}},
		{"no confinement", map[string]string{"user/app": "FROM scratch\nRUN --security=insecure x\n"}, []string{"fault insecure " + app + "Containerfile:2"}},
		{"cache and secret", map[string]string{"user/app": "FROM scratch\nRUN --mount=type=cache,target=/c --mount=type=secret,id=k x\n"},
			[]string{"warning cache-mount " + app + "Containerfile:2", "warning secret-mount " + app + "Containerfile:2"}},
		{"hidden by other flags", map[string]string{"core/a": "FROM scratch", "core/b": "FROM scratch", "core/c": "FROM scratch",
			"user/app": "FROM stagex/core-a\nCOPY --link --from=stagex/core-b / /\nRUN --mount=from=stagex/core-c,target=/c x\n"},
			[]string{"warning hidden-need " + app + "Containerfile:2", "warning hidden-need " + app + "Containerfile:3"}},
		{"hidden by a platform", map[string]string{"core/a": "FROM scratch", "user/app": "FROM --platform=linux/386 stagex/core-a AS x\nFROM --platform=linux/arm64 stagex/core-a\n", "user/two": "FROM --platform=linux/arm64 stagex/core-a\n"},
			[]string{"warning hidden-need packages/user/two/Containerfile:1"}},
		{"seen but not used", map[string]string{"core/a": "FROM scratch", "user/app": "FROM scratch\nCOPY <<E /x\nCOPY --from=stagex/core-a x\nE\n"},
			[]string{"notice phantom-need " + app + "Containerfile:3"}},
		{"line rule crashes", map[string]string{"core/a": "FROM scratch", "user/app": "FROM scratch\nCOPY --from=0=1 / /\n"},
			[]string{"fault opaque-image " + app + "Containerfile:2", "fault line-rule-crash " + app + "Containerfile:2"}},
		{"digest without stage", map[string]string{"user/app": "FROM scratch", "digests/user.txt": hexA + " user-app\n" + hexB + " user-gone\n"},
			[]string{"warning digest-without-stage digests/user.txt:2"}},
		{"bad digest lines", map[string]string{"user/app": "FROM scratch", "digests/user.txt": "abc user-app\n" + hexA + "\n\n" + hexB + " user-app x\n"},
			[]string{"fault digest-line digests/user.txt:1", "fault digest-line digests/user.txt:2", "fault digest-line digests/user.txt:4"}},
		{"two digests", map[string]string{"user/app": "FROM scratch", "digests/core.txt": hexB + " user-app\n", "digests/user.txt": hexA + " user-app\n"},
			[]string{"notice digest-elsewhere digests/core.txt:1", "fault two-digests digests/user.txt:1"}},
		{"equal digests", map[string]string{"user/app": "FROM scratch", "user/b": "FROM scratch", "digests/user.txt": hexA + " user-app\n" + hexA + " user-b\n"},
			[]string{"warning equal-digests digests/user.txt:1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			loaded := load(t, tree(c.files))
			got := found(loaded)
			if d := cmp.Diff(sorted(c.want), sorted(got)); d != "" {
				t.Error(d)
				for _, f := range loaded.Findings {
					t.Logf("%+v", f)
				}
			}
			for _, f := range loaded.Findings {
				if f.Text == "" {
					t.Errorf("%s has no text", f.Rule)
				}
			}
		})
	}
}

// The rest of a tree loads when one package is bad, and the bad one is listed,
// marked as not buildable.
func TestBrokenStageIsListed(t *testing.T) {
	c := load(t, tree(map[string]string{"core/a": "FROM scratch\nBOGUS", "core/b": "FROM scratch", "packages/core/b/package.toml": "[", "user/app": "FROM stagex/core-a\nCOPY --from=stagex/core-b / /\n"}))
	if len(c.Stages) != 3 || c.Edges() != 2 {
		t.Fatalf("%d stages, %d edges", len(c.Stages), c.Edges())
	}
	for _, s := range c.Stages {
		if broken := s.Broken != ""; broken != (s.Tier == "core") {
			t.Errorf("%s: broken = %q", s.ID, s.Broken)
		}
	}
}

func TestNoTree(t *testing.T) {
	for name, fsys := range map[string]fs.FS{
		"empty": fstest.MapFS{}, "no packages": tree(map[string]string{"packages/core/README": ""}), "half": tree(map[string]string{"packages/core/a/README": ""}),
	} {
		if _, err := Load(fsys, name); !errors.Is(err, ErrNoTree) {
			t.Errorf("%s: error = %v, want ErrNoTree", name, err)
		}
	}
	dir := t.TempDir()
	if _, err := LoadDir(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error = %v, want ErrNotExist", err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadDir(file); !errors.Is(err, ErrNoTree) || IsTree(file) || IsTree(dir) {
		t.Errorf("error = %v, want ErrNoTree", err)
	}
}

// denied refuses to open one file of a tree.
type denied struct {
	fs.FS
	name string
}

func (d denied) Open(name string) (fs.File, error) {
	if name == d.name {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return d.FS.Open(name)
}

func TestNoPermission(t *testing.T) {
	files := tree(map[string]string{"user/app": "FROM scratch", "core/a": "FROM scratch"})
	if _, err := Load(denied{files, "packages"}, "x"); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("error = %v, want ErrPermission", err)
	}
	for name, want := range map[string]string{
		"packages/user/app/package.toml":  "fault package.toml packages/user/app/package.toml",
		"packages/user/app/Containerfile": "fault containerfile packages/user/app/Containerfile",
		"packages/user/app":               "fault unreadable packages/user/app",
		"packages/user":                   "fault unreadable packages/user",
	} {
		if d := cmp.Diff([]string{want}, found(load(t, denied{files, name}))); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

// A pipe would block whoever reads it.
func TestNoRegularFile(t *testing.T) {
	files := tree(map[string]string{"user/app": "FROM scratch", "core/a": "FROM scratch", "core/b": "FROM scratch"})
	files["packages/user/app/Containerfile"].Mode = fs.ModeNamedPipe
	files["packages/core/a/package.toml"].Mode = fs.ModeDevice
	files["packages/core/link"] = &fstest.MapFile{Mode: fs.ModeSymlink, Data: []byte("b")}
	want := []string{
		"fault containerfile packages/user/app/Containerfile", "fault odd-file packages/core/a/package.toml", "fault odd-file packages/user/app/Containerfile",
		"fault package.toml packages/core/a/package.toml", "warning linked-package packages/core/link",
	}
	if d := cmp.Diff(want, sorted(found(load(t, files)))); d != "" {
		t.Error(d)
	}
	files["packages/core/b/Containerfile"].Data = make([]byte, 17<<20)
	if d := cmp.Diff([]string{"fault containerfile packages/core/b/Containerfile"}, sorted(found(load(t, files)))[:1]); d != "" {
		t.Error(d)
	}
}

func TestOddFiles(t *testing.T) {
	files := tree(map[string]string{"user/app": "FROM scratch"})
	add := func(name string, mode fs.FileMode, data string) {
		files["packages/user/app/"+name] = &fstest.MapFile{Mode: mode, Data: []byte(data)}
	}
	add("pipe", fs.ModeNamedPipe, "")
	add("sub/device", fs.ModeDevice, "")
	add("out", fs.ModeSymlink, "../../core/a")
	add("abs", fs.ModeSymlink, "/etc/passwd")
	add("sub/in", fs.ModeSymlink, "../Containerfile")
	c := load(t, files)
	want := []string{
		"fault odd-file packages/user/app/pipe", "fault odd-file packages/user/app/sub/device",
		"warning link-out packages/user/app/abs", "warning link-out packages/user/app/out",
	}
	if d := cmp.Diff(want, sorted(found(c))); d != "" {
		t.Error(d)
	}
	if c.Stages[0].Broken == "" {
		t.Error("a stage with a device in its context can be built")
	}
}
