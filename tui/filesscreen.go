package tui

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/tui/internal/action"
	"github.com/stagescope/stagescope/tui/internal/list"
	"github.com/stagescope/stagescope/tui/internal/look"
	"github.com/stagescope/stagescope/tui/internal/prompt"
)

// filesScreen shows what is in an image, layer by layer and as a whole.
type filesScreen struct {
	app    *app
	ref    string
	image  Image
	err    error
	panes  panes
	layers *list.List
	files  *list.List
	file   *fileView

	layer   int // whose entries are shown
	asked   int // whose entries are on their way; noLayer for none
	entries []ImageEntry
	mark    string
	wanted  string // a path to open once it is there

	ctx    context.Context
	cancel context.CancelFunc
}

const noLayer = -2

// hexPane is the width of a pane that shows hex rows whole.
const hexPane = 80

var _ located = (*filesScreen)(nil)

func newFilesScreen(a *app, ref string) *filesScreen {
	s := &filesScreen{app: a, ref: ref, layer: noLayer, asked: noLayer}
	s.ctx, s.cancel = context.WithCancel(a.ctx)
	s.layers, s.files = list.New(layerRows{s}), list.New(entryRows{s})
	s.file = newFileView(a, s)
	s.panes.all = []*pane{
		{name: "Layers", list: s.layers},
		{name: "Files", list: s.files, title: s.filesTitle},
		{name: "Content", list: s.file.view.list, title: s.file.title},
	}
	s.panes.focus = 1
	return s
}

func (s *filesScreen) crumb() string  { return safe.Text(s.ref) }
func (s *filesScreen) layout() *panes { return &s.panes }

func (s *filesScreen) close() {
	s.cancel()
	s.file.close()
	if s.image != nil {
		s.image.Close()
	}
}

type imageOpened struct {
	image Image
	err   error
}

type entriesRead struct {
	layer   int
	entries []ImageEntry
	err     error
}

func (s *filesScreen) start() tea.Cmd {
	ctx, open, ref := s.ctx, s.app.cfg.OpenImage, s.ref
	return toScreen(s, func() tea.Msg {
		im, err := open(ctx, ref)
		return imageOpened{im, err}
	})
}

func (s *filesScreen) update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case imageOpened:
		s.image, s.err = msg.image, msg.err
		if s.err == nil {
			s.layers.SetRows(layerRows{s})
			return s.readLayer(Effective)
		}
	case entriesRead:
		if msg.layer != s.asked {
			return nil
		}
		s.layer, s.asked, s.err = msg.layer, noLayer, msg.err
		s.entries = msg.entries
		s.mark = ""
		s.files.Mark = ""
		s.files.SetRows(entryRows{s})
		s.files.Home()
		return s.openWanted()
	default:
		return s.file.update(msg)
	}
	return nil
}

// shows and goTo let a story open a file.
func (s *filesScreen) shows(a, b string) bool { return b == "" && s.ref == a }

func (s *filesScreen) goTo(path, _ string) tea.Cmd {
	s.wanted = strings.TrimPrefix(path, "/")
	return s.openWanted()
}

// openWanted opens the file that was asked for, if it is there by now.
func (s *filesScreen) openWanted() tea.Cmd {
	if s.wanted == "" {
		return nil
	}
	for i := range s.entries {
		if strings.TrimPrefix(s.entries[i].Path, "/") == s.wanted {
			s.wanted = ""
			s.files.Show(nil)
			s.files.MoveTo(i)
			s.panes.focus = 1
			return s.enter()
		}
	}
	return nil
}

func (s *filesScreen) readLayer(layer int) tea.Cmd {
	if s.image == nil || layer == s.layer && s.asked == noLayer {
		return nil
	}
	s.asked = layer
	ctx, im := s.ctx, s.image
	return toScreen(s, func() tea.Msg {
		e, err := im.Entries(ctx, layer)
		return entriesRead{layer, e, err}
	})
}

func (s *filesScreen) want() tea.Cmd { return s.file.view.want() }

