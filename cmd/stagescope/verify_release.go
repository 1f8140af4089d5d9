package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/rebuild/evidence"
)

// releaseDocument is what "verify --release --json" prints.
type releaseDocument struct {
	Release    string              `json:"release"`
	Registries []string            `json:"registries"`
	Done       int                 `json:"done"` // stages with every tag right and nobody waited for
	Stages     []evidence.Released `json:"stages"`
}

// verifyRelease says how far a release is published and rebuilt.
func (a *app) verifyRelease(ctx context.Context, c *chain.Chain, r *evidence.Report, o evidence.Options, f *verifyFlags) error {
	if len(o.Registries) == 0 && (o.Parties == nil || len(o.Parties.List) == 0) {
		return withHint(errors.New("there is neither a registry nor a party to check the release with"), "give --registry docker.io/stagex --registry quay.io/stagex, and --parties FILE")
	}
	st := newStatus(a.err)
	o.Progress = func(p evidence.Progress) { st.set("tags of %d of %d stages: %s", p.Done, p.All, safe.Line(p.What)) }
	list, err := evidence.Release(ctx, c, r, o, f.release)
	st.clear()
	if err != nil {
		return evidenceHint(err)
	}
	doc := releaseDocument{Release: f.release, Registries: append([]string{}, o.Registries...), Stages: list}
	wrong, unknown := 0, ""
	for i := range list {
		s := &list[i]
		if s.Done() {
			doc.Done++
		}
		if s.Wrong() {
			wrong++
		}
		for _, t := range s.Tags {
			if t.State == evidence.TagUnknown && unknown == "" {
				unknown = t.Ref + ": " + t.Reason
			}
		}
	}
	if a.json {
		err = a.printJSON(doc)
	} else {
		err = a.printRelease(&doc)
	}
	switch {
	case err != nil:
		return err
	case wrong > 0:
		return errProven
	case unknown != "":
		return withHint(fmt.Errorf("not every tag could be read; first %s", unknown), "put it right, or leave that registry out")
	case doc.Done < len(list):
		return withHint(fmt.Errorf("%d of %d stages are released and rebuilt by all", doc.Done, len(list)), "what is lacking is said above")
	}
	return nil
}

func (a *app) printRelease(doc *releaseDocument) error {
	w := bufio.NewWriter(a.out)
	wait := map[string]int{}
	for i := range doc.Stages {
		s := &doc.Stages[i]
		for _, p := range s.Wait {
			wait[p]++
		}
		if s.Done() {
			continue
		}
		var lacks []string
		if s.Digest == "" {
			lacks = append(lacks, "the tree publishes no digest")
		}
		for _, t := range s.Tags {
			switch t.State {
			case evidence.TagOther:
				lacks = append(lacks, fmt.Sprintf("%s serves %s", t.Ref, t.Manifest.Short()))
			case evidence.TagAbsent:
				lacks = append(lacks, t.Ref+" is absent")
			case evidence.TagUnknown, evidence.TagNotChecked:
				lacks = append(lacks, t.Ref+" is unknown")
			}
		}
		if len(s.Wait) > 0 {
			lacks = append(lacks, "to be rebuilt by "+strings.Join(s.Wait, ", "))
		}
		linef(w, "%s: %s", s.Stage, strings.Join(firstOf(lacks), "; "))
	}
	for _, p := range slices.Sorted(maps.Keys(wait)) {
		linef(w, "%s has still to rebuild %s", p, count(wait[p], "stage"))
	}
	linef(w, "release %s: %d of %d stages are served right everywhere and rebuilt by all", doc.Release, doc.Done, len(doc.Stages))
	return w.Flush()
}
