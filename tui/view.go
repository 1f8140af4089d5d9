package tui

import (
	"fmt"

	tea "charm.land/bubbletea/v2"

	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/tui/internal/action"
	"github.com/stagescope/stagescope/tui/internal/look"
)

// The smallest terminal that can show anything of use.
const minWidth, minHeight = 20, 5

// View draws the whole terminal.
func (a *app) View() tea.View {
	v := tea.NewView(a.block().Render(a.theme))
	v.AltScreen = true
	v.WindowTitle = "stagescope"
	if a.mouse {
		v.MouseMode = tea.MouseModeCellMotion
	}
	if n := a.runs.active(); n > 0 {
		v.WindowTitle = fmt.Sprintf("stagescope (%d running)", n)
		v.ProgressBar = tea.NewProgressBar(tea.ProgressBarIndeterminate, 0)
	}
	return v
}

func (a *app) block() look.Block {
	if a.w == 0 || a.h == 0 {
		return nil
	}
	if a.w < minWidth || a.h < minHeight {
		return look.Wrap(look.Warn, "terminal too small", a.w).Size(a.w, a.h)
	}
	rows := a.h - a.headHeight() - a.storyHeight() - 1
	out := look.Block{a.header()}
	if a.cfg.Banner != "" {
		out = append(out, look.T(look.BadgeBad, look.Left(" ! "+safe.Text(a.cfg.Banner), a.w)))
	}
	out = append(out, a.top().draw(a.w, rows).Size(a.w, rows)...)
	if a.storyHeight() > 0 {
		out = append(out, a.drawStory()...)
	}
	out = append(out, a.footer())
	if a.menu != nil {
		top, x, y := a.menu.draw(a.w, a.h)
		out = out.Over(top, x, y, a.w)
	}
	return out
}

// headHeight is the number of rows above the screen.
func (a *app) headHeight() int {
	if a.cfg.Banner != "" {
		return 2
	}
	return 1
}

// header is the way to the present screen, and its counts.
func (a *app) header() look.Line {
	name := " stagescope "
	if a.w < 60 {
		name = " "
	}
	line := look.T(look.Accent, name)
	tree := a.cfg.Chain.Name
	if a.cfg.Chain.Release != "" {
		tree += " " + a.cfg.Chain.Release
	}
	crumbs := []string{safe.Text(tree)}
	for _, s := range a.stack[1:] {
		crumbs = append(crumbs, s.crumb())
	}
	room := a.w - line.Width() - 1
	last := look.Width(crumbs[len(crumbs)-1])
	var counts look.Line
	for _, c := range a.top().counts() {
		if counts.Width()+c.Width()+2+last >= room {
			break // they come by weight: none is shown where a weightier one is not
		}
		counts = append(append(counts, c...), look.Span{Text: "  "})
	}
	room -= counts.Width()
	line = append(line, trail(crumbs, room)...)
	line = line.Fit(a.w - counts.Width())
	return append(line, counts...).Fit(a.w).On(look.GroundBar)
}

// trail joins crumbs and leaves out middle ones when there is no room.
func trail(crumbs []string, room int) look.Line {
	build := func(cs []string) look.Line {
		var l look.Line
		for i, c := range cs {
			if i > 0 {
				l = l.Add(look.Faint, " › ")
			}
			role := look.Muted
			if i == len(cs)-1 {
				role = look.Title
			}
			l = l.Add(role, c)
		}
		return l
	}
	l := build(crumbs)
	for len(crumbs) > 2 && l.Width() > room {
		if crumbs[1] == "…" {
			crumbs = append([]string{crumbs[0]}, crumbs[2:]...)
		}
		if len(crumbs) > 2 {
			crumbs = append([]string{crumbs[0], "…"}, crumbs[2:]...)
		}
		l = build(crumbs)
	}
	if l.Width() > room && len(crumbs) > 0 {
		return look.T(look.Title, look.Ellipsis(crumbs[len(crumbs)-1], max(0, room)))
	}
	return l
}

// footer is the line being typed, or a toast, or what can be done here.
func (a *app) footer() look.Line {
	if a.ask != nil {
		return a.ask.draw(a.w)
	}
	if a.toast.text != "" {
		role, sign := look.Good, " "
		if a.toast.bad {
			role, sign = look.Bad, " ! "
		}
		return look.T(role, sign+a.toast.text).Fit(a.w)
	}
	line := look.T(look.Plain, " ")
	for _, act := range append(hinted(a.top().actions()), hinted(a.actions())...) {
		more := look.T(look.Accent, action.KeyName(act.Keys[0])).Add(look.Muted, " "+act.Hint+"  ")
		if line.Width()+more.Width() > a.w {
			continue
		}
		line = append(line, more...)
	}
	return line.Fit(a.w)
}

func hinted(t action.Table) action.Table {
	var out action.Table
	for _, a := range t {
		if a.Hint != "" {
			out = append(out, a)
		}
	}
	return out
}

// plural is "1 rebuild is" or "3 rebuilds are".
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