func (s *filesScreen) filesTitle() look.Line {
	name := "of the whole image"
	if s.layer >= 0 {
		name = fmt.Sprintf("of layer %d", s.layer+1)
	}
	return look.T(look.Title, "Files").Add(look.Muted, " "+name)
}

func (s *filesScreen) counts() []look.Line {
	switch {
	case s.err != nil:
		return []look.Line{look.T(look.Bad, "! cannot be read")}
	case s.image == nil:
		return []look.Line{look.T(look.Busy, "opening…")}
	}
	return []look.Line{look.T(look.Muted, plural(len(s.image.Layers()), "layer", "layers")), look.T(look.Muted, short(s.image.Digest()))}
}

func (s *filesScreen) draw(w, h int) look.Block {
	p := s.panes.all
	p[0].weight, p[1].weight, p[2].weight = 0, 0, 0
	switch {
	case w >= 160:
		p[0].weight, p[1].weight, p[2].weight = 20, 38, 42
		if s.file.open && s.file.hex {
			rest := w - hexPane // a hex row is seen whole
			p[0].weight, p[1].weight, p[2].weight = rest/3, rest-rest/3, hexPane
		}
	case w >= 100:
		p[0].weight, p[1].weight = 30, 70
		if s.file.open {
			p[0].weight, p[1].weight, p[2].weight = 0, 42, 58
		}
	default:
		p[s.panes.focus].weight = 1
	}
	return s.panes.draw(w, h)
}

func (s *filesScreen) back() bool {
	switch {
	case s.file.view.clear():
	case s.panes.zoom:
		s.panes.zoom = false
	case s.files.Filtered():
		s.files.Mark = ""
		s.files.Show(nil)
	case s.panes.focus == 2:
		s.panes.focus = 1
		s.file.open = false
	default:
		return false
	}
	return true
}

func (s *filesScreen) actions() action.Table {
	t := action.Table{
		{Keys: []string{"enter", "l", "right"}, Name: "open the layer or the file", Group: "Go", Hint: "open", Run: s.enter},
		{Keys: []string{"/"}, Name: "filter files, or search the open one", Group: "Find", Hint: "filter", Run: do(s.askFind)},
		{Keys: []string{"n"}, Name: "next match in the file", Group: "Find", Run: func() tea.Cmd { return s.file.view.again(1) }},
		{Keys: []string{"N"}, Name: "previous match in the file", Group: "Find", Run: func() tea.Cmd { return s.file.view.again(-1) }},
		{Keys: []string{"v"}, Name: "show the file as text or as hex", Group: "Show", Hint: "text/hex", Run: s.file.toggle},
		{Keys: []string{"y"}, Name: "copy the path", Group: "Do", Run: s.copy},
	}
	return append(t, s.panes.moves()...)
}

func (s *filesScreen) selected() *ImageEntry {
	if i := s.files.Cursor(); i >= 0 && i < len(s.entries) {
		return &s.entries[i]
	}
	return nil
}

func (s *filesScreen) enter() tea.Cmd {
	if s.panes.focus == 0 {
		i := s.layers.Cursor()
		if i < 0 {
			return nil
		}
		s.panes.focus = 1
		return s.readLayer(i - 1)
	}
	e := s.selected()
	if e == nil || s.panes.focus == 2 {
		return nil
	}
	if !e.Mode.IsRegular() || e.Whiteout {
		return s.app.say("only a regular file has content")
	}
	s.panes.focus = 2
	im, layer, name := s.image, s.layer, e.Path
	return s.file.show(name, func(ctx context.Context) (readerAt, int64, error) { return im.Open(ctx, layer, name) })
}

func (s *filesScreen) askFind() {
	if s.panes.focus == 2 {
		s.file.view.ask()
		return
	}
	s.app.ask = &question{prompt: prompt.New("/", ""),
		changed: func(q string) tea.Cmd {
			m := list.Match(q)
			s.files.Mark = m.Needle()
			s.files.Show(m.Filter(len(s.entries), func(i int) string { return s.entries[i].Path }))
			return nil
		},
		dropped: func() tea.Cmd { s.files.Mark = ""; s.files.Show(nil); return nil },
		note:    s.files.Position,
	}
}

