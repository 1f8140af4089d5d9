package tui

import (
	"context"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/tui/internal/action"
	"github.com/stagescope/stagescope/tui/internal/look"
)

// app is the model: a stack of screens and what lies over them.
type app struct {
	cfg    Config
	ctx    context.Context // ends when the workbench does
	cancel context.CancelFunc

	w, h    int
	dark    bool
	noColor bool
	theme   *look.Theme
	mouse   bool

	stack []screen
	menu  *menu     // help, palette or a question; nil when there is none
	ask   *question // line being typed at the bottom
	toast toast
	runs  *runs
	tally tally // what is known of each stage

	tainted map[string]string // stage to the lowest one below it that differs

	judged    *Judged  // what everyone's claims establish; nil when nobody asked
	judgedGen int      // counts its changes
	judging   *judging // nil when none runs

	story *story // nil when none is told

	ticking bool
}

type toast struct {
	text string
	bad  bool
	gen  int
}

type toastOver struct{ gen int }

const toastTime = 4 * time.Second

var _ tea.Model = (*app)(nil)

func newApp(ctx context.Context, cfg Config) *app {
	a := &app{cfg: cfg.complete(), dark: true, mouse: cfg.Mouse}
	a.ctx, a.cancel = context.WithCancel(ctx)
	a.runs = newRuns(a)
	a.tally, a.tainted = tally{}, map[string]string{}
	a.retheme()
	a.stack = []screen{newChainScreen(a)}
	a.story = newStory(a.cfg.Story)
	return a
}

func (a *app) retheme() { a.theme = look.New(a.dark, a.noColor) }

// Init asks what the terminal looks like and starts the first screen.
func (a *app) Init() tea.Cmd {
	var judge tea.Cmd
	if a.cfg.JudgeFirst {
		judge = a.verify()
	}
	first := a.top().start()
	if refs := a.cfg.CompareFirst; refs[0] != "" {
		first = tea.Batch(first, a.compareRefs(refs[0], refs[1]))
	}
	return tea.Batch(tea.RequestBackgroundColor, a.loadTally(), first, judge, a.beginStory())
}

// beginStory shows the first step.
func (a *app) beginStory() tea.Cmd {
	if a.story == nil {
		return nil
	}
	return a.tellNext(1)
}

func (a *app) top() screen { return a.stack[len(a.stack)-1] }

// Update hands each message to the one method that is for it.
func (a *app) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	var cmd tea.Cmd
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		a.w, a.h = msg.Width, msg.Height
	case tea.BackgroundColorMsg:
		a.dark = msg.IsDark()
		a.retheme()
	case tea.ColorProfileMsg:
		a.noColor = msg.Profile <= colorprofile.ASCII
		a.retheme()
	case tea.KeyPressMsg:
		cmd = a.key(msg)
	case tea.PasteMsg:
		cmd = a.typed(msg)
	case tea.MouseClickMsg:
		cmd = a.click(msg.Mouse())
	case tea.MouseWheelMsg:
		a.wheel(msg.Mouse())
	case tallied:
		a.takeTally(msg)
	case judgedAll:
		cmd = a.takeJudged(msg)
	case storyDue:
		cmd = a.due(msg)
	case toastOver:
		if msg.gen == a.toast.gen {
			a.toast.text = ""
		}
	case tick:
		cmd = a.ticked(msg)
	case forScreen:
		cmd = a.deliver(msg)
	}
	// What the window shows now may have to be read first.
	return a, tea.Batch(cmd, a.wants())
}

// reader is a screen that shows parts of something long and says, after each
// change, which parts it lacks.
type reader interface{ want() tea.Cmd }

func (a *app) wants() tea.Cmd {
	if r, ok := a.top().(reader); ok {
		return toScreen(a.top(), r.want())
	}
	return nil
}

func (a *app) deliver(msg forScreen) tea.Cmd {
	for _, s := range a.stack {
		if s == msg.to {
			return s.update(msg.msg)
		}
	}
	return nil
}

// ticked lets every screen look at what runs, and goes on while something does.
func (a *app) ticked(msg tick) tea.Cmd {
	a.ticking = false
	cmds := []tea.Cmd{a.runs.look()}
	for _, s := range a.stack {
		cmds = append(cmds, s.update(msg))
	}
	return tea.Batch(append(cmds, a.keepTicking())...)
}

// worker is a screen that shows how far something is that it waits for.
type worker interface{ working() bool }

// working reports whether a screen waits for something.
func (a *app) working() bool {
	for _, s := range a.stack {
		if w, ok := s.(worker); ok && w.working() {
			return true
		}
	}
	return false
}

func (a *app) keepTicking() tea.Cmd {
	if a.ticking || a.runs.active() == 0 && a.judging == nil && !a.working() {
		return nil
	}
	a.ticking = true
	return a.cfg.After(tickEvery, func(t time.Time) tea.Msg { return tick{t} })
}

// key sends a key to what is on top: a menu, a line being typed, the screen.
func (a *app) key(k tea.KeyPressMsg) tea.Cmd {
	name := k.String()
	switch {
	case name == "ctrl+c":
		return a.quit()
	case name == "ctrl+z":
		return tea.Suspend
	case name == "alt+esc": // how two quick esc arrive
		esc := tea.KeyPressMsg{Code: tea.KeyEscape}
		return tea.Sequence(a.key(esc), a.key(esc))
	case a.menu != nil:
		return a.menu.key(k)
	case a.ask != nil:
		return a.typed(k)
	}
	return a.press(name)
}

