package tui

import (
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/tui/internal/action"
	"github.com/stagescope/stagescope/tui/internal/look"
)

// Story is something that is told at the foot of the screen, step by step, while
// the screens show it.
type Story struct {
	Title string
	Steps []StoryStep
	Auto  time.Duration // how long each step stays; 0 waits for a key
}

// StoryStep is a sentence, the screen that shows it, and the command that prints
// the same.
type StoryStep struct {
	Say     string
	Command string // "" when only the screen shows it
	Screen  StoryScreen
}

// StoryScreen is a screen and what it is opened on.
type StoryScreen struct {
	Kind  string // chain, claims, stage, trust, compare, file
	Stage string
	A, B  string // references of images
	File  string // path inside them
	View  string // how a difference is shown: reasons, unified, sides, hex, structure, code
}

// story is a story that is being told.
type story struct {
	*Story
	at     int  // the step
	hidden bool // only a line is left of it
	auto   bool
	gen    int // counts the steps that were shown, for the clock
}

// storyDue is when the next step comes by itself.
type storyDue struct{ gen int }

// The least height of a terminal on which a story leaves room for screens.
const storyMin = 14

func newStory(s *Story) *story {
	if s == nil || len(s.Steps) == 0 {
		return nil
	}
	return &story{Story: s, at: -1, auto: s.Auto > 0}
}

// storyActions is what can be done while a story is told.
func (a *app) storyActions() action.Table {
	return action.Table{
		{Keys: []string{"."}, Name: "go on with the story; so does space", Group: "Story", Run: func() tea.Cmd { return a.tellNext(1) }},
		{Keys: []string{","}, Name: "one step back in the story", Group: "Story", Run: func() tea.Cmd { return a.tellNext(-1) }},
		{Keys: []string{"X"}, Name: "hide the story or show it again", Group: "Story", Run: do(func() { a.story.hidden = !a.story.hidden })},
	}
}

// tellNext shows another step. At the end it stays.
func (a *app) tellNext(dir int) tea.Cmd {
	s := a.story
	to := s.at + dir
	switch {
	case s.hidden:
		s.hidden, to = false, max(0, s.at) // back to where it was left
	case to < 0:
		return a.say("this is the first step")
	case to >= len(s.Steps):
		return a.say("that is the whole story: look around, or q to leave")
	}
	s.at = to
	s.gen++
	return tea.Batch(a.showStep(s.Steps[to].Screen), a.storyClock())
}

// storyClock lets the next step come by itself.
func (a *app) storyClock() tea.Cmd {
	s := a.story
	if !s.auto || s.at == len(s.Steps)-1 {
		return nil
	}
	gen := s.gen
	return a.cfg.After(s.Auto, func(time.Time) tea.Msg { return storyDue{gen} })
}

// due takes the clock's message, unless a key came first.
func (a *app) due(m storyDue) tea.Cmd {
	if a.story == nil || !a.story.auto || m.gen != a.story.gen || a.story.hidden {
		return nil
	}
	return a.tellNext(1)
}

// storyKey takes the keys that go on with a story, before the screen's own, and
// stops the clock when a person does anything else.
func (a *app) storyKey(name string) (tea.Cmd, bool) {
	if a.story == nil {
		return nil, false
	}
	if name == "space" { // what a presenter's clicker sends; pages go by PgDn
		name = "."
	}
	if act := a.storyActions().Find(name); act != nil {
		return act.Run(), true
	}
	a.story.auto = false
	return nil, false
}

// located is a screen that can go to a path inside what it shows.
type located interface {
	screen
	shows(a, b string) bool
	goTo(path, view string) tea.Cmd
}

// showStep opens the screen of a step, unless it is on top already.
func (a *app) showStep(to StoryScreen) tea.Cmd {
	a.menu, a.ask = nil, nil
	if l, ok := a.top().(located); ok && to.A != "" && l.shows(to.A, to.B) {
		return toScreen(l, l.goTo(to.File, to.View))
	}
	for len(a.stack) > 1 {
		a.pop()
	}
	first, _ := a.top().(*chainScreen)
	if first != nil && to.Stage != "" {
		first.jump(to.Stage)
	}
	st, err := a.cfg.Chain.Stage(to.Stage)
	if err != nil && to.Kind != "compare" && to.Kind != "file" {
		return nil // the chain itself
	}
	switch to.Kind {
	case "claims":
		return a.openMatrix(st)
	case "stage":
		return a.push(newStageScreen(a, st, 0))
	case "trust":
		return a.openTrust(st)
	case "compare":
		if a.cfg.Compare == nil {
			return a.say("this program cannot compare here")
		}
		return a.pushAt(newCompareScreen(a, to.A, to.B), to.File, to.View)
	case "file":
		if a.cfg.OpenImage == nil {
			return a.say("this program cannot open images here")
		}
		return a.pushAt(newFilesScreen(a, to.A), to.File, to.View)
	}
	return nil
}

// pushAt opens a screen that goes to a path as soon as it can.
func (a *app) pushAt(s located, path, view string) tea.Cmd {
	return tea.Batch(a.push(s), toScreen(s, s.goTo(path, view)))
}

// storyHeight is how many rows the story takes.
func (a *app) storyHeight() int {
	switch {
	case a.story == nil || a.story.at < 0:
		return 0
	case a.h < storyMin:
		return 0
	case a.story.hidden:
		return 1
	}
	return 1 + len(a.storyText()) + 1
}

// storyText is the sentence of the present step, in at most three lines.
func (a *app) storyText() look.Block {
	b := look.Wrap(look.Strong, safe.Text(a.story.Steps[a.story.at].Say), max(10, a.w-4))
	return b[:min(len(b), 3)]
}

// drawStory draws the story's rows, storyHeight of them.
func (a *app) drawStory() look.Block {
	s := a.story
	head := look.T(look.BorderFocus, "── ").Add(look.Title, safe.Text(s.Title)).Add(look.Muted, fmt.Sprintf(" %d of %d ", s.at+1, len(s.Steps)))
	switch {
	case s.hidden:
		head = head.Add(look.Accent, "space").Add(look.Muted, " takes it up again ")
	case s.auto:
		head = head.Add(look.Muted, "by itself ")
	case s.at < len(s.Steps)-1:
		head = head.Add(look.Accent, "space").Add(look.Muted, " goes on ")
	}
	head = head.Add(look.BorderFocus, strings.Repeat("─", max(0, a.w-head.Width())))
	out := look.Block{head.Fit(a.w)}
	if s.hidden {
		return out
	}
	for _, l := range a.storyText() {
		out = append(out, append(look.T(look.Plain, "  "), l...).Fit(a.w))
	}
	command := look.T(look.Faint, "  only the screen shows this")
	if c := s.Steps[s.at].Command; c != "" {
		command = look.T(look.Faint, "  $ ").Add(look.Accent, safe.Text(c))
	}
	return append(out, command.Fit(a.w))
}
