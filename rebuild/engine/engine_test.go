//go:build linux

package engine

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/rebuild"
)

func TestMain(m *testing.M) {
	Init()
	if text := os.Getenv(taskEnv); text != "" {
		runTask(text)
	}
	os.Exit(m.Run())
}

// probe compiles the program that steps run, once.
var probe = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "probe")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, "probe")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", out, "testdata/probe/main.go")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GO111MODULE=off", "GOFLAGS=")
	if b, err := cmd.CombinedOutput(); err != nil {
		return nil, errors.New(string(b))
	}
	return os.ReadFile(out)
})

// newEngine starts an engine in a directory of its own, or skips the test
// where the kernel allows none.
func newEngine(t testing.TB, o Options) rebuild.Engine {
	t.Helper()
	if o.StateDir == "" {
		o.StateDir = t.TempDir()
	}
	e, err := Embedded(t.Context(), o)
	var forbidden *ForbiddenError
	if errors.As(err, &forbidden) && os.Getenv("CI") == "" {
		t.Skipf("no namespaces here: %v", err)
	}
	if err != nil {
		log, _ := os.ReadFile(logFile(o.StateDir))
		t.Fatalf("%v\n%s", err, log)
	}
	t.Cleanup(func() {
		e.Close()
		if err := Clean(context.Background(), o); err != nil {
			t.Errorf("cleaning up: %v", err)
		}
	})
	return e
}

// request makes a request of a Containerfile and files; "probe" is always there.
func request(t testing.TB, containerfile string, files map[string]*fstest.MapFile) *rebuild.Request {
	t.Helper()
	bin, err := probe()
	if err != nil {
		t.Fatalf("compiling the probe: %v", err)
	}
	fsys := fstest.MapFS{
		"Containerfile": {Data: []byte(containerfile), Mode: 0o644},
		"probe":         {Data: bin, Mode: 0o755},
	}
	for n, f := range files {
		fsys[n] = f
	}
	return &rebuild.Request{
		Stage: "test-stage", Context: fsys, Containerfile: "Containerfile", Platforms: []string{"linux/amd64"},
		BuildArgs: []chain.Arg{{Name: "SOURCE_DATE_EPOCH", Value: "1"}, {Name: "BUILDKIT_MULTI_PLATFORM", Value: "1"}},
		Exporter:  chain.Exporter{ImageName: "test", RewriteTimestamp: true, ForceCompression: true, NofileSoft: 2048, NofileHard: 16384},
		Output:    io.Discard,
	}
}

// build builds and gives the layout's files by name.
func build(t testing.TB, e rebuild.Engine, r *rebuild.Request) (map[string][]byte, *rebuild.Built) {
	t.Helper()
	var out bytes.Buffer
	r.Output = &out
	built, err := e.Build(t.Context(), r, nil)
	if err != nil {
		t.Fatalf("building: %v", err)
	}
	files := map[string][]byte{}
	for tr := tar.NewReader(&out); ; {
		h, err := tr.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if files[h.Name], err = io.ReadAll(tr); err != nil {
			t.Fatal(err)
		}
	}
	return files, built
}

// descriptors follows an index's or manifest's descriptors.
type object struct {
	Manifests, Layers []struct{ Digest string }
	Config            struct{ Digest string }
}

func read(t testing.TB, files map[string][]byte, digest string) object {
	t.Helper()
	var o object
	data := files["blobs/"+strings.Replace(digest, ":", "/", 1)]
	if err := json.Unmarshal(data, &o); err != nil {
		t.Fatalf("%s: %v", digest, err)
	}
	return o
}

// manifest gives the manifest inside the exported index.
func manifest(t testing.TB, files map[string][]byte, b *rebuild.Built) object {
	t.Helper()
	o := read(t, files, string(b.Index))
	if len(o.Manifests) == 0 {
		return o
	}
	return read(t, files, o.Manifests[0].Digest)
}

