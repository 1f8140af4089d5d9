package tui

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/tui/internal/prompt"
)

// rebuild starts a rebuild of st, or goes to the one that runs.
func (a *app) rebuild(st *chain.Stage) tea.Cmd {
	if st == nil {
		return nil
	}
	if a.runs.running(st.ID) {
		return a.push(newRebuildScreen(a, a.runs.last(st.ID)))
	}
	if a.cfg.Builder == nil {
		return a.tell("this program cannot build here: "+a.cfg.WhyNoBuilder, true)
	}
	r, err := a.runs.start(st)
	if err != nil {
		return a.complain(err)
	}
	return tea.Batch(a.push(newRebuildScreen(a, r)), a.keepTicking())
}

// openRuns goes to the list of this session's rebuilds.
func (a *app) openRuns() tea.Cmd {
	if len(a.runs.all) == 0 {
		return a.say("no rebuild in this session yet: r on a stage starts one")
	}
	if _, ok := a.top().(*runsScreen); ok {
		return nil
	}
	return a.push(newRunsScreen(a))
}

// openTrial shows what is recorded of a rebuild.
func (a *app) openTrial(st *chain.Stage, t Trial) tea.Cmd {
	return a.push(newTrialScreen(a, st, t))
}

// compareTrial compares a rebuild with the image that was claimed.
func (a *app) compareTrial(st *chain.Stage, t Trial) tea.Cmd {
	switch {
	case t.Ref == "":
		return a.say("this rebuild kept no image to compare")
	case t.ClaimRef == "":
		return a.say("the claimed image of " + st.ID + " is not here: only its digest is known")
	case a.cfg.Compare == nil:
		return a.say("this program cannot compare here")
	}
	return a.push(newCompareScreen(a, t.ClaimRef, t.Ref))
}

// compareRefs compares any two references.
func (a *app) compareRefs(refA, refB string) tea.Cmd {
	if a.cfg.Compare == nil {
		return a.say("this program cannot compare here")
	}
	return a.push(newCompareScreen(a, refA, refB))
}

// askCompare asks for two references or paths, first one, then the other.
func (a *app) askCompare() {
	var was [2]string
	if s, ok := a.top().(*compareScreen); ok {
		was = [2]string{s.a, s.b}
	}
	a.ask = &question{prompt: prompt.New("compare ", was[0]), done: func(refA string) tea.Cmd {
		if refA = strings.TrimSpace(refA); refA == "" {
			return a.say("nothing was named: give an image, a file or a directory")
		}
		a.ask = &question{prompt: prompt.New("compare "+safe.Text(refA)+" with ", was[1]), done: func(refB string) tea.Cmd {
			if refB = strings.TrimSpace(refB); refB == "" {
				return a.say("nothing was named to compare it with")
			}
			return a.compareRefs(refA, refB)
		}}
		return nil
	}}
}

// openTrust shows where trust ends below a stage.
func (a *app) openTrust(st *chain.Stage) tea.Cmd {
	if st == nil {
		return nil
	}
	return a.push(newTrustScreen(a, st))
}

// openFiles shows the files of the newest image of a stage.
func (a *app) openFiles(st *chain.Stage) tea.Cmd {
	if st == nil {
		return nil
	}
	return a.openImage("stage:" + st.ID)
}

func (a *app) openImage(ref string) tea.Cmd {
	if a.cfg.OpenImage == nil {
		return a.say("this program cannot open images here")
	}
	return a.push(newFilesScreen(a, ref))
}
