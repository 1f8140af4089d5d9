package statement

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim"
)

func digestOf(text string) chain.Digest { return sum([]byte(text)) }

// sample is a claim that uses every field.
func sample(t testing.TB) *Statement {
	t.Helper()
	c := &claim.Claim{
		Kind: claim.KindRebuild, Key: string(digestOf("key")),
		Stage: "core-bash", Platform: "linux/amd64", Release: "2026.03.0", Version: "5.3",
		Commit: strings.Repeat("4d51", 10), Recipe: digestOf("recipe"), Mode: claim.ModeRebuilt,
		Inputs: []claim.Input{
			{Stage: "bootstrap-stage3", Manifest: digestOf("D3"), Rootfs: digestOf("F3")},
			{Stage: "core-m4", Manifest: digestOf("Dm"), Rootfs: digestOf("Fm")},
		},
		Sources:   []claim.Source{{Name: "bash-5.3.tar.gz", Digest: digestOf("bash")}, {Name: "patch", Digest: digestOf("patch")}},
		Output:    claim.Output{Index: digestOf("X"), Manifest: digestOf("D"), Rootfs: digestOf("F"), Files: digestOf("T")},
		NoCache:   true,
		Repeats:   3,
		Identical: 2,
		Variation: []string{"cpus=1"},
		Environment: claim.Environment{Kernel: "6.8", CPUVendor: "AuthenticAMD", Microarch: "x86-64-v3", CPUs: 32, MemoryMiB: 65536,
			Snapshotter: "overlayfs", BuildKit: "v0.34.2", Runtime: "runc 1.3", HostTool: "stagescope 1"},
		Started: time.Date(2026, 3, 4, 5, 6, 7, 890, time.UTC), Finished: time.Date(2026, 3, 4, 6, 0, 0, 0, time.UTC),
		Steps: []claim.Step{{Name: "RUN make <all>", Digest: digestOf("1")}, {Name: "RUN make install", Digest: digestOf("2")}},
		Log:   digestOf("log"), Invocation: "8c1f",
	}
	doc, err := StepsDocument(c.Steps)
	if err != nil {
		t.Fatal(err)
	}
	c.StepsFile = sum(doc)
	if c.Input, err = claim.InputDigest(c.Recipe, c.Inputs); err != nil {
		t.Fatal(err)
	}
	return &Statement{Claim: c, Tree: "git+https://codeberg.org/stagex/stagex", Deps: DepsOwn,
		URLs: map[string]string{"bash-5.3.tar.gz": "https://ftp.gnu.org/gnu/bash/bash-5.3.tar.gz"}}
}

// failed is a claim of a build that gave nothing.
func failed(t testing.TB) *Statement {
	s := sample(t)
	c := s.Claim
	c.Output, c.Repeats, c.Identical, c.Steps, c.StepsFile = claim.Output{}, 0, 0, nil, ""
	c.Failure = &claim.Failure{Phase: "RUN make", Exit: 2, Log: c.Log}
	s.RecipeSize = 812
	return s
}

func TestRoundTrip(t *testing.T) {
	pulled := sample(t)
	pulled.Claim.Mode, pulled.Claim.Inputs, pulled.Claim.Input, pulled.Deps = claim.ModePulled, nil, "", ""
	bare := &Statement{Claim: &claim.Claim{Kind: claim.KindRebuild, Key: string(digestOf("key")), Stage: "core-m4", Platform: "linux/arm64/v8",
		Recipe: digestOf("r"), Mode: claim.ModeRebuilt, Output: claim.Output{Manifest: digestOf("D")}}}
	odd := sample(t)
	odd.Claim.Version = "1?platform=x@%/é"
	for name, s := range map[string]*Statement{"full": sample(t), "failed": failed(t), "pulled": pulled, "bare": bare, "odd version": odd} {
		t.Run(name, func(t *testing.T) {
			data, err := s.Marshal()
			if err != nil {
				t.Fatal(err)
			}
			again, _ := s.Marshal()
			if !bytes.Equal(data, again) {
				t.Error("two writings of one claim differ")
			}
			got, err := Parse(data)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(s, got); d != "" {
				t.Errorf("written and read (-want +got):\n%s", d)
			}
		})
	}
}

// TestStatementBytes pins the written form: another implementation has to
// write these bytes, and a change of ours has to be seen.
func TestStatementBytes(t *testing.T) {
	for want, s := range map[chain.Digest]*Statement{
		"sha256:8c2cb6d25863d764fc5e0c1488b5864f3c85056da3770973db0adbddeee4c944": sample(t),
		"sha256:7b3589d5f109fa08802a98a91607ea735d3627ecb1d1c3eae36991ed75a00bb4": failed(t),
	} {
		data, err := s.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if got := sum(data); got != want {
			t.Errorf("the statement has digest %s, not %s:\n%s", got, want, data)
		}
	}
}

func TestMarshalRefuses(t *testing.T) {
	for name, spoil := range map[string]func(s *Statement){
		"no recipe":           func(s *Statement) { s.Claim.Recipe = "" },
		"no output":           func(s *Statement) { s.Claim.Output.Manifest = "" },
		"bare digest":         func(s *Statement) { s.Claim.Output.Manifest = chain.Digest(s.Claim.Output.Manifest.Hex()) },
		"no mode":             func(s *Statement) { s.Claim.Mode = claim.ModeUnknown },
		"no key":              func(s *Statement) { s.Claim.Key = "" },
		"another input":       func(s *Statement) { s.Claim.Inputs[0].Rootfs = digestOf("other") },
		"input twice":         func(s *Statement) { s.Claim.Inputs[1].Stage = s.Claim.Inputs[0].Stage },
		"steps of other file": func(s *Statement) { s.Claim.StepsFile = digestOf("other") },
		"more identical":      func(s *Statement) { s.Claim.Identical = 4 },
		"time runs back":      func(s *Statement) { s.Claim.Finished = s.Claim.Started.Add(-1) },
		"long text":           func(s *Statement) { s.Claim.Environment.Kernel = strings.Repeat("x", maxText+1) },
		"stage is a path":     func(s *Statement) { s.Claim.Stage = "../core" },
		"platform":            func(s *Statement) { s.Claim.Platform = "linux" },
		"not UTF-8":           func(s *Statement) { s.Claim.Release = "\xff" },
		"failed with output":  func(s *Statement) { s.Claim.Failure = &claim.Failure{Phase: "x"}; s.RecipeSize = 1 },
	} {
		s := sample(t)
		spoil(s)
		if data, err := s.Marshal(); err == nil {
			t.Errorf("%s: was written: %s", name, data)
		}
	}
	s := failed(t)
	s.RecipeSize = 0
	if _, err := s.Marshal(); !errors.Is(err, ErrMalformed) {
		t.Errorf("a failure without its recipe's size: %v", err)
	}
}
