package tui

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"testing/fstest"
	"time"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/rebuild"
)

func digestOf(s string) chain.Digest {
	return chain.Digest("sha256:" + strings.Repeat(fmt.Sprintf("%02x", len(s)*7%256), 16) + strings.Repeat(fmt.Sprintf("%02x", []byte(s + "x")[0]), 16))
}

const sampleRecipe = `FROM scratch AS build
COPY fetch/musl-1.2.5.tar.gz .
# build it twice
RUN --network=none <<-EOF
	./configure --prefix=/usr
	make -j "$(nproc)"
EOF
RUN --network=none make DESTDIR=/rootfs install
FROM scratch
COPY --from=build /rootfs/ /
`

// sampleChain is a small chain with all that a screen has to show.
func sampleChain() *chain.Chain {
	files := fstest.MapFS{}
	stage := func(tier, name, version string, needs ...string) *chain.Stage {
		s := &chain.Stage{ID: tier + "-" + name, Tier: tier, Name: name, Package: name, Version: version,
			Dir: "packages/" + tier + "/" + name, License: "MIT", Description: "The " + name + " of this chain"}
		s.Containerfile = s.Dir + "/Containerfile"
		files[s.Containerfile] = &fstest.MapFile{Data: []byte(sampleRecipe)}
		for i, n := range needs {
			s.Needs = append(s.Needs, chain.Need{ID: n, Line: i + 1})
		}
		s.Steps = []chain.Step{
			{Index: 0, Line: 4, Build: "build", Name: name + ": make", Network: "none"},
			{Index: 1, Line: 8, Build: "build", Name: name + ": make install", Network: "none"},
		}
		s.Published = []chain.Claimed{{Digest: digestOf(s.ID), Level: chain.LevelManifest, Origin: "digests/" + tier + ".txt", Line: 3}}
		return s
	}
	seed := stage("bootstrap", "stage0", "")
	seed.Description = "A seed of 251 bytes that assembles itself"
	seed.Sources = []chain.Source{{Name: "hex0", File: "hex0-seed", Digest: digestOf("hex0"), Mirrors: []string{"https://example.org/hex0-seed"}}}
	c := chain.New("sample", []*chain.Stage{
		seed,
		stage("bootstrap", "stage1", "1.0", "bootstrap-stage0"),
		stage("core", "musl", "1.2.5", "bootstrap-stage1"),
		stage("core", "gcc", "14.2.0", "core-musl", "bootstrap-stage1"),
		stage("core", "lost", "3", "core-nowhere"),
		stage("user", "bash", "5.2", "core-gcc", "core-musl"),
	})
	c.FS = files
	return c
}

// bigChain is as large as the largest release of StageX.
func bigChain(n int) *chain.Chain {
	var stages []*chain.Stage
	for i := range n {
		s := &chain.Stage{ID: fmt.Sprintf("core-package-%03d", i), Tier: "core", Name: fmt.Sprintf("package-%03d", i), Version: "1.2.3",
			Published: []chain.Claimed{{Digest: digestOf("x"), Level: chain.LevelManifest}}, Steps: make([]chain.Step, 5)}
		for k := 1; k <= 7 && i-k*3 >= 0; k++ {
			s.Needs = append(s.Needs, chain.Need{ID: fmt.Sprintf("core-package-%03d", i-k*3)})
		}
		stages = append(stages, s)
	}
	return chain.New("big", stages)
}

// fakeBuilder plays a rebuild event by event: each function in play runs in
// the builder's goroutine when the test asks for it.
type fakeBuilder struct {
	next   chan func(rebuild.Progress) (*Trial, error, bool)
	played chan struct{}
	known  map[string]Standing
	trials []Trial
}

var _ Builder = (*fakeBuilder)(nil)

func newFakeBuilder() *fakeBuilder {
	return &fakeBuilder{next: make(chan func(rebuild.Progress) (*Trial, error, bool)), played: make(chan struct{}), known: map[string]Standing{}}
}

func (b *fakeBuilder) Rebuild(ctx context.Context, _ string, p rebuild.Progress) (*Trial, error) {
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case f := <-b.next:
			t, err, end := f(p)
			if end {
				return t, err
			}
			b.played <- struct{}{}
		}
	}
}

func (b *fakeBuilder) Standings(context.Context) (map[string]Standing, error) { return b.known, nil }

func (b *fakeBuilder) Trials(context.Context, string) ([]Trial, error) { return b.trials, nil }