func (s *filesScreen) copy() tea.Cmd {
	if s.panes.focus == 0 && s.image != nil {
		if i := s.layers.Cursor(); i > 0 {
			return s.app.copyText("", string(s.image.Layers()[i-1].Digest))
		}
		return s.app.copyText("", string(s.image.Digest()))
	}
	if e := s.selected(); e != nil {
		return s.app.copyText("", e.Path)
	}
	return nil
}

type layerRows struct{ s *filesScreen }

func (r layerRows) Len() int {
	if r.s.image == nil {
		return 1
	}
	return len(r.s.image.Layers()) + 1
}

func (r layerRows) Row(i, _ int) look.Line {
	switch {
	case r.s.err != nil && r.s.image == nil:
		return look.T(look.Bad, "! "+safe.Text(withHintText(r.s.err)))
	case r.s.image == nil:
		return look.T(look.Faint, "opening…")
	case i == 0:
		return look.T(look.Plain, "whole image")
	}
	l := r.s.image.Layers()[i-1]
	return look.T(look.Faint, fmt.Sprintf("%3d ", i)).Add(look.Plain, look.Right(size(l.Size), 9)+" ").
		Add(look.Muted, short(l.Digest)).Add(look.Faint, "  "+safe.Text(l.CreatedBy))
}

type entryRows struct{ s *filesScreen }

func (r entryRows) Len() int {
	if r.s.err != nil {
		return 1
	}
	return len(r.s.entries)
}

func (r entryRows) Row(i, width int) look.Line {
	if r.s.err != nil {
		return look.T(look.Bad, "! "+safe.Text(withHintText(r.s.err)))
	}
	e := r.s.entries[i]
	var l look.Line
	if width >= 50 {
		l = l.Add(look.Faint, look.Left(listMode(e.Mode), 11))
	}
	if width >= 70 {
		l = l.Add(look.Faint, look.Left(fmt.Sprintf("%d:%d", e.UID, e.GID), 8))
	}
	sz := ""
	if e.Mode.IsRegular() {
		sz = size(e.Size)
	}
	l = l.Add(look.Muted, look.Right(sz, 9)+" ")
	dir, base := path.Split(strings.TrimSuffix(e.Path, "/"))
	role := look.Plain
	switch {
	case e.Whiteout:
		return l.Add(look.Bad, "- "+safe.Text(e.Path)).Add(look.Faint, " removed")
	case e.Mode.IsDir():
		role, base = look.Accent, base+"/"
	case e.Mode&fs.ModeSymlink != 0:
		role = look.Variable
	}
	l = l.Add(look.Faint, safe.Text(dir)).Add(role, safe.Text(base))
	if e.Link != "" {
		l = l.Add(look.Faint, " → "+safe.Text(e.Link))
	}
	return l
}

// listMode is a mode as ls writes it.
func listMode(m fs.FileMode) string {
	kind := byte('-')
	switch {
	case m.IsDir():
		kind = 'd'
	case m&fs.ModeSymlink != 0:
		kind = 'l'
	case m&fs.ModeNamedPipe != 0:
		kind = 'p'
	case m&fs.ModeCharDevice != 0:
		kind = 'c'
	case m&fs.ModeDevice != 0:
		kind = 'b'
	}
	b := append([]byte{kind}, m.Perm().String()[1:]...)
	for _, s := range []struct {
		bit   fs.FileMode
		at    int
		lower byte
	}{{fs.ModeSetuid, 3, 's'}, {fs.ModeSetgid, 6, 's'}, {fs.ModeSticky, 9, 't'}} {
		switch {
		case m&s.bit == 0:
		case b[s.at] == 'x':
			b[s.at] = s.lower
		default:
			b[s.at] = s.lower - 'a' + 'A'
		}
	}
	return string(b)
}

// size is a number of bytes as people read it.
func size(n int64) string {
	switch {
	case n < 0:
		return "?"
	case n < 10_000:
		return fmt.Sprintf("%d B", n)
	case n < 10<<20:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	case n < 10<<30:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
}
