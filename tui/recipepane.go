package tui

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/tui/internal/list"
	"github.com/stagescope/stagescope/tui/internal/look"
)

// recipePane shows one file of the tree. It reads in a command and remembers
// the files that were shown last.
type recipePane struct {
	app   *app
	list  *list.List
	path  string
	asked string
	known map[string]*recipe
	goTo  int // line to show once the file is there, 1-based; 0 for none
}

// keepRecipes bounds how many files are remembered.
const keepRecipes = 32

// recipeRead brings a file that was read.
type recipeRead struct{ recipe recipe }

func (p *recipePane) init(a *app) {
	p.app, p.known = a, map[string]*recipe{}
	p.list = list.New(recipeRows{})
	p.list.Plain = true
}

func (p *recipePane) title() look.Line {
	return look.T(look.Title, "Recipe").Add(look.Muted, " "+safe.Text(p.path))
}

// want shows path, and gives the command that reads it if need be.
func (p *recipePane) want(path string) tea.Cmd {
	if p.path != path {
		p.path = path
		p.show()
	}
	if p.known[path] != nil || p.asked == path {
		return nil
	}
	p.asked = path
	return p.app.cfg.After(recipeDelay, func(time.Time) tea.Msg { return recipeDue{path} })
}

// recipeDelay spares the files that a person only scrolls past.
const recipeDelay = 30 * time.Millisecond

type recipeDue struct{ path string }

func (p *recipePane) read(path string) tea.Cmd {
	if p.asked == path {
		p.asked = ""
	}
	if p.path != path || p.known[path] != nil {
		return nil
	}
	p.asked = path
	ctx, fsys := p.app.ctx, p.app.cfg.Chain.FS
	return func() tea.Msg { return recipeRead{readRecipe(ctx, fsys, path)} }
}

func (p *recipePane) show() {
	p.list.SetRows(recipeRows{p.known[p.path]})
	p.list.Home()
	if p.goTo > 0 && p.known[p.path] != nil {
		p.list.MoveTo(p.goTo - 1)
		p.list.Center()
		p.goTo = 0
	}
}

func (p *recipePane) update(msg tea.Msg) tea.Cmd {
	if due, ok := msg.(recipeDue); ok {
		return p.read(due.path)
	}
	m, ok := msg.(recipeRead)
	if !ok {
		return nil
	}
	if len(p.known) >= keepRecipes {
		clear(p.known)
	}
	p.known[m.recipe.path] = &m.recipe
	if p.asked == m.recipe.path {
		p.asked = ""
	}
	if p.path == m.recipe.path {
		p.show()
	}
	return nil
}
