package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagescope/stagescope/diff/cause"
	"github.com/stagescope/stagescope/rebuild"
)

func TestKnownOf(t *testing.T) {
	start := time.Date(2026, 3, 4, 10, 0, 0, 0, time.UTC)
	r := func() *rebuild.Result {
		return &rebuild.Result{Recipe: "sha256:r", InputsSum: "sha256:i", Started: start, Finished: start.Add(time.Minute),
			Environment: rebuild.Environment{OS: "linux", Arch: "amd64", Kernel: "6.1.0", CPUModel: "x", CPUs: 8}}
	}
	a, b := r(), r()
	if k := knownOf(a, b); !k.Repeat {
		t.Errorf("two builds on one machine: %+v", k)
	}
	b.Inputs = []rebuild.Input{{ID: "core-gcc", Manifest: "sha256:g"}}
	b.Variation = rebuild.Variation{Hostname: "beta", CPUs: []int{0, 1}, Env: []string{"USER=bob", "HOME=/home/bob", "PWD=/work"}}
	k := knownOf(a, b)
	want := cause.Environment{Host: "beta", User: "bob", Home: "/home/bob", Kernel: "6.1.0", Paths: []string{"/work"}, CPUs: 2, Started: start, Finished: start.Add(time.Minute),
		Inputs: []cause.Input{{Name: "core-gcc", Digest: "sha256:g"}}}
	if diff := cmp.Diff(want, k.B); diff != "" || k.Repeat {
		t.Errorf("repeat %v\n%s", k.Repeat, diff)
	}
	for name, spoil := range map[string]func(*rebuild.Result){
		"another recipe":  func(r *rebuild.Result) { r.Recipe = "sha256:q" },
		"other inputs":    func(r *rebuild.Result) { r.InputsSum = "sha256:j" },
		"another kernel":  func(r *rebuild.Result) { r.Environment.Kernel = "5.10" },
		"another machine": func(r *rebuild.Result) { r.Environment.CPUModel = "y" },
	} {
		b := r()
		if spoil(b); knownOf(a, b).Repeat {
			t.Errorf("%s is taken for a repeat", name)
		}
	}
	unknown := r()
	unknown.Environment = rebuild.Environment{}
	if knownOf(unknown, unknown).Repeat {
		t.Error("two engines of which nothing is known are taken for one machine")
	}
}
