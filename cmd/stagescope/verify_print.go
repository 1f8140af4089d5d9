package main

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim"
	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/rebuild/evidence"
)

// Bounds of what is printed as text; --json prints all.
const (
	fewStages  = 4  // up to so many stages are printed in full
	maxSigners = 20 // keys
	maxUnknown = 20
	maxOf      = 8 // names in one line
	maxClaims  = 100
	maxSides   = 26
)

// printJudged prints a report for people.
func (a *app) printJudged(doc *judgedDocument, older *evidence.Report, f *verifyFlags) error {
	w := bufio.NewWriter(a.out)
	switch {
	case older != nil:
		printChanges(w, doc.Changes, older)
	case f.matrix:
		printMatrix(w, doc.Report)
	case !f.all && len(doc.Stages) <= fewStages:
		for i := range doc.Stages {
			printVerdict(w, &doc.Stages[i])
		}
	default:
		printVerdicts(w, doc.Report)
	}
	if older == nil {
		printDisputes(w, doc.Report)
	}
	printSigners(w, doc.Report)
	printUnknown(w, doc.Report, f.all || len(doc.Stages) > fewStages || f.matrix || older != nil)
	printSum(w, doc.Report)
	return w.Flush()
}

// linef prints one line of text that may come from anywhere.
func linef(w io.Writer, format string, args ...any) {
	fmt.Fprintln(w, strings.TrimRight(safe.Line(fmt.Sprintf(format, args...)), " "))
}

// row prints one row of a table.
func row(t io.Writer, cells ...string) {
	for i := range cells {
		cells[i] = safe.Text(cells[i])
	}
	fmt.Fprintln(t, strings.Join(cells, "\t"))
}

func printVerdict(w io.Writer, s *evidence.Stage) {
	v := &s.Verdict
	linef(w, "%s: %s (policy %s)", v.Stage, sentence(v), metText(v.Met))
	if n := len(v.Groups); n > maxSides {
		linef(w, "  %d outputs, of which the first %d (--json has all):", n, maxSides)
	}
	for i := range v.Groups[:min(len(v.Groups), maxSides)] {
		g := &v.Groups[i]
		l := v.Level
		if g.Output.At(l) == "" {
			l = g.Output.Level()
		}
		linef(w, "  %s  %s %s: %s", sideName(i), l, g.Output.At(l), groupText(g))
	}
	printList(w, "  lacks     ", v.Lacks)
	printList(w, "  tainted by", v.Taint)
	printList(w, "  through   ", v.From)
	printList(w, "  causes    ", v.Causes)
	for _, t := range v.Assumed {
		linef(w, "  assumed    %s", t)
	}
	for i := range v.Flags {
		linef(w, "  flag       %s: %s%s", v.Flags[i].Kind, v.Flags[i].Text, parties(v.Flags[i].Parties))
	}
	for _, q := range v.Question {
		linef(w, "  open       %s and %s: %s", q.A.At(q.A.Level()).Short(), q.B.At(q.B.Level()).Short(), q.Text)
	}
	if len(s.Claims) > 0 {
		linef(w, "  Claims (%d)", len(s.Claims))
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		for _, c := range s.Claims[:min(len(s.Claims), maxClaims)] {
			row(t, "    "+evidence.PartyOf(c), c.Kind.String(), stateText(c), saysText(c), cmp.Or(c.Verification.Reason, c.Origin))
		}
		_ = t.Flush() // its writer keeps the error
		if n := len(s.Claims) - maxClaims; n > 0 {
			linef(w, "    %d more (--json has all)", n)
		}
	}
	for _, n := range s.Notes {
		linef(w, "  note       %s", n)
	}
	for _, u := range s.Unknown {
		linef(w, "  unknown    %s: %s", u.Origin, u.Reason)
	}
	fmt.Fprintln(w)
}

// sentence begins with the status, where the verdict's own words do not.
func sentence(v *claim.Verdict) string {
	s := v.Sentence()
	if strings.HasPrefix(s, v.Status.String()) {
		return s
	}
	return v.Status.String() + ", " + s
}

func metText(met bool) string {
	if met {
		return "met"
	}
	return "not met"
}

