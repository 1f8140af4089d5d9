package evidence

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim"
)

// maxReport bounds a saved report, in bytes.
const maxReport = 512 << 20

// Change is something that is otherwise than in an older report.
type Change struct {
	Stage   string `json:"stage"`
	Text    string `json:"text"`
	Dissent bool   `json:"dissent"` // somebody disagrees who did not before
}

// ReadReport reads a report as it was printed.
func ReadReport(r io.Reader) (*Report, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxReport+1))
	if err != nil {
		return nil, fmt.Errorf("reading a report: %w", err)
	}
	if len(data) > maxReport {
		return nil, fmt.Errorf("reading a report: more than %d bytes", maxReport)
	}
	var rep Report
	dec := json.NewDecoder(bytes.NewReader(data))
	if err := dec.Decode(&rep); err != nil {
		return nil, fmt.Errorf("reading a report: %w", err)
	}
	if rep.V != 1 || rep.Stages == nil {
		return nil, fmt.Errorf("reading a report: it is none of this form (v %d)", rep.V)
	}
	for i := range rep.Stages {
		if slices.Contains(rep.Stages[i].Claims, nil) {
			return nil, fmt.Errorf("reading a report: a claim of %q is none", rep.Stages[i].Verdict.Stage)
		}
	}
	return &rep, nil
}

// Since says what changed between two reports, in the order of the newer one. A
// stage that only one of them has is said and compared no further.
func Since(older, newer *Report) []Change {
	changes := []Change{}
	say := func(stage string, dissent bool, format string, args ...any) {
		changes = append(changes, Change{stage, fmt.Sprintf(format, args...), dissent})
	}
	before := map[string]*Stage{}
	for i := range older.Stages {
		before[older.Stages[i].Verdict.Stage] = &older.Stages[i]
	}
	for i := range newer.Stages {
		n := &newer.Stages[i]
		id := n.Verdict.Stage
		o := before[id]
		delete(before, id)
		if o == nil {
			say(id, sides(n) > 1, "new: %s", n.Verdict.Sentence())
			continue
		}
		compareStage(o, n, func(dissent bool, format string, args ...any) { say(id, dissent, format, args...) })
	}
	for i := range older.Stages { // in its order
		if id := older.Stages[i].Verdict.Stage; before[id] != nil {
			say(id, false, "not in this report")
		}
	}
	return changes
}

func compareStage(o, n *Stage, say func(dissent bool, format string, args ...any)) {
	if o.Verdict.Recipe != n.Verdict.Recipe {
		say(false, "the recipe changed, from %s to %s", o.Verdict.Recipe.Short(), n.Verdict.Recipe.Short())
	}
	dissent := newDissent(o, n)
	if o.Verdict.Status != n.Verdict.Status {
		say(dissent, "%s, was %s: %s", n.Verdict.Status, o.Verdict.Status, n.Verdict.Sentence())
	} else if dissent {
		say(true, "still %s, and somebody more disagrees: %s", n.Verdict.Status, n.Verdict.Sentence())
	}
	if o.Verdict.Met != n.Verdict.Met {
		say(false, "the policy is %s", map[bool]string{true: "met now", false: "no longer met"}[n.Verdict.Met])
	}
	had, have := statements(o), statements(n)
	for _, s := range have {
		if !slices.Contains(had, s) {
			say(false, "new: %s", s)
		}
	}
	for _, s := range had {
		if !slices.Contains(have, s) {
			say(false, "gone: %s", s)
		}
	}
	if len(o.Unknown) == 0 && len(n.Unknown) > 0 {
		say(false, "something could not be read: %s: %s", n.Unknown[0].Origin, n.Unknown[0].Reason)
	}
}

// sides is how many outputs are claimed by somebody whom something verifies.
func sides(s *Stage) int { return len(s.Verdict.Groups) }

// newDissent says whether a side is there that was not, or a party is on another
// side, of a stage on which not all agree.
func newDissent(o, n *Stage) bool {
	if sides(n) < 2 && !flagged(n, claim.FlagDissent) {
		return false
	}
	if sides(n) < 2 {
		return !flagged(o, claim.FlagDissent)
	}
	if sides(n) > sides(o) {
		return true
	}
	for _, g := range n.Verdict.Groups[1:] { // beside the one with most claims
		for _, p := range g.Parties {
			if !slices.ContainsFunc(o.Verdict.Groups, func(x claim.Group) bool { return slices.Contains(x.Parties, p) && common(x.Output, g.Output) }) {
				return true
			}
		}
	}
	return false
}

// common says whether two outputs have a digest in common.
func common(a, b claim.Output) bool {
	for l := chain.LevelIndex; l <= chain.LevelFiles; l++ {
		if d := a.At(l); d != "" && d == b.At(l) {
			return true
		}
	}
	return false
}

func flagged(s *Stage, kind claim.FlagKind) bool {
	return slices.ContainsFunc(s.Verdict.Flags, func(f claim.Flag) bool { return f.Kind == kind })
}

// statements are what each party says, once.
func statements(s *Stage) []string {
	var out []string
	for _, c := range s.Claims {
		text := fmt.Sprintf("%s, %s, %s", PartyOf(c), c.Kind, c.Verification.State)
		if c.Failed() {
			text += ": could not build it"
		} else if l := c.Output.Level(); c.Output != (claim.Output{}) {
			text += fmt.Sprintf(": %s %s", l, c.Output.At(l).Short())
		}
		out = append(out, strings.TrimSpace(text))
	}
	slices.Sort(out)
	return slices.Compact(out)
}
