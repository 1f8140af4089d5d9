package containerfile

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func read(t *testing.T, text string, args map[string]string) (*File, *Reading) {
	t.Helper()
	f, err := Parse([]byte(text))
	if err != nil {
		t.Fatalf("Parse: %v", err)
	}
	return f, f.Read(args)
}

func TestRefs(t *testing.T) {
	_, r := read(t, `ARG BASE=stagex/core-musl
FROM ${BASE} AS base
FROM --platform=linux/386 stagex/bootstrap-stage2:1@sha256:aa AS Cross
FROM base AS build
ARG WHAT
COPY --chown=1:2 --link --from=stagex/core-gcc:13 /a /b
COPY --from=cross /c /d
COPY --from=1 /c /e
COPY --from=later /l /m
COPY --from=$WHAT /l /n
RUN --mount=type=bind,from=stagex/core-make,target=/m \
    true
FROM scratch AS later
FROM $NONE
`, map[string]string{"WHAT": "stagex/core-x"})
	want := []Ref{
		{Name: "stagex/core-musl", Build: -1, Kind: KindFrom, Line: 2, In: 0},
		{Name: "stagex/bootstrap-stage2:1@sha256:aa", Build: -1, Kind: KindFrom, Line: 3, In: 1, Platform: "linux/386"},
		{Name: "base", Build: 0, Kind: KindFrom, Line: 4, In: 2},
		{Name: "stagex/core-gcc:13", Build: -1, Kind: KindCopy, Line: 6, In: 2},
		{Name: "cross", Build: 1, Kind: KindCopy, Line: 7, In: 2},
		{Name: "1", Build: 1, Kind: KindCopy, Line: 8, In: 2},
		{Name: "later", Build: 3, Kind: KindCopy, Line: 9, In: 2},
		{Name: "stagex/core-x", Build: -1, Kind: KindCopy, Line: 10, In: 2, Variable: true},
		{Name: "stagex/core-make", Build: -1, Kind: KindMount, Line: 11, In: 2},
		{Name: "scratch", Build: -1, Kind: KindFrom, Line: 13, In: 3},
		{Name: "", Build: -1, Kind: KindFrom, Line: 14, In: 4, Open: true},
	}
	if d := cmp.Diff(want, r.Refs); d != "" {
		t.Error(d)
	}
}

func TestSteps(t *testing.T) {
	f, r := read(t, `FROM scratch AS unused
RUN ["/never"]
FROM scratch AS base
ENV pkg=gcc-13.1.0
ARG V
WORKDIR /steps/${pkg}
RUN pass1.kaem
FROM base AS build
RUN --network=none <<EOF
	set -eux
	cd /linux-${V}
	mkdir -p out
	make -j1 \
		ARCH=x86
EOF
# Install cross binutils
COPY <<EOF /b.sh
	true
EOF
RUN FOO=1 /b.sh
RUN --network=host build tcc-0.9.27 pass2.sh
FROM scratch AS package
COPY --from=build / /
`, map[string]string{"V": "6.6"})
	at, ok := f.Target("package")
	if !ok {
		t.Fatal("no target")
	}
	type brief struct {
		Line                          int
		Build, Name, Subject, Network string
	}
	var got []brief
	for i, s := range r.Steps(at) {
		if s.Index != i || !strings.HasPrefix(s.Command, "RUN ") {
			t.Errorf("step %d: %+v", i, s)
		}
		got = append(got, brief{s.Line, s.Build, s.Name, s.Subject, s.Network})
	}
	want := []brief{
		{7, "base", "gcc-13.1.0: pass1.kaem", "gcc-13.1.0", ""},
		{9, "build", "linux-6.6: make -j1 ARCH=x86", "linux-6.6", "none"},
		{20, "build", "gcc-13.1.0: Install cross binutils", "gcc-13.1.0", ""},
		{21, "build", "build tcc-0.9.27 pass2.sh", "tcc-0.9.27", "host"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if _, ok := f.Target("PACKAGE"); !ok {
		t.Error("a target is found whatever its case")
	}
	if _, ok := f.Target("none"); ok {
		t.Error("found a target that does not exist")
	}
}

// A build stage may be named before it is written; its steps come first.
func TestStepsForward(t *testing.T) {
	f, r := read(t, "FROM scratch AS a\nCOPY --from=b / /\nRUN one-1.0\nFROM scratch AS b\nRUN two-2.0\nFROM a\n", nil)
	at, _ := f.Target("")
	var got []string
	for _, s := range r.Steps(at) {
		got = append(got, s.Name)
	}
	if d := cmp.Diff([]string{"two-2.0", "one-1.0"}, got); d != "" {
		t.Error(d)
	}
}

func TestNetworkAndMounts(t *testing.T) {
	_, r := read(t, `# syntax=docker/dockerfile:1
FROM scratch
ARG V=1
ADD --checksum=sha256:ab https://example.org/x-${V}.tar /x
ADD git@example.org:a/b.git#main /y
ADD fetch/x-${V}.tar local /z
RUN --mount=type=cache,target=/root/.cache --mount=type=secret,id=k --security=insecure true
`, nil)
	if r.file.Syntax != 1 {
		t.Errorf("syntax directive at line %d", r.file.Syntax)
	}
	if d := cmp.Diff([]Fetch{{"https://example.org/x-1.tar", "sha256:ab", 4, 0}, {"git@example.org:a/b.git#main", "", 5, 0}}, r.Fetches); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"fetch/x-1.tar", "local"}, r.Context); d != "" {
		t.Error(d)
	}
	want := []Run{{Line: 7, In: 0, Script: "true", Dir: "/", Insecure: true, Caches: []string{"/root/.cache"}, Secrets: []string{"secret"}}}
	if d := cmp.Diff(want, r.Runs, cmpopts.IgnoreUnexported(Run{}), cmpopts.IgnoreFields(Run{}, "Text")); d != "" {
		t.Error(d)
	}
}

func TestSyntaxErrors(t *testing.T) {
	for _, c := range []struct {
		text string
		line int
	}{
		{"", 0}, {"FROM scratch\nBOGUS x\n", 2}, {"RUN true\n", 1}, {"FROM scratch\n\nCOPY one\n", 3}, {"FROM scratch AS a b c\n", 1},
	} {
		_, err := Parse([]byte(c.text))
		var se *SyntaxError
		if !errors.As(err, &se) || se.Line != c.line || se.Text == "" {
			t.Errorf("Parse(%q) = %v, want a SyntaxError at line %d", c.text, err, c.line)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("FROM scratch AS a\nRUN <<E\nx\nE\nCOPY --from=0 a b\nFROM a\n"))
	f.Add([]byte("# escape=`\nARG A=$A\nFROM ${A:-b} AS c\nRUN --mount=from=c,target=/ x\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Parse(data)
		if err != nil {
			return
		}
		r := file.Read(map[string]string{"A": "x"})
		for i := range file.Builds {
			r.Steps(i)
		}
	})
}