func (b *fakeBuilder) Log(context.Context, Trial) (diff.ReaderAtCloser, int64, error) {
	text := "#1 musl: make\n#1 | cc -c a.c\n#1 | \x1b[31mwarning\x1b[0m\n"
	return bytesAt{bytes.NewReader([]byte(text))}, int64(len(text)), nil
}

// play sends events to the rebuild that runs.
func (b *fakeBuilder) play(events ...rebuild.Event) {
	b.next <- func(p rebuild.Progress) (*Trial, error, bool) {
		for _, e := range events {
			p(e)
		}
		return nil, nil, false
	}
	<-b.played
}

// end ends the rebuild that runs.
func (b *fakeBuilder) end(t *Trial, err error) {
	b.next <- func(rebuild.Progress) (*Trial, error, bool) { return t, err, true }
}

// waitOver lets the goroutine of the newest rebuild return, so that the next
// tick finds its end.
func (d *driver) waitOver() {
	r := d.app.runs.all[len(d.app.runs.all)-1]
	end := <-r.over
	r.over <- end
}

// bytesAt is a side's content in memory.
type bytesAt struct{ *bytes.Reader }

func (bytesAt) Close() error { return nil }

type fakeContent struct{ a, b string }

func (c fakeContent) OpenA() (diff.ReaderAtCloser, int64, error) {
	return bytesAt{bytes.NewReader([]byte(c.a))}, int64(len(c.a)), nil
}

func (c fakeContent) OpenB() (diff.ReaderAtCloser, int64, error) {
	return bytesAt{bytes.NewReader([]byte(c.b))}, int64(len(c.b)), nil
}

// sampleDiff is a difference tree with a text, a binary and a missing file.
func sampleDiff() *diff.Node {
	side := func(name string, n int64) *diff.Side { return &diff.Side{Name: name, Size: n, Digest: digestOf(name)} }
	text := &diff.Node{Kind: diff.KindText, Name: "usr/lib/build.conf", Status: diff.Differs, A: side("build.conf", 40), B: side("build.conf", 41),
		Content: fakeContent{"name=gcc\nhost=alpha\nend=1\n", "name=gcc\nhost=beta\nend=1\n"},
		Reasons: []diff.Reason{{Field: "content", A: "host=alpha", B: "host=beta",
			Cause: &diff.Cause{ID: "B3", Name: "host name", Confidence: diff.Likely, Evidence: "only the value of host differs", Fix: "set the host name of the build"}}}}
	bin := &diff.Node{Kind: diff.KindBinary, Name: "usr/bin/gcc", Status: diff.Differs, A: side("gcc", 64), B: side("gcc", 64),
		Content: fakeContent{"\x7fELF" + strings.Repeat("\x00", 40) + "2026-03-04 10:11:12\x00", "\x7fELF" + strings.Repeat("\x00", 40) + "2026-03-05 01:02:03\x00"},
		Residue: diff.ResidueKnown, UnexplainedB: []diff.Range{{Off: 48, Len: 6}},
		Reasons: []diff.Reason{{Field: "content", A: "2026-03-04 10:11:12", B: "2026-03-05 01:02:03"}},
		Children: []*diff.Node{
			{Kind: diff.KindText, Name: "structure", Listing: true, Status: diff.Differs, Content: fakeContent{"entry 0x401000\nsections 31\n", "entry 0x401010\nsections 31\n"}},
			{Kind: diff.KindText, Name: "disassembly", Listing: true, Status: diff.Differs, Content: fakeContent{"main:\n  401000  push %rbp\n  401001  ret\n", "main:\n  401010  push %rbx\n  401011  ret\n"}},
		}}
	bin.Suspect(diff.Suspicion{Kind: diff.SuspectStart, What: "it begins to run elsewhere: 0x401000 in A, 0x401010 in B"})
	only := &diff.Node{Kind: diff.KindEntry, Name: "var/cache/\x1b[31mevil", Status: diff.OnlyB, B: side("evil", 3)}
	same := &diff.Node{Kind: diff.KindEntry, Name: "etc/passwd", Status: diff.Same, A: side("passwd", 10), B: side("passwd", 10)}
	unread := &diff.Node{Kind: diff.KindEntry, Name: "boot/image", Status: diff.NotChecked, Note: "larger than the bound of 1 GiB"}
	layer := &diff.Node{Kind: diff.KindLayer, Name: "layer 1", Status: diff.Differs, A: side("layer", 1000), B: side("layer", 1001),
		Children: []*diff.Node{text, bin, only, same, unread}}
	return &diff.Node{Kind: diff.KindManifest, Name: "manifest", Status: diff.Differs, A: side("claim", 400), B: side("rebuild", 400), Children: []*diff.Node{layer}}
}

