package tui

import (
	"bytes"
	"context"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/hinshun/vt10x"
)

// terminal is an emulated terminal that says when something was drawn.
type terminal struct {
	mu    sync.Mutex
	vt    vt10x.Terminal
	raw   bytes.Buffer
	drawn chan struct{}
}

func (t *terminal) Write(b []byte) (int, error) {
	t.mu.Lock()
	t.raw.Write(b)
	// Without a terminal driver in between nobody adds the carriage return that
	// the renderer counts on.
	_, err := t.vt.Write(bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n")))
	t.mu.Unlock()
	select {
	case t.drawn <- struct{}{}:
	default:
	}
	return len(b), err
}

func (t *terminal) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.vt.String()
}

// await waits until the terminal shows text.
func (t *terminal) await(tb testing.TB, text string) {
	tb.Helper()
	late := time.After(20 * time.Second)
	for !strings.Contains(t.text(), text) {
		select {
		case <-t.drawn:
		case <-late:
			tb.Fatalf("the terminal never showed %q:\n%s", text, t.text())
		}
	}
}

// onTerminal runs the workbench on an emulated terminal of w by h cells.
func onTerminal(t *testing.T, cfg Config, w, h int, environ ...string) (*terminal, io.Writer) {
	t.Helper()
	term := &terminal{vt: vt10x.New(vt10x.WithSize(w, h)), drawn: make(chan struct{}, 1)}
	in, keys := io.Pipe()
	ctx, cancel := context.WithCancel(context.Background())
	a := newApp(ctx, cfg)
	p := tea.NewProgram(a, tea.WithContext(ctx), tea.WithInput(in), tea.WithOutput(term), tea.WithWindowSize(w, h),
		tea.WithEnvironment(environ), tea.WithoutSignals())
	ended := make(chan error, 1)
	go func() {
		_, err := p.Run()
		ended <- err
	}()
	t.Cleanup(func() {
		cancel()
		keys.Close()
		<-ended
		a.cancel()
		a.runs.wait()
	})
	return term, keys
}

// TestTerminal holds what the renderer really writes, not what View returns.
func TestTerminal(t *testing.T) {
	term, keys := onTerminal(t, sampleConfig(newFakeBuilder()), 80, 24, "TERM=xterm-256color", "COLORTERM=truecolor")
	term.await(t, "bootstrap  2 stages")
	term.await(t, "enter open")
	for _, k := range []struct{ key, want string }{
		{"j", "> · ▸ stage1"},
		{"o", "│   1 stage1: make"},
		{"/gcc", "/gcc"},
		{"\r", "> · ▸ gcc"},
		{"\r", "› core-gcc"},
		{"\t", "FROM scratch AS build"},
	} {
		if _, err := io.WriteString(keys, k.key); err != nil {
			t.Fatal(err)
		}
		term.await(t, k.want)
	}
	term.mu.Lock()
	defer term.mu.Unlock()
	if !bytes.Contains(term.raw.Bytes(), []byte("\x1b[?1049h")) {
		t.Error("the workbench did not go to the alternate screen")
	}
}

func TestTerminalWithoutColour(t *testing.T) {
	for _, env := range [][]string{{"TERM=xterm-256color", "NO_COLOR=1"}, {"TERM=dumb"}} {
		term, _ := onTerminal(t, sampleConfig(newFakeBuilder()), 80, 24, env...)
		term.await(t, "enter open")
		term.mu.Lock()
		for _, seq := range []string{"\x1b[38;", "\x1b[48;", "\x1b[31m", ";38;", ";48;"} {
			if bytes.Contains(term.raw.Bytes(), []byte(seq)) {
				t.Errorf("%v: a colour is written: %q", env, seq)
			}
		}
		term.mu.Unlock()
		if !strings.Contains(term.text(), "> ") {
			t.Errorf("%v: the selected row has no sign", env)
		}
	}
}
