package tui

import (
	"context"
	"reflect"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
)

// epoch is the time of every test.
var epoch = time.Date(2026, 3, 4, 15, 16, 17, 0, time.UTC)

// driver runs the workbench without a terminal, in the test's goroutine: each
// message and every command it gives rise to, until none is left.
type driver struct {
	t   testing.TB
	app *app
	now time.Time
	out []tea.Msg // messages for Bubble Tea itself: quit, suspend, clipboard
}

// newDriver opens the workbench on w by h cells.
func newDriver(t testing.TB, cfg Config, w, h int) *driver {
	t.Helper()
	d := &driver{t: t, now: epoch}
	cfg.Now = func() time.Time { return d.now }
	// Ticks and the end of toasts come when a test sends them; what only waits
	// a moment before it reads comes at once.
	cfg.After = func(wait time.Duration, f func(time.Time) tea.Msg) tea.Cmd {
		if wait >= tickEvery {
			return nil
		}
		return func() tea.Msg { return f(d.now) }
	}
	if cfg.LogDir == "" {
		cfg.LogDir = t.TempDir()
	}
	ctx, cancel := context.WithCancel(context.Background())
	d.app = newApp(ctx, cfg)
	t.Cleanup(func() {
		cancel()
		d.app.runs.wait()
	})
	d.run(d.app.Init())
	d.send(tea.WindowSizeMsg{Width: w, Height: h})
	return d
}

func (d *driver) send(msgs ...tea.Msg) {
	d.t.Helper()
	for n := 0; len(msgs) > 0; n++ {
		if n > 10000 {
			d.t.Fatal("the workbench never goes idle")
		}
		msg := msgs[0]
		msgs = msgs[1:]
		if cmds := unpack(msg); cmds != nil {
			for _, c := range cmds {
				msgs = append(msgs, d.call(c)...)
			}
			continue
		}
		if msg == nil || d.foreign(msg) {
			continue
		}
		_, cmd := d.app.Update(msg)
		d.app.View() // as Bubble Tea does after every message
		msgs = append(msgs, d.call(cmd)...)
	}
}

// call runs a command.
func (d *driver) call(c tea.Cmd) []tea.Msg {
	if c == nil {
		return nil
	}
	return []tea.Msg{c()}
}

// tick lets time pass and the workbench look at what runs.
func (d *driver) tick(wait time.Duration) {
	d.t.Helper()
	d.now = d.now.Add(wait)
	d.app.ticking = false
	d.send(tick{d.now})
}

// foreign keeps messages that Bubble Tea would take.
func (d *driver) foreign(msg tea.Msg) bool {
	switch reflect.TypeOf(msg).String() {
	case "tea.QuitMsg", "tea.SuspendMsg", "tea.setClipboardMsg", "tea.clearScreenMsg", "tea.backgroundColorMsg":
		d.out = append(d.out, msg)
		return true
	}
	return false
}

func (d *driver) run(c tea.Cmd) { d.send(d.call(c)...) }

// unpack gives the commands of a tea.BatchMsg, or of the unexported message of
// tea.Sequence.
func unpack(msg tea.Msg) []tea.Cmd {
	v := reflect.ValueOf(msg)
	if v.Kind() == reflect.Slice && v.Type().Elem() == reflect.TypeFor[tea.Cmd]() {
		return v.Convert(reflect.TypeFor[[]tea.Cmd]()).Interface().([]tea.Cmd)
	}
	return nil
}

// keys presses keys by name: "j", "enter", "ctrl+d"; "type:…" types text.
func (d *driver) keys(names ...string) {
	d.t.Helper()
	for _, n := range names {
		if text, ok := cutPrefix(n, "type:"); ok {
			for _, r := range text {
				d.send(tea.KeyPressMsg{Code: r, Text: string(r)})
			}
			continue
		}
		d.send(press(n))
	}
}

func cutPrefix(s, p string) (string, bool) {
	if len(s) > len(p) && s[:len(p)] == p {
		return s[len(p):], true
	}
	return "", false
}

var special = map[string]rune{
	"enter": tea.KeyEnter, "esc": tea.KeyEscape, "tab": tea.KeyTab, "up": tea.KeyUp, "down": tea.KeyDown,
	"left": tea.KeyLeft, "right": tea.KeyRight, "home": tea.KeyHome, "end": tea.KeyEnd, "pgup": tea.KeyPgUp,
	"pgdown": tea.KeyPgDown, "backspace": tea.KeyBackspace, "f1": tea.KeyF1,
}

// press is the message of a key.
func press(name string) tea.KeyPressMsg {
	if c, ok := cutPrefix(name, "ctrl+"); ok {
		return tea.KeyPressMsg{Code: rune(c[0]), Mod: tea.ModCtrl}
	}
	if c, ok := cutPrefix(name, "shift+"); ok {
		return tea.KeyPressMsg{Code: special[c], Mod: tea.ModShift}
	}
	if c, ok := special[name]; ok {
		return tea.KeyPressMsg{Code: c}
	}
	if name == "space" {
		name = " "
	}
	return tea.KeyPressMsg{Code: []rune(name)[0], Text: name}
}

// screen is what is shown, as text.
func (d *driver) screen() string { return d.app.block().Text() }