// press runs the action of a key, the screen's own before the workbench's.
func (a *app) press(name string) tea.Cmd {
	if cmd, mine := a.storyKey(name); mine {
		return cmd
	}
	s := a.top()
	if act := s.actions().Find(name); act != nil {
		return act.Run()
	}
	if act := a.actions().Find(name); act != nil {
		return act.Run()
	}
	return nil
}

// push opens a screen over the present one.
func (a *app) push(s screen) tea.Cmd {
	a.stack = append(a.stack, s)
	return s.start()
}

// pop leaves the present screen; the first one cannot be left.
func (a *app) pop() {
	if len(a.stack) > 1 {
		a.top().close()
		a.stack = a.stack[:len(a.stack)-1]
	}
}

// keeper is a screen that is not left without a word.
type keeper interface{ keeps() string }

func (a *app) back() tea.Cmd {
	if a.top().back() {
		return nil
	}
	if k, ok := a.top().(keeper); ok {
		if why := k.keeps(); why != "" {
			return a.say(why)
		}
	}
	a.pop()
	return nil
}

// treeScreen is a screen with a tree, in which going back has more steps.
type treeScreen interface{ outwards() tea.Cmd }

func (a *app) outwards() tea.Cmd {
	if t, ok := a.top().(treeScreen); ok {
		return t.outwards()
	}
	return a.back()
}

// say shows a short text at the bottom for some seconds.
func (a *app) say(text string) tea.Cmd { return a.tell(text, false) }

// complain is say for what went wrong.
func (a *app) complain(err error) tea.Cmd { return a.tell(withHintText(err), true) }

func (a *app) tell(text string, bad bool) tea.Cmd {
	a.toast = toast{safe.Text(text), bad, a.toast.gen + 1}
	gen := a.toast.gen
	return a.cfg.After(toastTime, func(time.Time) tea.Msg { return toastOver{gen} })
}

// copyText puts text on the clipboard of the person's own terminal, also over
// ssh, and says so.
func (a *app) copyText(what, text string) tea.Cmd {
	if text == "" {
		return a.say("nothing to copy here")
	}
	return tea.Batch(tea.SetClipboard(text), a.say(strings.TrimSpace("copied "+what)+" "+look.Ellipsis(safe.Text(text), 80)))
}

// quit ends the workbench; it asks first only when that would end a rebuild.
func (a *app) quit() tea.Cmd {
	n := a.runs.active()
	if n == 0 || a.menu != nil && a.menu.quitting {
		return a.leave()
	}
	a.menu = a.confirm("Quit?", plural(n, "rebuild is", "rebuilds are")+" running; quitting cancels them.", "quit", a.leave)
	a.menu.quitting = true
	return nil
}

func (a *app) leave() tea.Cmd {
	for _, s := range a.stack {
		s.close()
	}
	a.cancel()
	return tea.Quit
}

// actions is what can be done on every screen.
func (a *app) actions() action.Table {
	t := action.Table{
		{Keys: []string{"esc", "backspace"}, Name: "back", Group: "Go", Run: a.back},
		{Keys: []string{"h", "left"}, Name: "back; in a difference tree, close the node or go to what it lies in", Group: "Go", Run: a.outwards},
		{Keys: []string{"?", "f1"}, Name: "help: all that can be done here", Group: "Go", Hint: "help", Run: do(func() { a.menu = a.help("") })},
		{Keys: []string{":", "ctrl+p"}, Name: "commands by name", Group: "Go", Hint: "commands", Run: do(func() { a.menu = a.help(":") })},
		{Keys: []string{"C"}, Name: "compare two images, files or directories", Group: "Go", Run: do(a.askCompare)},
		{Keys: []string{"b"}, Name: "rebuilds of this session", Group: "Go", Run: func() tea.Cmd { return a.openRuns() }},
		{Keys: []string{"M"}, Name: "mouse on or off", Group: "Show", Run: a.toggleMouse},
		{Keys: []string{"ctrl+l"}, Name: "draw the screen anew", Group: "Show", Run: func() tea.Cmd { return tea.ClearScreen }},
		{Keys: []string{"ctrl+z"}, Name: "suspend", Group: "Go", Run: func() tea.Cmd { return tea.Suspend }},
		{Keys: []string{"q", "ctrl+c"}, Name: "quit", Group: "Go", Hint: "quit", Run: a.quit},
	}
	if a.story != nil {
		t = append(a.storyActions(), t...)
	}
	return t
}

func (a *app) toggleMouse() tea.Cmd {
	a.mouse = !a.mouse
	if a.mouse {
		return a.say("mouse on: wheel scrolls, click selects; hold shift to mark text")
	}
	return a.say("mouse off: the terminal marks text again")
}

// click selects; a second click on the same row goes in.
func (a *app) click(m tea.Mouse) tea.Cmd {
	if m.Button != tea.MouseLeft {
		return nil
	}
	if a.menu != nil {
		return a.menu.click(m.X, m.Y)
	}
	if a.top().layout().click(m.X, m.Y-a.headHeight()) {
		return a.press("enter")
	}
	return nil
}

func (a *app) wheel(m tea.Mouse) {
	if a.menu != nil {
		a.menu.wheel(m)
		return
	}
	a.top().layout().wheel(m, m.X, m.Y-a.headHeight())
}
