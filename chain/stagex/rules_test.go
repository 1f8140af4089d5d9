package stagex

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/stagescope/stagescope/chain"
)

func sorted(s []string) []string { return slices.Sorted(slices.Values(s)) }

// Scripts as far as the rules are read off them, in our own words.
var eras = map[string]map[string]string{
	"stagex/2024.12": {
		"src/targets.py": "version = x.get('version',version)\nname={name},type=oci annotation.org.opencontainers.image.revision=$(git)",
		"src/digests.py": `data['manifests'][0]`,
	},
	"stagex/2025.02": {
		"src/targets.py": "--build-arg SOURCE_DATE_EPOCH=1 --build-arg BUILDKIT_MULTI_PLATFORM=1 --provenance=false name={name},type=oci FROM --platform=linux/386 stagex/ subpackages",
		"src/digests.py": `data["manifests"][0]`,
	},
	"stagex/2025.03": {
		"src/targets.py": "--build-arg SOURCE_DATE_EPOCH=1 --provenance=false VERSION_MAJOR= distribution.source name={name},type=oci FROM --platform=linux/386 stagex/ subpackages",
		"src/digests.py": `data["manifests"][0]`,
	},
	"stagex/2025.06.1": {
		"src/targets.py": "--build-arg SOURCE_DATE_EPOCH=1 --provenance=false VERSION_MAJOR= _GIT_SHA= version_from distribution.source name={name},type=oci FROM --platform=linux/386 stagex/ subpackages",
		"src/digests.py": `data["manifests"][0] data["manifests"][0]`,
	},
	"stagex/2026.01": {
		"src/targets.py": "--build-arg SOURCE_DATE_EPOCH=1 --build-arg BUILDKIT_DOCKERFILE_CHECK --provenance=false VERSION_MAJOR= _GIT_SHA= version_from distribution.source name={stage}-{name},type=oci FROM --platform=linux/386 stagex/ subpackages",
		"src/digests.py": "data[\"manifests\"][0] data[\"manifests\"][0]\nexcept:",
	},
}

const eraToml = `[package]
name = "app"
version = "1.2.3-rc1"
unknown = "ignored"

[sources.first]
hash = "` + hexA + `"
version = "7.8"
git_sha = "abcd"
mirrors = ["https://x/first-{version}.tar"]

["sources".second-one]
hash = "` + hexB + `"
mirrors = ["https://x/second-{version}.tar?raw=1"]
`

func eraTree(era string) fstest.MapFS {
	files := map[string]string{"core/app": "FROM scratch", "packages/core/app/package.toml": eraToml, "digests/core.txt": hexA + " core-app\n"}
	for name, text := range eras[era] {
		files[name] = text
	}
	return tree(files)
}

