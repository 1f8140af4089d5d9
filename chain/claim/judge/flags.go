package judge

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim"
)

// maxBundles bounds how many bundles a flag names.
const maxBundles = 16

// flag adds a flag, or adds to one that says the same.
func (s *local) flag(kind claim.FlagKind, text string, parties []string, records ...*record) {
	var f *claim.Flag
	for i := range s.v.Flags {
		if s.v.Flags[i].Kind == kind && s.v.Flags[i].Text == text {
			f = &s.v.Flags[i]
		}
	}
	if f == nil {
		s.v.Flags = append(s.v.Flags, claim.Flag{Kind: kind, Text: text})
		f = &s.v.Flags[len(s.v.Flags)-1]
	}
	f.Parties = append(f.Parties, parties...)
	slices.Sort(f.Parties)
	f.Parties = slices.Compact(f.Parties)
	for _, r := range records {
		if !r.bundle.IsZero() {
			f.Bundles = append(f.Bundles, r.bundle)
		}
	}
	slices.SortFunc(f.Bundles, func(a, b claim.Digest) int { return strings.Compare(string(a[:]), string(b[:])) })
	f.Bundles = slices.Compact(f.Bundles)
	f.Bundles = f.Bundles[:min(len(f.Bundles), maxBundles)]
}

// flags says what a person should see beside the verdict.
func (j *judging) flags(s *local) {
	for _, x := range []struct {
		kind claim.FlagKind
		roll *roll
		text string
	}{
		{claim.FlagReplay, &s.replay, "for this release, and of another recipe: not counted"},
		{claim.FlagFailed, &s.failed, "could not build it"},
		{claim.FlagPulled, &s.pulled, "fetched the image and did not build it: not counted"},
		{claim.FlagStale, &s.stale, "older than the policy allows, or from no known time: not counted"},
		{claim.FlagMachine, &s.machine, "no person and no organisation: not counted"},
		{claim.FlagLegacy, &s.legacy, "in a form that only older rules accept"},
	} {
		if len(x.roll.list) > 0 {
			s.flag(x.kind, x.text, j.names(x.roll.list...), x.roll.list...)
		}
	}
	j.refused(s)
	j.loose(s)
	j.dissent(s)
	j.otherRecipes(s)
	slices.SortStableFunc(s.v.Flags, func(a, b claim.Flag) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Text, b.Text)) })
}

// refused names the reasons, which say what is wrong with each.
func (j *judging) refused(s *local) {
	for _, r := range s.refused.list {
		s.flag(claim.FlagRefused, cmp.Or(j.l.names.value(r.reason), "wrong in itself"), j.names(r), r)
	}
}

// loose flags what unverified claims state that nothing verified does: it may be
// dissent, and may be anybody's.
func (j *judging) loose(s *local) {
	known := map[uint32]bool{}
	for k := range s.members {
		for _, d := range s.members[k].out {
			known[d] = true
		}
	}
	var other roll
	for i, o := range s.unverified {
		out := j.l.outputs.value(o)
		agrees := false
		for _, d := range out {
			agrees = agrees || d != 0 && known[d]
		}
		if !agrees {
			other.add(s.loose.list[i])
		}
	}
	if len(other.list) > 0 {
		s.flag(claim.FlagDissent, "not verified, and of another digest than all that is: it may be anybody's word", j.names(other.list...), other.list...)
	}
}

// dissent flags the groups that disagree and do not block.
func (j *judging) dissent(s *local) {
	if len(s.groups) == s.blocks || len(s.groups) == 1 {
		return
	}
	for _, g := range s.groups[s.blocks:] {
		if s.blocks == 0 && g == s.best() {
			continue
		}
		text := fmt.Sprintf("another %s digest, %s, of a release that is not stated or of an image that was only fetched", g.level, g.Output.At(g.level).Short())
		s.flag(claim.FlagDissent, text, g.Parties)
	}
}

// otherRecipes flags that an image of the stage is claimed for other recipes too.
func (j *judging) otherRecipes(s *local) {
	images := map[uint32]bool{}
	for _, g := range s.groups {
		if d := g.out.level(chain.LevelManifest); d != 0 {
			images[d] = true
		}
	}
	if s.recipe == 0 || len(images) == 0 {
		return
	}
	recipes := map[uint32]bool{}
	var last uint32 // most claims state what the one before did
	for _, n := range j.l.byStage[s.id] {
		p := j.l.at(n)
		if p.output == last {
			continue
		}
		recipe := j.l.builds.value(p.build).recipe
		if recipe == 0 || recipe == s.recipe || claim.State(j.l.hows.value(p.how).state) != claim.Verified {
			continue
		}
		if o := j.l.outputs.value(p.output); images[o.level(chain.LevelManifest)] {
			recipes[recipe] = true
			continue
		}
		last = p.output
	}
	var names []string
	for r := range recipes {
		names = append(names, j.l.text(r).Short())
	}
	if slices.Sort(names); len(names) > 0 {
		text := "the same image is claimed for recipe " + strings.Join(names[:min(len(names), 4)], ", ")
		if n := len(names) - 4; n > 0 {
			text += fmt.Sprintf(" and %d more", n)
		}
		s.flag(claim.FlagEqualOutput, text, nil)
	}
}

// equalOutputs flags stages with different recipes and one image.
func (j *judging) equalOutputs() {
	first := map[uint32][]int{}
	for i := range j.stages {
		mine := map[uint32]bool{}
		for _, g := range j.stages[i].groups {
			for _, l := range []chain.Level{chain.LevelIndex, chain.LevelManifest} {
				if d := g.out.level(l); d != 0 && !mine[d] {
					mine[d] = true
					first[d] = append(first[d], i)
				}
			}
		}
	}
	for i := range j.stages {
		s := &j.stages[i]
		others := map[string]bool{}
		for _, g := range s.groups {
			for _, l := range []chain.Level{chain.LevelIndex, chain.LevelManifest} {
				for _, other := range first[g.out.level(l)] {
					if r := j.stages[other].recipe; other != i && (r == 0 || r != s.recipe) {
						others[j.c.Stages[other].ID] = true
					}
				}
			}
		}
		if len(others) == 0 {
			continue
		}
		var ids []string
		for id := range others {
			ids = append(ids, id)
		}
		slices.Sort(ids)
		more := ""
		if n := len(ids) - 8; n > 0 {
			ids, more = ids[:8], fmt.Sprintf(" and %d more", n)
		}
		s.flag(claim.FlagEqualOutput, "the same image is claimed for "+strings.Join(ids, ", ")+more, nil)
	}
}
