package main

import (
	"cmp"
	"fmt"
	"os"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/audit"
	"github.com/stagescope/stagescope/chain/store"
	"github.com/stagescope/stagescope/rebuild"
)

// answers are the two things that can be known of a stage. They are never
// merged: a backdoored source gives the same bytes everywhere.
type answers struct {
	Bytes     string `json:"bytes"`               // do they follow from the source: the verdict of a rebuild, or "not checked"
	Claim     string `json:"claim,omitempty"`     // the claim that they match, and its level
	Source    string `json:"source"`              // what is known of the stage's own sources
	SourceWhy string `json:"sourceWhy,omitempty"` // why no more
}

func (k answers) bytes() string {
	switch {
	case k.Bytes == rebuild.NotChecked.String():
		return "not checked whether they follow from the source (stagescope rebuild)"
	case k.Claim != "":
		return fmt.Sprintf("%s (%s)", k.Bytes, k.Claim)
	}
	return k.Bytes
}

func (k answers) source() string {
	if k.SourceWhy != "" {
		return fmt.Sprintf("%s (%s)", k.Source, k.SourceWhy)
	}
	return k.Source
}

// answersOf gives both answers for one stage.
func (a *app) answersOf(c *chain.Chain, s *chain.Stage) answers {
	known, why := audit.Pins(s)
	out := a.firstAnswers(c, []*chain.Stage{s})[s.ID]
	out.Bytes = cmp.Or(out.Bytes, rebuild.NotChecked.String())
	out.Source, out.SourceWhy = known.String(), why
	return out
}

// presentStore opens the store where there is one already; nil where there is
// none, or none that can be read.
func (a *app) presentStore() *store.Store {
	dir := a.store
	if dir == "" {
		var err error
		if dir, err = store.DefaultDir(); err != nil {
			return nil
		}
	}
	if _, err := os.Stat(dir); err != nil {
		return nil
	}
	s, err := store.Open(dir)
	if err != nil {
		return nil
	}
	return s
}

// firstAnswers gives, by stage, what the newest rebuild of its present recipe
// established; a stage that is missing was not checked. Where there is no store
// none is made.
func (a *app) firstAnswers(c *chain.Chain, stages []*chain.Stage) map[string]answers {
	out := map[string]answers{}
	s := a.presentStore()
	if s == nil {
		return out
	}
	only := ""
	if len(stages) == 1 {
		only = stages[0].ID
	}
	results, err := rebuild.Results(s, only)
	if err != nil {
		return out
	}
	wanted := map[string]*chain.Stage{}
	for _, st := range stages {
		wanted[st.ID] = st
	}
	for _, r := range results { // newest first
		st := wanted[r.Stage]
		if _, done := out[r.Stage]; done || st == nil {
			continue
		}
		if !rebuild.Current(c, r) {
			continue // of another tree, or of this one before it was changed
		}
		r = rebuild.Rejudge(c, r)
		got := answers{Bytes: r.Verdict.Status.String()}
		if m := r.Verdict.Matched(); m != nil {
			got.Claim = fmt.Sprintf("%s, %s", m.Where(), m.Level)
		}
		out[r.Stage] = got
	}
	return out
}