func TestEras(t *testing.T) {
	for _, c := range []struct {
		era         string
		level       chain.Level
		image       string
		annotations []string
		args        string
		missing     int
	}{
		{"stagex/2024.12", chain.LevelUnknown, "app", []string{"org.opencontainers.image.version=1.2.3-rc1"},
			"SOURCE_DATE_EPOCH VERSION VERSION_UNDER VERSION_DASH FIRST_VERSION=7.8 FIRST_SOURCE=first-7.8.tar SECOND-ONE_VERSION=7.8 SECOND-ONE_SOURCE=second-7.8.tar", 2},
		{"stagex/2025.02", chain.LevelIndex, "app", []string{"org.opencontainers.image.version=1.2.3-rc1"},
			"SOURCE_DATE_EPOCH BUILDKIT_MULTI_PLATFORM VERSION VERSION_UNDER VERSION_DASH FIRST_VERSION=7.8 FIRST_SOURCE=first-7.8.tar", 0},
		{"stagex/2025.03", chain.LevelIndex, "app", []string{"containerd.io/distribution.source.docker.io=stagex/app", "org.opencontainers.image.version=1.2.3-rc1", "org.opencontainers.image.created=1970-01-01T00:00:01Z"},
			"SOURCE_DATE_EPOCH BUILDKIT_MULTI_PLATFORM VERSION VERSION_UNDER VERSION_DASH VERSION_MAJOR VERSION_MAJOR_MINOR VERSION_STRIP_SUFFIX FIRST_VERSION=7.8 FIRST_SOURCE=first-7.8.tar", 0},
		{"stagex/2025.06.1", chain.LevelManifest, "app", []string{"containerd.io/distribution.source.docker.io=stagex/app", "org.opencontainers.image.version=1.2.3-rc1", "org.opencontainers.image.created=1970-01-01T00:00:01Z"},
			"SOURCE_DATE_EPOCH BUILDKIT_MULTI_PLATFORM VERSION VERSION_UNDER VERSION_DASH VERSION_MAJOR VERSION_MAJOR_MINOR VERSION_STRIP_SUFFIX FIRST_VERSION=7.8 FIRST_SOURCE=first-7.8.tar FIRST_GIT_SHA=abcd", 0},
		{"stagex/2026.01", chain.LevelManifest, "core-app", []string{"containerd.io/distribution.source.docker.io=stagex/core-app", "org.opencontainers.image.version=1.2.3-rc1", "org.opencontainers.image.created=1970-01-01T00:00:01Z"},
			"SOURCE_DATE_EPOCH BUILDKIT_MULTI_PLATFORM BUILDKIT_DOCKERFILE_CHECK VERSION VERSION_UNDER VERSION_DASH VERSION_MAJOR VERSION_MAJOR_MINOR VERSION_STRIP_SUFFIX FIRST_VERSION=7.8 FIRST_SOURCE=first-7.8.tar FIRST_GIT_SHA=abcd", 0},
	} {
		t.Run(c.era, func(t *testing.T) {
			s := load(t, eraTree(c.era)).Stages[0]
			var annotations, args []string
			for _, a := range s.Exporter.Annotations {
				annotations = append(annotations, a.Name+"="+a.Value)
			}
			for _, a := range s.BuildArgs {
				name := a.Name
				if strings.HasPrefix(name, "FIRST") || strings.HasPrefix(name, "SECOND") {
					name += "=" + a.Value
				}
				args = append(args, name)
			}
			if s.Exporter.Era != c.era || s.Exporter.ImageName != c.image || len(s.Exporter.MissingInputs) != c.missing {
				t.Errorf("exporter = %+v", s.Exporter)
			}
			if s.Published[0].Level != c.level || s.Published[0].Line != 1 || s.Digest() != "sha256:"+hexA {
				t.Errorf("published = %+v", s.Published)
			}
			if d := cmp.Diff(c.annotations, annotations); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff(c.args, strings.Join(args, " ")); d != "" {
				t.Error(d)
			}
			if s.Exporter.MultiPlatform == (c.missing > 0) {
				t.Errorf("MultiPlatform = %v", s.Exporter.MultiPlatform)
			}
		})
	}
}

// A tree without scripts has the newest rules: ours is one.
func TestNoScripts(t *testing.T) {
	if got := readRules(fstest.MapFS{}).era; got != "stagex/2026.01" {
		t.Errorf("era = %s", got)
	}
}

func TestSubpackagesAndVersions(t *testing.T) {
	c := load(t, tree(map[string]string{
		"core/llvm":                           "FROM scratch AS build\nRUN --network=none one\nFROM scratch AS package-a\nCOPY --from=build / /\nFROM stagex/core-c AS package-b\nRUN two\n",
		"packages/core/llvm/package.toml":     "[package]\nname = \"llvm\"\nversion_from = \"core-c\"\nsubpackages = [\"a\", \"b\"]\n",
		"core/c":                              "FROM scratch",
		"packages/core/c/package.toml":        "[package]\nname = \"c\"\nversion = \"1.2.3-rc1\"\n",
		"user/hivemind":                       "FROM scratch AS package\nRUN one\nFROM scratch AS package-hugo\nRUN two\n",
		"packages/user/hivemind/package.toml": "[package]\nname = \"hivemind\"\nversion_from = \"core-a\"\n",
		"user/bad":                            "FROM scratch",
		"packages/user/bad/package.toml":      "[package]\nname = \"bad\"\nversion_from = \"core-llvm\"\n",
		"user/worse":                          "FROM scratch",
		"packages/user/worse/package.toml":    "[package]\nname = \"worse\"\n\nversion_from = \"user-x-y\"\n",
		"user/loop":                           "FROM scratch",
		"packages/user/loop/package.toml":     "[package]\nname = \"loop\"\nversion_from = \"user-loop\"\n",
	}))
	if _, err := c.Stage("core-llvm"); err == nil {
		t.Error("the parent of subpackages is a stage")
	}
	type brief struct{ Target, Package, Version, Steps, Needs string }
	for id, want := range map[string]brief{
		"core-a":        {"package-a", "llvm", "1.2.3-rc1", "one", "core-c"},
		"core-b":        {"package-b", "llvm", "1.2.3-rc1", "two", "core-c"},
		"user-hivemind": {"", "hivemind", "1.2.3-rc1", "two", ""},
	} {
		s, err := c.Stage(id)
		if err != nil {
			t.Fatal(err)
		}
		got := brief{s.Target, s.Package, s.Version, "", ""}
		for _, step := range s.Steps {
			got.Steps += step.Name
		}
		for _, n := range s.Needs {
			got.Needs += n.ID
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: %s", id, d)
		}
	}
	want := []string{
		"fault version-from-unknown packages/user/bad/package.toml:3",
		"fault version-from-cycle packages/user/loop/package.toml:3",
		"fault version-from-name packages/user/worse/package.toml:4",
		"fault version-from-unknown packages/user/worse/package.toml:4",
	}
	if d := cmp.Diff(want, sorted2(found(c))); d != "" {
		t.Error(d)
	}
}