func TestBuildIsStable(t *testing.T) {
	const recipe = "FROM scratch\nCOPY probe /bin/probe\nRUN --network=none [\"/bin/probe\", \"look\", \"/seen\"]\n"
	files, first := build(t, newEngine(t, Options{}), request(t, recipe, nil))
	if m := manifest(t, files, first); len(m.Layers) != 2 {
		t.Errorf("%d layers, want 2", len(m.Layers))
	}
	_, second := build(t, newEngine(t, Options{}), request(t, recipe, nil))
	if first.Index == "" || first.Index != second.Index {
		t.Errorf("two builds gave %s and %s", first.Index, second.Index)
	}
	if first.Engine.Snapshotter == "" || first.Engine.Mode == "" {
		t.Errorf("the engine describes itself as %+v", first.Engine)
	}
}

// A checkout's umask must not reach a digest.
func TestModesAreNormalised(t *testing.T) {
	e := newEngine(t, Options{})
	var digests []chain.Digest
	for _, mode := range []fs.FileMode{0o644, 0o664, 0o600} {
		_, b := build(t, e, request(t, "FROM scratch\nCOPY a b /\n", map[string]*fstest.MapFile{
			"a": {Data: []byte("a"), Mode: mode, ModTime: time.Unix(int64(mode)*1000, 0)},
			"b": {Data: []byte("b"), Mode: mode | 0o100},
		}))
		digests = append(digests, b.Index)
	}
	if digests[0] != digests[1] || digests[0] != digests[2] {
		t.Errorf("modes reach the digest: %v", digests)
	}
}

// A file of equal size and time but other content must never be taken from
// what an earlier build sent.
func TestNoStaleContext(t *testing.T) {
	e := newEngine(t, Options{})
	var seen []chain.Digest
	for _, content := range []string{"one", "two"} {
		_, b := build(t, e, request(t, "FROM scratch\nCOPY a /\n", map[string]*fstest.MapFile{"a": {Data: []byte(content), Mode: 0o644}}))
		seen = append(seen, b.Index)
	}
	if seen[0] == seen[1] {
		t.Errorf("other content gave the same image %s", seen[0])
	}
}

func TestRefusals(t *testing.T) {
	e := newEngine(t, Options{})
	for _, c := range []struct{ name, recipe, want string }{
		{"add http", "FROM scratch\nADD http://127.0.0.1:1/x /x\n", "Containerfile:2"},
		{"add git", "FROM scratch\nADD https://127.0.0.1:1/x.git#main /x\n", "Containerfile:2"},
		{"from registry", "FROM host.invalid/image\nCOPY probe /\n", "Containerfile:1"},
		{"copy from registry", "FROM scratch\nCOPY --from=host.invalid/image / /\n", "Containerfile:2"},
		{"mount from registry", "FROM scratch\nRUN --mount=from=host.invalid/image,target=/x [\"/probe\"]\n", "Containerfile:2"},
		{"syntax", "# syntax=docker/dockerfile:1\nFROM scratch\nCOPY probe /\n", "Containerfile:1"},
		{"host network", "FROM scratch\nCOPY probe /\nRUN --network=host [\"/probe\", \"true\"]\n", "Containerfile:3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := e.Build(t.Context(), request(t, c.recipe, nil), nil)
			var ne *NetworkError
			if !errors.As(err, &ne) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error = %v, want a NetworkError at %s", err, c.want)
			}
		})
	}
	_, err := e.Build(t.Context(), request(t, "FROM scratch\nCOPPY probe /\n", nil), nil)
	var re *RecipeError
	if !errors.As(err, &re) || re.Line != 2 {
		t.Errorf("error = %v, want a RecipeError at line 2", err)
	}
}

func TestOddFile(t *testing.T) {
	_, err := newEngine(t, Options{}).Build(t.Context(), request(t, "FROM scratch\nCOPY probe /\n", map[string]*fstest.MapFile{
		"pipe": {Mode: fs.ModeNamedPipe | 0o644},
	}), nil)
	var odd *OddFileError
	if !errors.As(err, &odd) || odd.Type != "fifo" {
		t.Errorf("error = %v, want an OddFileError", err)
	}
}

