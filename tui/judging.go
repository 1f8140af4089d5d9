package tui

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	tea "charm.land/bubbletea/v2"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim"
	"github.com/stagescope/stagescope/tui/internal/look"
)

// Judged is what everyone's claims establish. A stage without a verdict was not
// judged.
type Judged struct {
	Verdicts map[string]*claim.Verdict
	Claims   map[string][]*claim.Claim
	Unread   map[string][]string // by stage, "" for all of them: what could not be read, and is unknown
	First    []string            // stages at which disputes begin
	Next     []string            // what to rebuild next, a sentence each, the most useful first
	Policy   string              // name of the policy
}

// Judging is how far judging is.
type Judging struct {
	Done, All int
	What      string // what is being read
}

// judging is a gathering of claims that runs. Its progress is written by the
// goroutine that gathers and read at each tick.
type judging struct {
	cancel context.CancelFunc
	mu     sync.Mutex
	at     Judging
}

func (j *judging) say(at Judging) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.at = at
}

func (j *judging) progress() Judging {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.at
}

// judgedAll brings what judging gave.
type judgedAll struct {
	of  *judging
	got *Judged
	err error
}

// verify gathers and judges the claims about some stages, or all when none is
// named. A second time it stops the one that runs.
func (a *app) verify(ids ...string) tea.Cmd {
	if a.cfg.Judge == nil {
		return a.tell("this program cannot verify claims here: "+a.cfg.WhyNoJudge, true)
	}
	if a.judging != nil {
		a.judging.cancel()
		a.judging = nil
		return a.say("verifying was stopped; what was known before stays")
	}
	ctx, cancel := context.WithCancel(a.ctx)
	j := &judging{cancel: cancel}
	a.judging = j
	judge := a.cfg.Judge
	return tea.Batch(a.keepTicking(), func() tea.Msg {
		got, err := judge(ctx, ids, j.say)
		cancel()
		return judgedAll{j, got, err}
	})
}

// takeJudged keeps what was established. A gathering that was stopped says
// nothing any more.
func (a *app) takeJudged(m judgedAll) tea.Cmd {
	if a.judging != m.of {
		return nil
	}
	a.judging = nil
	if m.err != nil {
		return a.complain(m.err)
	}
	if a.judged == nil {
		a.judged = &Judged{Verdicts: map[string]*claim.Verdict{}, Claims: map[string][]*claim.Claim{}, Unread: map[string][]string{}}
	}
	maps.Copy(a.judged.Verdicts, m.got.Verdicts)
	for id := range m.got.Verdicts {
		a.judged.Claims[id], a.judged.Unread[id] = m.got.Claims[id], m.got.Unread[id]
	}
	a.judged.Unread[""] = m.got.Unread[""]
	a.judged.First, a.judged.Next, a.judged.Policy = m.got.First, m.got.Next, m.got.Policy
	a.judgedGen++
	for _, s := range a.stack {
		if c, ok := s.(*chainScreen); ok {
			c.resort()
		}
	}
	return a.say(a.judgedText(m.got))
}

// judgedText sums up in one line.
func (a *app) judgedText(got *Judged) string {
	by := map[claim.Status]int{}
	for _, v := range got.Verdicts {
		by[v.Status]++
	}
	text := "verified " + plural(len(got.Verdicts), "stage", "stages")
	for _, s := range slices.Backward(slices.Sorted(maps.Keys(by))) {
		text += fmt.Sprintf(", %d %s", by[s], s)
	}
	n := 0
	for _, u := range got.Unread {
		n += len(u)
	}
	if n > 0 {
		text += fmt.Sprintf("; %s could not be read and is unknown", plural(n, "source", "sources"))
	}
	return text
}

// verdict is what was established of a stage, or nil.
func (a *app) verdict(id string) *claim.Verdict {
	if a.judged == nil {
		return nil
	}
	return a.judged.Verdicts[id]
}

// judgingLine says how far judging is; nil when none runs.
func (a *app) judgingLine() look.Line {
	if a.judging == nil {
		return nil
	}
	p := a.judging.progress()
	l := look.T(look.Busy, "► verifying")
	if p.All > 0 {
		l = l.Add(look.Muted, fmt.Sprintf(" %d of %d", p.Done, p.All))
	}
	return l
}

// Every status has a sign of its own, so that colour only adds to it.
var verdictFaces = map[claim.Status]face{
	claim.StatusNotChecked: {"·", look.Muted, "not checked"},
	claim.Unclaimed:        {"-", look.Muted, "unclaimed"},
	claim.Seed:             {"*", look.Accent, "seed"},
	claim.Signed:           {"s", look.Muted, "signed, environment unknown"},
	claim.SelfOnly:         {"1", look.Warn, "rebuilt by you only"},
	claim.Single:           {"+", look.Warn, "fewer than the policy asks for"},
	claim.Reproduced:       {"=", look.Good, "reproduced"},
	claim.Equivalent:       {"≈", look.Warn, "equivalent"},
	claim.Reconverged:      {"v", look.Good, "reconverged"},
	claim.Flaky:            {"~", look.Warn, "flaky"},
	claim.Failed:           {"!", look.Bad, "failed"},
	claim.Tainted:          {"^", look.Bad, "tainted"},
	claim.Disputed:         {"≠", look.Bad, "disputed"},
}

// verdictFace is how a verdict looks; one that was not given is not checked.
func verdictFace(v *claim.Verdict) face {
	if v == nil {
		return verdictFaces[claim.StatusNotChecked]
	}
	if f, ok := verdictFaces[v.Status]; ok {
		return f
	}
	return verdictFaces[claim.StatusNotChecked]
}

// verdictCounts says how many stages have each of the verdicts that a person
// looks for first.
func (a *app) verdictCounts() []look.Line {
	if a.judged == nil {
		return nil
	}
	by := map[claim.Status]int{}
	for _, v := range a.judged.Verdicts {
		by[v.Status]++
	}
	var out []look.Line
	for _, st := range []claim.Status{claim.Disputed, claim.Tainted, claim.Reproduced} {
		if n := by[st]; n > 0 {
			f := verdictFaces[st]
			out = append(out, look.T(f.role, "claims "+f.sign).Add(look.Muted, fmt.Sprintf(" %d %s", n, f.word)))
		}
	}
	return out
}

// openMatrix shows who says what, beginning at a stage.
func (a *app) openMatrix(st *chain.Stage) tea.Cmd {
	if a.judged == nil && a.cfg.Judge == nil {
		return a.tell("this program cannot verify claims here: "+a.cfg.WhyNoJudge, true)
	}
	cmd := a.push(newMatrixScreen(a, st))
	if a.judged == nil && a.judging == nil {
		return tea.Batch(cmd, a.verify())
	}
	return cmd
}
