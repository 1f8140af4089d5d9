package tui

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/audit"
	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/tui/internal/look"
)

// standing is what is known of a stage; a rebuild that runs comes first.
func (a *app) standing(id string) Standing {
	if a.runs.running(id) {
		return running
	}
	return a.tally[id]
}

// aboutStage fills a sheet with what a person wants to know of a stage first.
func (a *app) aboutStage(sh *sheet, s *chain.Stage) {
	c := a.cfg.Chain
	if s.Description != "" {
		sh.para(look.Plain, s.Description)
		sh.gap()
	}
	f := a.standing(s.ID).face()
	sh.add(look.T(look.Muted, look.Left("bytes", labelWidth)).Add(f.role, f.sign+" "+f.word))
	a.aboutVerdict(sh, s)
	known, why := audit.Pins(s)
	sh.field("source", look.Plain, strings.TrimSuffix(known.String()+": "+why, ": "))
	if from := a.tainted[s.ID]; from != "" {
		sh.field("tainted", look.Warn, "^ rests on "+from+", which differs")
	}
	sh.field("broken", look.Bad, s.Broken)
	a.aboutClaims(sh, s)
	sh.field("depth", look.Plain, a.depthText(s))
	if down := len(c.Downstream(s.ID)); down > 0 {
		sh.field("carries", look.Plain, plural(down, "stage depends on it", "stages depend on it"))
	}
	if len(s.Steps) > 0 {
		sh.field("steps", look.Plain, fmt.Sprint(len(s.Steps)))
	}
	sh.field("platforms", look.Plain, strings.Join(s.Platforms, ", "))
	sh.field("target", look.Plain, s.Target)
	sh.field("license", look.Plain, s.License)
	sh.field("website", look.Plain, s.Website)
	sh.field("recipe", look.Plain, s.Containerfile)
	a.aboutFindings(sh, s)
	a.aboutLinks(sh, "Needs", c.Needs(s.ID), "nothing: the chain begins here")
	a.aboutSources(sh, s)
	a.aboutLinks(sh, "Used by", c.Dependents(s.ID), "no stage")
}

func (a *app) depthText(s *chain.Stage) string {
	d := a.cfg.Chain.Depth(s.ID)
	if d == 0 {
		return "0: a root of the chain"
	}
	return fmt.Sprintf("%d above %s", d, a.cfg.Chain.Path(s.ID)[0].ID)
}

func (a *app) aboutClaims(sh *sheet, s *chain.Stage) {
	if len(s.Published) == 0 {
		sh.field("digest", look.Warn, "the tree publishes none")
	}
	for _, p := range s.Published {
		sh.field("digest", look.Plain, string(p.Digest))
		where := p.Origin
		if p.Line > 0 {
			where = fmt.Sprintf("%s:%d", p.Origin, p.Line)
		}
		if where != "" {
			sh.field("", look.Muted, fmt.Sprintf("%s, says %s", p.Level, where))
		}
	}
	for _, m := range s.Exporter.MissingInputs {
		sh.field("missing", look.Warn, m)
	}
}

func (a *app) aboutFindings(sh *sheet, s *chain.Stage) {
	var mine []chain.Finding
	for _, f := range a.cfg.Chain.Findings {
		if f.Stage == s.ID {
			mine = append(mine, f)
		}
	}
	if len(mine) == 0 {
		return
	}
	sh.heading("Findings", fmt.Sprint(len(mine)))
	for _, f := range mine {
		role, sign := severityFace(f.Severity)
		for i, l := range look.Wrap(look.Plain, safe.Text(f.Text), max(10, sh.w-2)) {
			lead := "  "
			if i == 0 {
				lead = sign + " "
			}
			sh.add(append(look.T(role, lead), l...))
		}
		sh.add(look.T(look.Faint, "  "+safe.Text(f.Where())))
	}
}

func severityFace(s chain.Severity) (look.Role, string) {
	switch s {
	case chain.Fault:
		return look.Bad, "!"
	case chain.Warning:
		return look.Warn, "!"
	}
	return look.Muted, "i"
}

// aboutLinks lists stages that can be entered.
func (a *app) aboutLinks(sh *sheet, title string, stages []*chain.Stage, none string) {
	if len(stages) == 0 {
		sh.heading(title, none)
		return
	}
	sh.heading(title, fmt.Sprint(len(stages)))
	for _, s := range stages {
		f := a.standing(s.ID).face()
		l := look.T(f.role, f.sign+" ").Add(look.Accent, safe.Text(s.ID)).Add(look.Muted, " "+safe.Text(s.Version))
		r := sh.link(l, func() tea.Cmd { return a.push(newStageScreen(a, s, 0)) })
		r.copy = s.ID
	}
}

func (a *app) aboutSources(sh *sheet, s *chain.Stage) {
	if len(s.Sources) == 0 {
		return
	}
	sh.heading("Sources", fmt.Sprint(len(s.Sources)))
	for _, src := range s.Sources {
		sh.add(look.T(look.Plain, safe.Text(src.File)).Add(look.Faint, "  "+short(src.Digest))).copy = string(src.Digest)
		for _, m := range src.Mirrors {
			sh.add(look.T(look.Faint, "  "+safe.Text(m))).copy = m
		}
	}
}
