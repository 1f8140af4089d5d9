package tui

import (
	"context"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/tui/internal/action"
)

// keySections gives the tables of all screens, the one that is everywhere
// first.
func keySections() []action.Section {
	st := &chain.Stage{ID: "core-x", Tier: "core", Name: "x"}
	a := newApp(context.Background(), Config{Chain: chain.New("", []*chain.Stage{st})})
	defer a.cancel()
	log := &run{stage: st}
	moves := (&panes{all: make([]*pane, 2)}).moves()
	out := []action.Section{{Screen: "Everywhere", Table: append(a.actions(), moves...)}}
	a.story = &story{Story: &Story{}}
	out = append(out, action.Section{Screen: "While an incident is told", Table: a.storyActions()})
	a.story = nil
	rebuildKeys := &rebuildScreen{app: a, run: log, log: newPageView(a, nil)}
	for _, s := range []struct {
		name string
		s    screen
	}{
		{"Chain", newChainScreen(a)},
		{"Stage", newStageScreen(a, st, 0)},
		{"Who says what", newMatrixScreen(a, st)},
		{"Rebuild", rebuildKeys},
		{"Result of a rebuild", newTrialScreen(a, st, Trial{})},
		{"Rebuilds of the session", newRunsScreen(a)},
		{"Compare", newCompareScreen(a, "", "")},
		{"Files", newFilesScreen(a, "")},
		{"Seed and trust", newTrustScreen(a, st)},
		{"Findings", newFindingsScreen(a)},
	} {
		var own action.Table
		for _, act := range s.s.actions() {
			if moves.Find(act.Keys[0]) == nil {
				own = append(own, act)
			}
		}
		out = append(out, action.Section{Screen: s.name, Table: own})
	}
	return out
}

// Keys is the Markdown of all keys, as the README shows them.
func Keys() string { return action.Markdown(keySections()) }
