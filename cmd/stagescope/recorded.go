package main

import (
	"path"
	"slices"
	"strings"

	"github.com/stagescope/stagescope/chain/image"
	"github.com/stagescope/stagescope/chain/store"
	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/diff/cause"
	"github.com/stagescope/stagescope/rebuild"
)

// recorded is what the store's results say of the builds of two images that are
// compared; the zero value where it says nothing of one of them.
func recorded(s *store.Store, c *diff.Comparison) cause.Known {
	if s == nil || c.ImageA == nil || c.ImageB == nil {
		return cause.Known{}
	}
	a, b := resultOf(s, c.ImageA), resultOf(s, c.ImageB)
	if a == nil || b == nil {
		return cause.Known{}
	}
	return knownOf(a, b)
}

// resultOf finds the result of the rebuild that made an image, by the stage that
// its reference names.
func resultOf(s *store.Store, img *image.Image) *rebuild.Result {
	ref := img.Ref()
	if ref.Kind != image.KindStore {
		return nil
	}
	scheme, id, _ := strings.Cut(ref.Text, ":")
	trial := scheme == "trial"
	if trial {
		id = path.Dir(id)
	} else if scheme != "stage" {
		return nil
	}
	results, err := rebuild.Results(s, id)
	if err != nil {
		return nil // it only would have helped
	}
	for _, r := range results { // newest first
		if r.Digests.Manifest == img.ManifestDigest() && (!trial || r.Ref() == ref.Text) {
			return r
		}
	}
	return nil
}

// knownOf is what two results record of where and when they were built.
func knownOf(a, b *rebuild.Result) cause.Known {
	k := cause.Known{A: environmentOf(a), B: environmentOf(b)}
	k.Repeat = a.Recipe == b.Recipe && a.InputsSum == b.InputsSum && a.InputsSum != "" && sameMachine(&a.Environment, &b.Environment) && equalVariations(&a.Variation, &b.Variation)
	return k
}

// sameMachine reports whether two environments are one machine's, as far as it
// is recorded. An engine elsewhere records nothing, and may be any.
func sameMachine(a, b *rebuild.Environment) bool {
	return a.Kernel != "" && a.Kernel == b.Kernel && a.CPUModel == b.CPUModel && a.CPUs == b.CPUs && a.OS == b.OS && a.Arch == b.Arch
}

func equalVariations(a, b *rebuild.Variation) bool {
	umask := func(v *rebuild.Variation) int {
		if v.Umask == nil {
			return -1
		}
		return *v.Umask
	}
	return a.Hostname == b.Hostname && umask(a) == umask(b) && slices.Equal(a.CPUs, b.CPUs) && a.Personality == b.Personality &&
		slices.Equal(a.Env, b.Env) && a.LastPID == b.LastPID && a.Nofile == b.Nofile
}

func environmentOf(r *rebuild.Result) cause.Environment {
	e := cause.Environment{Host: r.Variation.Hostname, Kernel: r.Environment.Kernel, CPUs: r.Environment.CPUs, Started: r.Started, Finished: r.Finished}
	for _, in := range r.Inputs {
		e.Inputs = append(e.Inputs, cause.Input{Name: in.ID, Digest: string(in.Manifest)})
	}
	if n := len(r.Variation.CPUs); n > 0 {
		e.CPUs = n
	}
	for _, kv := range r.Variation.Env {
		switch key, value, _ := strings.Cut(kv, "="); key {
		case "USER", "LOGNAME":
			e.User = value
		case "HOME":
			e.Home = value
		case "HOSTNAME":
			e.Host = value
		case "PWD", "TMPDIR":
			e.Paths = append(e.Paths, value)
		}
	}
	return e
}