// fakeImage is an image of two layers.
type fakeImage struct{}

func (fakeImage) Ref() string          { return "stage:core-gcc" }
func (fakeImage) Digest() chain.Digest { return digestOf("image") }
func (fakeImage) Close() error         { return nil }

func (fakeImage) Layers() []ImageLayer {
	return []ImageLayer{{Digest: digestOf("l1"), Size: 12345, CreatedBy: "COPY / /"}, {Digest: digestOf("l2"), Size: 99, CreatedBy: "RUN true"}}
}

func (fakeImage) Entries(_ context.Context, layer int) ([]ImageEntry, error) {
	all := []ImageEntry{
		{Path: "etc", Mode: fs.ModeDir | 0o755},
		{Path: "etc/passwd", Mode: 0o644, Size: 24},
		{Path: "usr/bin/gcc", Mode: 0o755, Size: 64, Layer: 1},
		{Path: "usr/bin/cc", Mode: fs.ModeSymlink | 0o777, Link: "gcc", Layer: 1},
		{Path: "usr/\x1b]0;owned\x07name", Mode: 0o600, Size: 1, Layer: 1},
	}
	if layer == Effective {
		return all, nil
	}
	var out []ImageEntry
	for _, e := range all {
		if e.Layer == layer {
			out = append(out, e)
		}
	}
	return out, nil
}

func (fakeImage) Open(_ context.Context, _ int, path string) (diff.ReaderAtCloser, int64, error) {
	text := "root:x:0:0::/root:/bin/sh\n"
	switch {
	case strings.HasSuffix(path, "gcc"):
		text = "\x7fELF\x02\x01\x01" + strings.Repeat("\x00\x01", 40)
	case !strings.HasSuffix(path, "passwd"):
		return nil, 0, fmt.Errorf("opening %q: %w", path, io.ErrUnexpectedEOF)
	}
	return bytesAt{bytes.NewReader([]byte(text))}, int64(len(text)), nil
}

// sampleConfig has everything that the workbench can be given.
func sampleConfig(b Builder) Config {
	return Config{Chain: sampleChain(), Builder: b, Mouse: true,
		Compare: func(context.Context, string, string, func(diff.Progress)) (*diff.Comparison, error) {
			return &diff.Comparison{Root: sampleDiff()}, nil
		},
		OpenImage: func(context.Context, string) (Image, error) { return fakeImage{}, nil },
		Judge:     sampleJudge,
	}
}

func sampleResult() *rebuild.Result {
	return &rebuild.Result{V: 1, Stage: "core-gcc", Recipe: digestOf("recipe"), InputsSum: digestOf("in"), Mode: rebuild.InputsOwn,
		Inputs:  []rebuild.Input{},
		Digests: rebuild.Digests{Manifest: digestOf("b"), Rootfs: digestOf("rootfs")},
		Verdict: rebuild.Verdict{Status: rebuild.Differs, Compared: []rebuild.Comparison{{Claim: digestOf("core-gcc"), Level: chain.LevelManifest,
			Origin: "digests/core.txt", Line: 3, Own: digestOf("b"), Agrees: chain.LevelRootfs, Image: "stage:core-gcc"}}},
		Environment: rebuild.Environment{Engine: rebuild.EngineInfo{Address: "embedded", BuildKit: "v0.34.2", Snapshotter: "overlayfs"}, OS: "linux", Arch: "amd64", Kernel: "6.8.0", CPUModel: "a CPU", CPUs: 2},
		Steps:       []rebuild.StepDigest{{Step: 0, Name: "gcc: make", Digest: digestOf("s0"), Changed: 12, Seconds: 42}, {Step: 1, Name: "gcc: make install", Cached: true}},
		Log:         digestOf("log"), LogLines: 3, Notes: []string{"the tree has no git history"},
	}
}

func sampleTrials() []Trial {
	return []Trial{
		{Stage: "core-gcc", Standing: Differs, Digest: digestOf("b"), Text: "core-gcc differs from what digests/core.txt claims",
			Started: epoch.Add(-time.Hour), Took: 83 * time.Second, Ref: "trial:core-gcc/2", ClaimRef: "stage:core-gcc", Result: sampleResult()},
		{Stage: "core-gcc", Standing: Reproduced, Digest: digestOf("core-gcc"), Started: epoch.Add(-26 * time.Hour), Took: 1200 * time.Millisecond, Ref: "trial:core-gcc/1"},
	}
}
