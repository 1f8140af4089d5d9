package incident

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/stagescope/stagescope/rebuild"
	"github.com/stagescope/stagescope/rebuild/ddc"
)

// doubleCompile checks both compilers by diverse double-compiling, against the
// one that the seed's own compiler makes. What came out is kept with the builds.
func (w *staging) doubleCompile(ctx context.Context, honest, bad *build) error {
	for name, suspect := range map[string]*build{"honest": honest, "suspect": bad} {
		r, err := w.ddc(ctx, honest, suspect)
		if err != nil {
			return err
		}
		switch r.Status {
		case ddc.Corresponds:
			w.Facts["ddc:"+name] = "corresponds to"
		case ddc.Differs:
			w.Facts["ddc:"+name] = "does not correspond to"
		default:
			return fmt.Errorf("double-compiling the compiler of %s: %s", suspect.tree, r.Sentence())
		}
	}
	return nil
}

// ddc gives the result of a check, from an earlier one with these binaries where
// there is one.
func (w *staging) ddc(ctx context.Context, honest, suspect *build) (*ddc.Result, error) {
	stage2, err := honest.chain.Stage("bootstrap-stage2")
	if err != nil {
		return nil, err
	}
	source, err := stage2.ContextFS(honest.chain)
	if err != nil {
		return nil, err
	}
	c := ddc.Check{Source: source, Command: []string{"{cc}", "-o", "{out}", "{source}/cc.c"}}
	for _, side := range []struct {
		b  *build
		id string
		to *ddc.Compiler
	}{{suspect, "bootstrap-stage2", &c.Suspect}, {honest, "bootstrap-diverse", &c.Trusted}} {
		img, err := side.b.image(ctx, side.id)
		if err != nil {
			return nil, err
		}
		err = rebuild.CopyImage(ctx, suspect.store, img)
		*side.to = ddc.Compiler{Name: fmt.Sprintf("%s of %s", side.id, side.b.tree), Root: img.ManifestDigest(), Path: "/bin/cc"}
		img.Close()
		if err != nil {
			return nil, err
		}
	}
	kept := filepath.Join(suspect.dir, ddcName)
	if data, err := os.ReadFile(kept); err == nil {
		r := &ddc.Result{}
		if json.Unmarshal(data, r) == nil && r.V == 1 && r.Suspect == c.Suspect && r.Trusted == c.Trusted && suspect.store.Has(r.Image) {
			return r, nil
		}
	}
	e, err := w.open(ctx)
	if err != nil {
		return nil, err
	}
	w.say(Event{Incident: w.name, Text: "double-compiling the compiler of the tree " + string(suspect.tree)})
	r, err := ddc.Run(ctx, suspect.store, e, c, nil)
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	return r, os.WriteFile(kept, data, 0o644)
}

// twoDates builds a stage twice, in two different seconds.
func (w *staging) twoDates(ctx context.Context, b *build, id, fixed string) error {
	lack, err := b.lacks([]string{fixed}, 1)
	if err != nil {
		return err
	}
	if err := w.run(ctx, b, lack, rebuild.Options{}); err != nil {
		return err
	}
	for {
		all, err := b.results(id)
		if err != nil {
			return err
		}
		for _, r := range all {
			if r.Digests.Manifest != all[0].Digests.Manifest {
				return nil
			}
		}
		if len(all) >= maxDates {
			return fmt.Errorf("%d builds of %q gave one image", len(all), id)
		}
		if len(all) > 0 {
			if err := w.nextSecond(ctx, all[0].Finished); err != nil {
				return err
			}
		}
		if err := w.run(ctx, b, []string{id}, rebuild.Options{NoCache: true, Again: true}); err != nil {
			return err
		}
	}
}

// maxDates bounds how often a stage is built until its clock shows.
const maxDates = 5

// nextSecond waits until a build cannot take the same second for its time as one
// that ended then.
func (w *staging) nextSecond(ctx context.Context, ended time.Time) error {
	wait := ended.Truncate(time.Second).Add(time.Second).Sub(w.now())
	if wait <= 0 {
		return nil
	}
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(wait):
		return nil
	}
}