func groupText(g *claim.Group) string {
	text := strings.Join(firstOf(g.Parties), ", ")
	if g.Persons > 0 {
		text += fmt.Sprintf("; %s on %s", count(g.Persons, "person"), count(g.Vendors, "CPU vendor"))
	}
	if g.Signers > 0 {
		text += fmt.Sprintf("; signed by %s", count(g.Signers, "person"))
	}
	if len(g.Beside) > 0 {
		text += "; at another level also " + strings.Join(firstOf(g.Beside), ", ")
	}
	if g.Accepted {
		text += "; the policy accepts this side"
	}
	return text
}

// firstOf bounds a list, and says how many it leaves out.
func firstOf(list []string) []string {
	if len(list) <= maxOf {
		return list
	}
	return append(slices.Clone(list[:maxOf]), fmt.Sprintf("%d more", len(list)-maxOf))
}

func parties(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return " (" + strings.Join(firstOf(list), ", ") + ")"
}

func printList(w io.Writer, name string, list []string) {
	if len(list) > 0 {
		linef(w, "%s %s", name, strings.Join(firstOf(list), ", "))
	}
}

// stateText is what is known of a claim: of a digest in the tree there is nothing
// to verify, and of bytes that were hashed nothing to believe.
func stateText(c *claim.Claim) string {
	if c.Verification.State == claim.Verified {
		switch c.Kind {
		case claim.KindTree:
			return "published"
		case claim.KindRegistry:
			return "hashed"
		case claim.KindOwn:
			return "built here"
		}
	}
	return c.Verification.State.String()
}

// saysText is what a claim says, in short.
func saysText(c *claim.Claim) string {
	if c.Failed() {
		return "failed in " + c.Failure.Phase
	}
	if c.Says != "" {
		return c.Says
	}
	l := c.Output.Level()
	if c.Output.Manifest != "" {
		l = chain.LevelManifest
	}
	if l == chain.LevelUnknown {
		return "nothing"
	}
	return l.String() + " " + c.Output.At(l).Short()
}

// sideName is A for the first side, then B and so on.
func sideName(i int) string {
	if i < 26 {
		return string(rune('A' + i))
	}
	return fmt.Sprintf("%c%d", 'A'+i%26, i/26)
}

func printVerdicts(w io.Writer, r *evidence.Report) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "STAGE\tSTATUS\tPOLICY\tPERSONS\tVENDORS\tSIGNERS\tUNVERIFIED\tUNKNOWN\tDIGEST\tNOTE")
	for i := range r.Stages {
		s := &r.Stages[i]
		v := &s.Verdict
		row(t, v.Stage, v.Status.String(), metText(v.Met), strconv.Itoa(v.Persons), strconv.Itoa(v.Vendors), strconv.Itoa(v.Signers), strconv.Itoa(v.Skipped),
			strconv.Itoa(len(s.Unknown)), cmp.Or(v.Output.At(v.Level).Short(), "-"), noteOf(v))
	}
	_ = t.Flush() // as above
	fmt.Fprintln(w)
}

// noteOf is the one thing that matters most beside a status.
func noteOf(v *claim.Verdict) string {
	switch {
	case len(v.Taint) > 0:
		return "from " + strings.Join(firstOf(v.Taint), ", ")
	case v.Own:
		return fmt.Sprintf("%d outputs", len(v.Groups))
	case len(v.Flags) > 0:
		return v.Flags[0].Text
	}
	return ""
}

// printMatrix prints who is on which side of which stage.
func printMatrix(w io.Writer, r *evidence.Report) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	head := []string{"STAGE", "STATUS", "POLICY"}
	for _, p := range r.Parties {
		head = append(head, clip(p, 24))
	}
	row(t, head...)
	for i := range r.Stages {
		s := &r.Stages[i]
		cells := []string{s.Verdict.Stage, s.Verdict.Status.String(), metText(s.Verdict.Met)}
		for _, p := range r.Parties {
			cells = append(cells, cell(s, p))
		}
		row(t, cells...)
	}
	_ = t.Flush() // as above
	fmt.Fprintln(w, "\nA: the side with most claims; B, C…: others; a small letter: at another level only; ?: not verified; !: refused; x: could not build it; -: says nothing")
	fmt.Fprintln(w)
}

