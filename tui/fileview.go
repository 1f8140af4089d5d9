package tui

import (
	"context"
	"fmt"

	tea "charm.land/bubbletea/v2"

	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/tui/internal/look"
	"github.com/stagescope/stagescope/tui/internal/pages"
)

type readerAt = diff.ReaderAtCloser

// fileView shows one file as text or as hex, of any size.
type fileView struct {
	app  *app
	own  screen
	view *pageView
	name string
	open bool
	hex  bool
	gen  int

	r      readerAt
	size   int64
	ctx    context.Context
	cancel context.CancelFunc
}

// fileOpened brings a file, and its lines when it is shown as text.
type fileOpened struct {
	gen  int
	r    readerAt
	size int64
	text *pages.Text // nil shows it as hex
	err  error
}

func newFileView(a *app, own screen) *fileView {
	f := &fileView{app: a, own: own, view: newPageView(a, own)}
	f.view.render = f.line
	return f
}

func (f *fileView) title() look.Line {
	if f.name == "" {
		return look.T(look.Title, "Content")
	}
	how := "text"
	if f.hex {
		how = "hex"
	}
	l := look.T(look.Title, safe.Text(f.name)).Add(look.Muted, " "+how)
	if f.r != nil {
		l = l.Add(look.Faint, " "+size(f.size))
	}
	return l
}

// show opens a file; what was open before is let go.
func (f *fileView) show(name string, open func(context.Context) (readerAt, int64, error)) tea.Cmd {
	f.close()
	f.gen++
	f.name, f.open = name, true
	f.ctx, f.cancel = context.WithCancel(f.app.ctx)
	ctx, gen := f.ctx, f.gen
	return toScreen(f.own, func() tea.Msg {
		r, n, err := open(ctx)
		if err != nil {
			return fileOpened{gen: gen, err: err}
		}
		head := make([]byte, min(n, 8<<10))
		if k, err := r.ReadAt(head, 0); k < len(head) {
			r.Close()
			return fileOpened{gen: gen, err: fmt.Errorf("reading %q: %w", name, err)}
		}
		m := fileOpened{gen: gen, r: r, size: n}
		if pages.IsText(head) {
			// A file that cannot be shown by line is shown as hex.
			m.text, _ = pages.IndexText(ctx, r, n)
		}
		return m
	})
}

// reindex finds the lines of a file that was opened as hex.
func (f *fileView) reindex() tea.Cmd {
	ctx, gen, r, n := f.ctx, f.gen, f.r, f.size
	return toScreen(f.own, func() tea.Msg {
		t, err := pages.IndexText(ctx, r, n)
		return fileOpened{gen, r, n, t, err}
	})
}

func (f *fileView) update(msg tea.Msg) tea.Cmd {
	m, ok := msg.(fileOpened)
	if !ok {
		f.view.update(msg)
		return nil
	}
	if m.gen != f.gen || !f.open {
		if m.r != nil && m.r != f.r {
			m.r.Close()
		}
		return nil
	}
	if m.err != nil {
		return f.app.complain(m.err)
	}
	f.r, f.size = m.r, m.size
	f.hex = m.text == nil
	if f.hex {
		h := pages.Hex{R: m.r, Size: m.size}
		f.view.open(f.ctx, h, h.Len())
		return nil
	}
	f.view.open(f.ctx, m.text, m.text.Len())
	return nil
}

// toggle changes between text and hex.
func (f *fileView) toggle() tea.Cmd {
	if f.r == nil {
		return f.app.say("no file is open")
	}
	if f.hex {
		return f.reindex()
	}
	f.hex = true
	h := pages.Hex{R: f.r, Size: f.size}
	f.view.open(f.ctx, h, h.Len())
	return nil
}

func (f *fileView) line(i int, text string) look.Line {
	if !f.hex {
		return look.T(look.Faint, fmt.Sprintf("%5d ", i+1)).Add(look.Plain, safe.Line(text))
	}
	return hexLine(text)
}

// hexLine colours a row of pages.HexRow.
func hexLine(text string) look.Line {
	if len(text) < pages.TextCell(0) {
		return look.T(look.Plain, safe.Text(text))
	}
	return look.T(look.Faint, text[:10]).Add(look.Plain, text[10:pages.TextCell(0)]).Add(look.Muted, text[pages.TextCell(0):])
}

// close lets the open file go. Commands that still read it end with an error.
func (f *fileView) close() {
	if f.cancel != nil {
		f.cancel()
	}
	if f.r != nil {
		f.r.Close()
	}
	f.r, f.open, f.name = nil, false, ""
	f.view.open(f.app.ctx, pages.Hex{}, 0)
}
