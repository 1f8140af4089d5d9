package tui

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim"
	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/tui/internal/look"
)

// aboutVerdict says what everyone's claims about a stage establish.
func (a *app) aboutVerdict(sh *sheet, s *chain.Stage) {
	v := a.verdict(s.ID)
	if v == nil {
		return
	}
	f := verdictFace(v)
	sh.field("claims", f.role, f.sign+" "+v.Sentence())
	for _, x := range v.Assumed {
		sh.field("assumed", look.Warn, x)
	}
	if n := len(a.judged.Unread[s.ID]) + len(a.judged.Unread[""]); n > 0 {
		sh.field("unknown", look.Warn, plural(n, "source", "sources")+" could not be read")
	}
}

// aboutEvidence lists the sides that claims take and every claim, for the screen
// of a stage.
func (a *app) aboutEvidence(sh *sheet, s *chain.Stage) {
	v := a.verdict(s.ID)
	if v == nil {
		sh.heading("Claims of others", "not gathered: V verifies")
		return
	}
	claims := a.judged.Claims[s.ID]
	sh.heading("Claims", fmt.Sprintf("%d, policy %s", len(claims), cmp.Or(safe.Text(a.judged.Policy), "default")))
	for _, l := range v.Lacks {
		sh.para(look.Warn, "the policy lacks "+l)
	}
	for i, g := range v.Groups {
		a.aboutGroup(sh, v, i, &g)
	}
	for _, fl := range v.Flags {
		sh.para(look.Warn, "! "+fl.Kind.String()+": "+fl.Text)
	}
	for _, c := range sortedClaims(claims) {
		a.aboutClaim(sh, s, v, c)
	}
	for _, u := range append(slices.Clone(a.judged.Unread[s.ID]), a.judged.Unread[""]...) {
		sh.para(look.Warn, "? unknown: "+u)
	}
}

// aboutGroup is one side: a digest and who stands for it.
func (a *app) aboutGroup(sh *sheet, v *claim.Verdict, i int, g *claim.Group) {
	l := look.T(sideRole(v, i), sideName(v, i)+" ").Add(look.Plain, short(g.Output.At(cmp.Or(v.Level, g.Output.Level()))))
	who := fmt.Sprintf("  %s, %s", plural(g.Persons, "person", "persons"), plural(g.Vendors, "CPU vendor", "CPU vendors"))
	if g.Signers > 0 {
		who += fmt.Sprintf(", %s", plural(g.Signers, "signer", "signers"))
	}
	sh.add(l.Add(look.Muted, who)).copy = string(g.Output.At(g.Output.Level()))
	if len(g.Parties) > 0 {
		sh.para(look.Muted, "  "+strings.Join(g.Parties, ", "))
	}
	if len(g.Beside) > 0 {
		sh.para(look.Faint, "  at another level only: "+strings.Join(g.Beside, ", "))
	}
}

// agreed says that there is one side and that more than one party is on it. A party
// alone agrees with nobody.
func agreed(v *claim.Verdict) bool { return len(v.Groups) == 1 && len(v.Groups[0].Parties) > 1 }

// sideName is how a side of a verdict is called: "=" when all agree on it.
func sideName(v *claim.Verdict, i int) string {
	if agreed(v) {
		return "="
	}
	if i < 26 {
		return string(rune('A' + i))
	}
	return "…"
}

func sideRole(v *claim.Verdict, i int) look.Role {
	switch {
	case agreed(v):
		return look.Good
	case len(v.Groups) == 1:
		return look.Plain
	case i == 0:
		return look.AddedA
	case i == 1:
		return look.AddedB
	}
	return look.Bad
}

// aboutClaim is one claim: who, what sort, what digest, where it was built, and
// why it does not count where it does not.
func (a *app) aboutClaim(sh *sheet, s *chain.Stage, v *claim.Verdict, c *claim.Claim) {
	f := cellOf(v, c)
	l := look.T(f.role, f.sign+" ").Add(look.Plain, safe.Text(cmp.Or(c.Party, "unknown"))).Add(look.Muted, "  "+c.Kind.String())
	if c.Failed() {
		l = l.Add(look.Bad, "  failed at "+safe.Text(c.Failure.Phase))
	} else if level := c.Output.Level(); level != chain.LevelUnknown {
		l = l.Add(look.Faint, fmt.Sprintf("  %s %s", level, short(c.Output.At(level))))
	}
	if c.Environment.CPUVendor != "" {
		l = l.Add(look.Muted, "  "+safe.Text(c.Environment.CPUVendor))
	}
	row := sh.link(l, func() tea.Cmd { return a.compareClaim(s, c) })
	row.copy = string(c.Output.At(c.Output.Level()))
	if c.Says != "" {
		sh.para(look.Muted, "  "+c.Says)
	}
	note := safe.Text(c.Origin)
	if c.Verification.State != claim.Verified {
		note += ": " + c.Verification.State.String()
		if c.Verification.Reason != "" {
			note += ", " + safe.Text(c.Verification.Reason)
		}
	}
	sh.para(look.Faint, "  "+note)
	if c.Legacy != "" {
		sh.para(look.Warn, "  "+c.Legacy)
	}
}

// compareClaim compares a claimed image, where it can be had, with the stage's
// own newest rebuild.
func (a *app) compareClaim(s *chain.Stage, c *claim.Claim) tea.Cmd {
	if c.Failed() || c.Output.Manifest == "" {
		return a.say("this claim names no image that could be compared")
	}
	if a.cfg.ClaimImage == nil || a.cfg.Compare == nil {
		return a.say("this program cannot open what was claimed here")
	}
	ref := a.cfg.ClaimImage(c)
	if ref == "" {
		return a.say("the claimed image is not here: only its digest is known")
	}
	return a.push(newCompareScreen(a, ref, "stage:"+s.ID))
}

// cellOf is the sign of one claim beside a verdict.
func cellOf(v *claim.Verdict, c *claim.Claim) face {
	switch c.Verification.State {
	case claim.Refused:
		return face{"x", look.Bad, "refused"}
	case claim.Unverified:
		return face{"?", look.Warn, "not verified"}
	case claim.NotChecked:
		return face{"·", look.Muted, "not checked"}
	}
	if c.Failed() {
		return face{"!", look.Bad, "could not build it"}
	}
	if c.Kind == claim.KindAttestation {
		return face{"i", look.Muted, "says who built it"}
	}
	level := cmp.Or(v.Level, c.Output.Level())
	for i, g := range v.Groups {
		switch {
		case c.Output.At(level) != "" && c.Output.At(level) == g.Output.At(level):
			return face{sideName(v, i), sideRole(v, i), "stands for side " + sideName(v, i)}
		case slices.Contains(g.Beside, c.Party) && c.Party != "":
			return face{"≈", look.Muted, "agrees at another level"}
		}
	}
	return face{"◦", look.Muted, "does not count"}
}

// kindRank puts rebuilds first, then what is only said or served.
var kindRank = map[claim.Kind]int{claim.KindOwn: 0, claim.KindRebuild: 1, claim.KindPGP: 2, claim.KindTree: 3, claim.KindRegistry: 4, claim.KindAttestation: 5, claim.KindUnknown: 6}

// sortedClaims puts the weightiest first.
func sortedClaims(list []*claim.Claim) []*claim.Claim {
	out := slices.Clone(list)
	slices.SortStableFunc(out, func(a, b *claim.Claim) int {
		return cmp.Or(cmp.Compare(kindRank[a.Kind], kindRank[b.Kind]), cmp.Compare(a.Party, b.Party), cmp.Compare(a.Origin, b.Origin))
	})
	return out
}