// cell is what one party says of one stage.
func cell(s *evidence.Stage, party string) string {
	signs := ""
	add := func(sign string) {
		if !strings.Contains(signs, sign) {
			signs += sign
		}
	}
	for i := range s.Verdict.Groups {
		g := &s.Verdict.Groups[i]
		if slices.Contains(g.Parties, party) {
			add(sideName(i))
		} else if slices.Contains(g.Beside, party) {
			add(strings.ToLower(sideName(i)))
		}
	}
	for _, c := range s.Claims {
		switch {
		case evidence.PartyOf(c) != party:
		case c.Verification.State == claim.Refused:
			add("!")
		case c.Verification.State != claim.Verified:
			add("?")
		case c.Failed():
			add("x")
		}
	}
	return cmp.Or(signs, "-")
}

func printDisputes(w io.Writer, r *evidence.Report) {
	for _, f := range r.First {
		linef(w, "first divergence: %s; %s hang on it%s", f.Stage, count(len(f.Affected), "stage"), parties(f.Affected))
		for _, t := range f.Assumed {
			linef(w, "  assumed  %s", t)
		}
	}
	for i := range r.Next {
		linef(w, "next: %s", r.Next[i].Sentence())
	}
	if len(r.First)+len(r.Next) > 0 {
		fmt.Fprintln(w)
	}
}

func printSigners(w io.Writer, r *evidence.Report) {
	if len(r.Signers) == 0 {
		return
	}
	files := 0
	for _, s := range r.Signers {
		files += s.Files
	}
	linef(w, "Signatures read (%d, by %s)", files, count(len(r.Signers), "key"))
	for i, s := range r.Signers {
		if i == maxSigners {
			linef(w, "  %d more keys (--json has all)", len(r.Signers)-i)
			break
		}
		linef(w, "  signed by key %s%s: %d files, %d verified, %d not verified, %d refused", s.Key, parties(someOf(s.Party)), s.Files, s.Verified, s.Unverified, s.Refused)
	}
	fmt.Fprintln(w)
}

func someOf(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// printUnknown says what could not be read; of many stages, the first of each
// place.
func printUnknown(w io.Writer, r *evidence.Report, stagesToo bool) {
	n := 0
	say := func(where string, u evidence.Unknown) {
		if n++; n <= maxUnknown {
			linef(w, "unknown: %s%s: %s", where, u.Origin, u.Reason)
		}
	}
	for _, u := range r.Unknown {
		say("", u)
	}
	if stagesToo {
		for i := range r.Stages {
			for _, u := range r.Stages[i].Unknown {
				say(r.Stages[i].Verdict.Stage+", ", u)
			}
		}
	}
	if n > maxUnknown {
		linef(w, "unknown: %d more (--json has all)", n-maxUnknown)
	}
	for _, t := range r.Notes {
		linef(w, "note: %s", t)
	}
}

func printSum(w io.Writer, r *evidence.Report) {
	by := map[claim.Status]int{}
	met, unknown := 0, len(r.Unknown)
	for i := range r.Stages {
		v := &r.Stages[i].Verdict
		by[v.Status]++
		unknown += len(r.Stages[i].Unknown)
		if v.Met {
			met++
		}
	}
	var parts []string
	for s := claim.StatusNotChecked; s <= claim.Disputed; s++ {
		if by[s] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", by[s], s))
		}
	}
	linef(w, "%s: %s; policy %q met by %d", r.Chain, strings.Join(parts, ", "), r.Policy.Name, met)
	for _, t := range r.Never {
		linef(w, "nobody could meet policy %q: %s", r.Policy.Name, t)
	}
	if unknown > 0 {
		linef(w, "%d things could not be read: the verdicts are as good as what was", unknown)
	}
}

func printChanges(w io.Writer, changes []evidence.Change, older *evidence.Report) {
	linef(w, "since %s: %s", older.Time.Format("2006-01-02 15:04 MST"), count(len(changes), "change"))
	for _, c := range changes {
		mark := " "
		if c.Dissent {
			mark = "!"
		}
		linef(w, "%s %s: %s", mark, c.Stage, c.Text)
	}
	fmt.Fprintln(w)
}