// sorted2 sorts by place: rules of one line stay in a stable order.
func sorted2(s []string) []string {
	slices.SortStableFunc(s, func(a, b string) int {
		place := func(x string) string { return strings.Fields(x)[2] + strings.Fields(x)[1] }
		return strings.Compare(place(a), place(b))
	})
	return s
}

func TestRelease(t *testing.T) {
	const commit, tag, other = "1111111111111111111111111111111111111111", "2222222222222222222222222222222222222222", "3333333333333333333333333333333333333333"
	packed := "# pack-refs with: peeled\n" + commit + " refs/heads/main\n" + tag + " refs/tags/2026.01.0\n^" + commit + "\n" + other + " refs/tags/2026.03.0\n"
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"no checkout":         {nil, ""},
		"detached, annotated": {map[string]string{".git/HEAD": commit + "\n", ".git/packed-refs": packed}, "2026.01.0"},
		"packed branch":       {map[string]string{".git/HEAD": "ref: refs/heads/main\n", ".git/packed-refs": packed}, "2026.01.0"},
		"loose branch":        {map[string]string{".git/HEAD": "ref: refs/heads/main\n", ".git/refs/heads/main": other + "\n", ".git/packed-refs": packed}, "2026.03.0"},
		"loose tag":           {map[string]string{".git/HEAD": tag + "\n", ".git/refs/tags/2025.02.0": tag + "\n"}, "2025.02.0"},
		"leads out":           {map[string]string{".git/HEAD": "ref: ../../x\n", "x": commit, ".git/packed-refs": packed}, ""},
		"no tag":              {map[string]string{".git/HEAD": hexA[:40], ".git/packed-refs": packed}, ""},
	} {
		files := fstest.MapFS{}
		for file, text := range c.files {
			files[file] = &fstest.MapFile{Data: []byte(text)}
		}
		if got := release(files); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestPinnedNeed(t *testing.T) {
	c := load(t, tree(map[string]string{"core/a": "FROM scratch", "user/app": "FROM stagex/core-a:1@sha256:" + hexA + " AS x\nFROM docker.io/stagex/core-a\n"}))
	s, _ := c.Stage("user-app")
	if d := cmp.Diff([]chain.Need{{ID: "core-a", Pin: ":1@sha256:" + hexA, Line: 1}, {ID: "core-a", Line: 2}}, s.Needs); d != "" {
		t.Error(d)
	}
	if c.Edges() != 1 {
		t.Errorf("%d edges", c.Edges())
	}
	if d := cmp.Diff([]string{"notice pinned-need packages/user/app/Containerfile:1", "warning hidden-need packages/user/app/Containerfile:2"}, found(c)); d != "" {
		t.Error(d)
	}
}

func TestTemplates(t *testing.T) {
	forms := versionForms("1.2.3-rc1")
	for template, want := range map[string]string{
		"{version} {version_under} {version_dash}": "1.2.3-rc1 1_2_3-rc1 1-2-3-rc1",
		"{version_major} {version_major_minor}":    "1 1.2",
		"{version_strip_suffix} {{x}}":             "1.2.3 {x}",
		"plain":                                    "plain",
	} {
		if got, err := expand(template, forms); err != nil || got != want {
			t.Errorf("expand(%q) = %q, %v; want %q", template, got, err, want)
		}
	}
	for _, template := range []string{"{", "}", "{none}", "{version", "a}b"} {
		if got, err := expand(template, forms); err == nil {
			t.Errorf("expand(%q) = %q, want an error", template, got)
		}
	}
	if _, ok := versionForms("7")["version_major_minor"]; ok {
		t.Error("a version without a dot has a minor part")
	}
	for mirror, want := range map[string]string{"https://x/a/b.tar?c=d/e": "b.tar", "https://x/a/{version}.tar": "{version}.tar", "https://x/": "", "://": ""} {
		if got := urlFile(mirror); got != want && mirror != "://" {
			t.Errorf("urlFile(%q) = %q, want %q", mirror, got, want)
		}
	}
}

// An image in out/ is read in both shapes, verified, and claims nothing.
func TestLocalImages(t *testing.T) {
	manifest := []byte(`{"config":{}}`)
	inner := chain.SHA256(sha256.Sum256(manifest))
	index := fmt.Appendf(nil, `{"manifests":[{"digest":%q}]}`, inner)
	outer := chain.SHA256(sha256.Sum256(index))
	top := func(d chain.Digest) string { return fmt.Sprintf(`{"manifests":[{"digest":%q}]}`, d) }
	files := map[string]string{
		"core/wrapped": "FROM scratch", "core/seeded": "FROM scratch", "core/torn": "FROM scratch", "core/empty": "FROM scratch", "core/none": "FROM scratch",
		"out/core-wrapped/index.json": top(outer), "out/core-wrapped/blobs/sha256/" + outer.Hex(): string(index),
		"out/core-seeded/index.json": top(inner), "out/core-seeded/blobs/sha256/" + inner.Hex(): string(manifest),
		"out/core-torn/index.json": top(inner), "out/core-torn/blobs/sha256/" + inner.Hex(): "changed",
		"out/core-none/index.json":  `{"manifests":[]}`,
		"out/core-empty/oci-layout": "{}", "out/core-gone/index.json": "{}",
		"digests/core.txt": inner.Hex() + " core-seeded\n" + hexA + " core-wrapped\n",
	}
	for name, text := range eras["stagex/2026.01"] {
		files[name] = text
	}
	c := load(t, tree(files))
	for id, want := range map[string][]chain.Local{
		"core-wrapped": {{Layout: "out/core-wrapped", Index: outer, Manifest: inner}},
		"core-seeded":  {{Layout: "out/core-seeded", Manifest: inner}},
		"core-torn":    nil, "core-empty": nil, "core-none": nil,
	} {
		s, _ := c.Stage(id)
		if d := cmp.Diff(want, s.Local); d != "" {
			t.Errorf("%s: %s", id, d)
		}
		if len(s.Published) > 1 {
			t.Errorf("%s: an image in out/ became a claim", id)
		}
	}
	want := []string{
		"fault bad-image out/core-none", "fault bad-image out/core-torn", "notice image-without-stage out/core-gone",
		"notice preseeded out/core-seeded", "warning local-differs out/core-wrapped",
	}
	if d := cmp.Diff(want, sorted(found(c))); d != "" {
		t.Error(d)
	}
}

func FuzzPackage(f *testing.F) {
	f.Add([]byte(eraToml), []byte("FROM scratch\nCOPY --from=stagex/core-a / /\n"))
	f.Add([]byte("sources = {a = {hash = \"\", mirrors = [\"{\"]}}\n[package]\nname=\"x\"\n"), []byte("COPY "))
	f.Fuzz(func(t *testing.T, toml, recipe []byte) {
		c, err := Load(fstest.MapFS{
			"packages/core/a/package.toml": {Data: toml}, "packages/core/a/Containerfile": {Data: recipe},
		}, "fuzz")
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range c.Stages {
			for _, src := range s.Sources {
				if strings.ContainsAny(src.File, "/\x00") || src.File == ".." {
					t.Errorf("source file %q leads out of its directory", src.File)
				}
			}
		}
	})
}

func FuzzDigests(f *testing.F) {
	f.Add([]byte(hexA + " core-a\n" + hexB + "\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		good, _ := parseDigests(data)
		for _, p := range good {
			if len(p.digest.Hex()) != 64 || p.id == "" || p.line < 1 {
				t.Errorf("%+v", p)
			}
		}
	})
}

// BenchmarkLoad loads a tree of the size of a StageX release.
func BenchmarkLoad(b *testing.B) {
	files := map[string]string{}
	for i := range 450 {
		text := "FROM scratch AS build\nARG VERSION\n"
		for j := max(0, i-8); j < i; j++ {
			text += fmt.Sprintf("COPY --from=stagex/core-p%d . /\n", j)
		}
		text += "ADD fetch/p-${VERSION}.tar.gz .\nWORKDIR /p-${VERSION}\nRUN --network=none <<-EOF\n\tset -eux\n\t./configure --prefix=/usr\n\tmake\n\tmake DESTDIR=/rootfs install\nEOF\nFROM scratch AS package\nCOPY --from=build /rootfs /\n"
		name := fmt.Sprintf("p%d", i)
		files["core/"+name] = text
		files["packages/core/"+name+"/package.toml"] = strings.Replace(eraToml, `"app"`, `"`+name+`"`, 1)
	}
	fsys := tree(files)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Load(fsys, "bench"); err != nil {
			b.Fatal(err)
		}
	}
}
