package rebuild

import (
	"path"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/audit"
	"github.com/stagescope/stagescope/chain/store"
)

// Made gives what the rebuilds in a store left of a stage: its newest image and,
// of the newest rebuild that ran every step, the programs and changes of steps.
// Rebuilds of another recipe than the present one count for nothing.
func Made(c *chain.Chain, s *store.Store, id string) audit.Made {
	st, err := c.Stage(id)
	if err != nil {
		return audit.Made{}
	}
	results, err := Results(s, id)
	if err != nil {
		return audit.Made{}
	}
	var made audit.Made
	for _, r := range results { // newest first
		if !r.built() || !Current(c, r) {
			continue
		}
		if !made.Built {
			made.Built = true
			made.Size = (&Builder{Chain: c, Store: s}).imageBytes(r)
		}
		if everyStep(r, st) {
			made.Programs, made.Changes = stepsOf(r, st)
			break
		}
	}
	return made
}

// everyStep reports whether a result has a digest of every step.
func everyStep(r *Result, st *chain.Stage) bool {
	if len(r.Steps) != len(st.Steps) {
		return false
	}
	for _, d := range r.Steps {
		if d.Digest == "" || d.Step < 0 || d.Step >= len(st.Steps) {
			return false
		}
	}
	return true
}

func stepsOf(r *Result, st *chain.Stage) (programs []audit.Program, changes map[int]chain.Digest) {
	changes = map[int]chain.Digest{}
	for _, d := range r.Steps {
		line := st.Steps[d.Step].Line
		changes[line] = d.Digest
		for _, p := range d.Programs {
			programs = append(programs, audit.Program{Line: line, Name: path.Base(p.Path), Size: p.Size, Digest: p.Digest})
		}
	}
	return programs, changes
}