func TestStepFails(t *testing.T) {
	r := request(t, "FROM scratch AS build\nCOPY probe /\nRUN [\"/probe\", \"true\"]\nRUN [\"/probe\", \"fail\", \"7\"]\n", nil)
	r.Steps = []chain.Step{{Index: 0, Line: 3, Build: "build", Name: "first"}, {Index: 1, Line: 4, Build: "build", Name: "second"}}
	var log bytes.Buffer
	_, err := newEngine(t, Options{}).Build(t.Context(), r, func(e rebuild.Event) { log.Write(e.Data) })
	var se *rebuild.StepError
	if !errors.As(err, &se) {
		t.Fatalf("error = %v, want a StepError", err)
	}
	if se.ExitCode != 7 || se.Line != 4 || se.Step != 1 || !strings.Contains(strings.Join(se.Tail, "\n"), "hostile") {
		t.Errorf("step error = %+v", se)
	}
	if !strings.Contains(log.String(), "about to fail") {
		t.Errorf("log = %q", log.String())
	}
}

func TestStepDigests(t *testing.T) {
	const recipe = "FROM scratch\nCOPY probe /\nRUN [\"/probe\", \"write\", \"/a\", \"%s\"]\nRUN [\"/probe\", \"write\", \"/b\", \"same\"]\n"
	digests := func(content string) []rebuild.StepDigest {
		r := request(t, strings.Replace(recipe, "%s", content, 1), nil)
		r.Steps = []chain.Step{{Index: 0, Line: 3}, {Index: 1, Line: 4}}
		_, b := build(t, newEngine(t, Options{}), r)
		return b.Steps
	}
	a, b, c := digests("x"), digests("x"), digests("y")
	if len(a) != 2 || a[0].Digest == "" || a[0].Changed == 0 {
		t.Fatalf("steps = %+v", a)
	}
	if a[0].Digest != b[0].Digest || a[0].Digest == c[0].Digest || a[1].Digest != c[1].Digest {
		t.Errorf("step digests: %v %v %v", a, b, c)
	}
}

// The programs that a step wrote are recorded, all of them or none.
func TestProgramsAreAllOrNone(t *testing.T) {
	var c change
	for i := range rebuild.MaxPrograms + 2 {
		c.program("a", 0o100755, int64(i), [32]byte{})
		if want := i + 1; i < rebuild.MaxPrograms && len(c.Programs) != want || i >= rebuild.MaxPrograms && c.Programs != nil {
			t.Fatalf("%d programs of %d", len(c.Programs), want)
		}
	}
	c = change{}
	for _, mode := range []uint32{0o100644, 0o040755, 0o120777, 0o060755} {
		if c.program("a", mode, 1, [32]byte{}); c.Programs != nil {
			t.Errorf("an entry of mode %o is a program", mode)
		}
	}
}

func TestInputImage(t *testing.T) {
	e := newEngine(t, Options{})
	files, b := build(t, e, request(t, "FROM scratch\nCOPY probe /bin/probe\n", nil))
	layout := t.TempDir()
	for n, data := range files {
		if strings.HasSuffix(n, "/") {
			continue
		}
		p := filepath.Join(layout, n)
		os.MkdirAll(filepath.Dir(p), 0o755)
		if err := os.WriteFile(p, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	m := read(t, files, string(b.Index)).Manifests[0].Digest
	for _, d := range []chain.Digest{b.Index, chain.Digest(m)} {
		r := request(t, "FROM stagex/base\nRUN [\"/bin/probe\", \"write\", \"/x\", \"y\"]\n", nil)
		r.Images = []rebuild.InputImage{{Name: "stagex/base", Layout: layout, Digest: d}}
		if _, built := build(t, e, r); built.Index == "" {
			t.Error("no index")
		}
	}
}

func TestBusy(t *testing.T) {
	dir := t.TempDir()
	newEngine(t, Options{StateDir: dir})
	_, err := Embedded(t.Context(), Options{StateDir: dir})
	var busy *BusyError
	if !errors.As(err, &busy) || !strings.Contains(busy.Holder, "process") {
		t.Errorf("error = %v, want a BusyError that names the holder", err)
	}
}

func TestDialErrors(t *testing.T) {
	for _, c := range []struct{ addr, want string }{
		{"unix:///nowhere/at/all.sock", "does not answer"},
		{"tcp://127.0.0.1:1", "does not answer"},
		{"http://127.0.0.1", "must begin with"},
		{"tcp://127.0.0.1:1?cert=x", "go together"},
		{"tcp://127.0.0.1:1?what=x", "unknown parameters"},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		_, err := Dial(ctx, c.addr)
		cancel()
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error = %v, want %q in it", c.addr, err, c.want)
		}
	}
}
