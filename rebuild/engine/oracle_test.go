//go:build linux

package engine

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/sys/unix"
)

// seen is a recipe whose steps write down all that they can see, as root and
// as another user, with every kind of mount.
const seen = `FROM scratch AS other
COPY sub /deep/sub
FROM scratch
COPY probe /bin/probe
COPY --chmod=1777 sub /tmp
ENV ZED=1 ABC=2 PATH=/bin
WORKDIR /here/deep
RUN ["probe", "look", "/seen-by-root"]
RUN --mount=type=bind,from=other,source=/deep/sub,target=/mnt/bound --mount=type=tmpfs,target=/tmp/t --mount=type=cache,target=/c/c ["probe", "look", "/seen-with-mounts"]
RUN --network=none ["probe", "write", "/tmp/t2", "x"]
`

// userStep needs more than one uid.
const userStep = `USER 7:8
RUN ["probe", "look", "/tmp/seen-by-user"]
`

// oracleLimits are what runc's steps inherit, and what the sandbox sets.
func oracleLimits(t *testing.T) {
	t.Helper()
	for r, v := range map[int]unix.Rlimit{
		unix.RLIMIT_CORE: {Cur: 0, Max: 0}, unix.RLIMIT_STACK: {Cur: 8 << 20, Max: unix.RLIM_INFINITY},
	} {
		if err := unix.Setrlimit(r, &v); err != nil {
			t.Skipf("cannot set the limits that runc is to inherit: %v", err)
		}
	}
}

// The stock executor is the oracle: with the same recipe every layer must be
// equal, byte for byte.
func TestEqualsRunc(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("runc without root needs a set-up of its own; the comparison runs as root")
	}
	if _, err := exec.LookPath("runc"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("runc is not installed")
		}
		t.Skip("runc is not installed")
	}
	oracleLimits(t)
	extra := map[string]*fstest.MapFile{"sub/f": {Data: []byte("f"), Mode: 0o644}}
	ours, a := build(t, newEngine(t, Options{}), request(t, seen+userStep, extra))
	theirs, b := build(t, newEngine(t, Options{Executor: "runc"}), request(t, seen+userStep, extra))
	la, lb := manifest(t, ours, a).Layers, manifest(t, theirs, b).Layers
	if len(la) != len(lb) {
		t.Fatalf("%d layers against %d", len(la), len(lb))
	}
	for i := range la {
		if la[i].Digest != lb[i].Digest {
			t.Errorf("layer %d:\nsandbox:\n%s\nrunc:\n%s", i, text(ours, la[i].Digest), text(theirs, lb[i].Digest))
		}
	}
}

// Overlay and native snapshots of one recipe give one image.
func TestNativeEqualsOverlay(t *testing.T) {
	extra := map[string]*fstest.MapFile{"sub/f": {Data: []byte("f"), Mode: 0o644}}
	first := newEngine(t, Options{})
	_, a := build(t, first, request(t, seen, extra))
	_, b := build(t, newEngine(t, Options{Snapshotter: "native"}), request(t, seen, extra))
	if first.(*embedded).info.Snapshotter != "overlayfs" {
		t.Skip("no overlayfs here: only native was tested")
	}
	if a.Index != b.Index {
		t.Errorf("overlayfs gives %s, native %s", a.Index, b.Index)
	}
}

// text shows a layer's entries and text files, for a failing test.
func text(files map[string][]byte, digest string) string {
	zr, err := gzip.NewReader(bytes.NewReader(files["blobs/"+strings.Replace(digest, ":", "/", 1)]))
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	for tr := tar.NewReader(zr); ; {
		h, err := tr.Next()
		if err != nil {
			return b.String()
		}
		fmt.Fprintf(&b, "%s %o %d:%d %d %s\n", h.Name, h.Mode, h.Uid, h.Gid, h.Size, h.Linkname)
		if h.Size < 1<<16 {
			io.Copy(&b, tr)
		}
	}
}

// BenchmarkStep measures what one step that does nothing costs.
func BenchmarkStep(b *testing.B) {
	for _, executor := range []string{"sandbox", "runc"} {
		b.Run(executor, func(b *testing.B) {
			if executor == "runc" && (os.Getuid() != 0 || exec.Command("runc", "--version").Run() != nil) {
				b.Skip("runc is not usable here")
			}
			e := newEngine(b, Options{Executor: executor})
			recipe := "FROM scratch\nCOPY probe /bin/probe\n" + strings.Repeat("RUN [\"/bin/probe\", \"true\"]\n", 20)
			r := request(b, recipe, nil)
			r.NoCache = true
			for b.Loop() {
				if _, err := e.Build(b.Context(), r, nil); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(b.Elapsed().Seconds()*1000/float64(b.N)/20, "ms/step")
		})
	}
}
