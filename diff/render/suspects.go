package render

import (
	"cmp"
	"slices"
	"strings"

	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/diff"
)

// Suspect is a file that has suspicions, with all of them.
type Suspect struct {
	Path     string      `json:"path"` // names from the root down, joined by " / "
	Findings int         `json:"findings"`
	Kinds    []KindTally `json:"kinds"` // heaviest first
	Bytes    int64       `json:"bytes"` // that nothing explains, of the nodes with suspicions

	node  *diff.Node
	found []Finding // kind by kind as Kinds has them, worst first
}

// KindTally counts a file's suspicions of one kind.
type KindTally struct {
	Kind     diff.SuspicionKind `json:"kind"` // "" for what a cause alone calls suspicious
	Findings int                `json:"findings"`
	Telling  int                `json:"telling,omitempty"` // of these, how many reach for what an attack needs
}

// Node is the file.
func (s Suspect) Node() *diff.Node { return s.node }

// Found gives the file's suspicions, kind by kind, heaviest first.
func (s Suspect) Found() []Finding { return s.found }

// weight is that of diff.Suspicion; what a cause alone calls suspicious is as heavy
// as the lightest kind.
func (f Finding) weight() int {
	return diff.Suspicion{Kind: f.Kind, Telling: f.Telling}.Weight()
}

// suspects groups findings, which are sorted worst first, by file, and sorts the
// files: first the one with the heaviest kind of suspicion; where two have the same,
// the one with the heavier second kind, and so on; then the one with more.
func suspects(fs []Finding) []Suspect {
	by := map[*diff.Node]int{}
	out := []Suspect{}
	for _, f := range fs {
		k, ok := by[f.file]
		if !ok {
			k = len(out)
			by[f.file] = k
			out = append(out, Suspect{Path: f.File, node: f.file})
		}
		out[k].found = append(out[k].found, f)
	}
	weights := make(map[*diff.Node][]int, len(out))
	for i := range out {
		s := &out[i]
		weights[s.node] = s.tally()
	}
	slices.SortStableFunc(out, func(a, b Suspect) int {
		return cmp.Or(slices.Compare(weights[b.node], weights[a.node]), cmp.Compare(b.Findings, a.Findings), cmp.Compare(b.Bytes, a.Bytes))
	})
	return out
}

// tally counts a file's findings and puts those of one kind together. It gives the
// weights that occur, heaviest first.
func (s *Suspect) tally() (weights []int) {
	s.Findings = len(s.found)
	at := map[diff.SuspicionKind]int{}
	seen := map[*diff.Node]bool{}
	for _, f := range s.found {
		k, ok := at[f.Kind]
		if !ok {
			k = len(s.Kinds)
			at[f.Kind] = k
			s.Kinds = append(s.Kinds, KindTally{Kind: f.Kind})
		}
		s.Kinds[k].Findings++
		if f.Telling {
			s.Kinds[k].Telling++
		}
		if !seen[f.node] {
			seen[f.node] = true
			s.Bytes += f.Bytes
		}
		if w := f.weight(); len(weights) == 0 || weights[len(weights)-1] != w {
			weights = append(weights, w)
		}
	}
	slices.SortStableFunc(s.found, func(a, b Finding) int { return cmp.Compare(at[a.Kind], at[b.Kind]) })
	return weights
}

// Bounds of what a summary shows of suspicions. Whatever it does not show is counted
// at its place.
const (
	detailed   = 12 // files with lines of their own; the others have one line
	mostHeavy  = 12 // findings of a kind that are heavy or telling
	mostMiddle = 3  // such as new functions
)

// most is how many findings of a kind are shown: those that are telling, which come
// first, and some of the others.
func (k KindTally) most() int {
	switch w := k.Kind.Weight(); {
	case w >= 8:
		return mostHeavy
	case w >= 6:
		return min(k.Telling, mostHeavy) + mostMiddle
	}
	return max(1, min(k.Telling, mostHeavy))
}

// kindShown are the findings of one kind of a file: those that are shown, and how
// many are not.
type kindShown struct {
	kind  diff.SuspicionKind
	shown []Finding
	left  int
}

// show chooses what is shown of a file: all, or the worst of each kind.
func (s Suspect) show(all bool) (out []kindShown, left int) {
	at := 0
	for _, k := range s.Kinds {
		fs := s.found[at : at+k.Findings]
		at += k.Findings
		n := len(fs)
		if most := k.most(); !all && n > most+1 { // one line more says as much as its count
			n = most
		}
		out = append(out, kindShown{k.Kind, fs[:n], len(fs) - n})
		left += len(fs) - n
	}
	return out, left
}

// kinds says in a few words what a file has.
func (s Suspect) kinds() string {
	var out []string
	for _, k := range s.Kinds {
		out = append(out, number(k.Findings)+" "+cmp.Or(string(k.Kind), "by their cause"))
	}
	return strings.Join(out, ", ")
}

// Others counts a file's findings but the worst, by kind.
func (s Suspect) Others() string {
	rest := Suspect{}
	for i, k := range s.Kinds {
		if i == 0 {
			k.Findings--
		}
		if k.Findings > 0 {
			rest.Kinds = append(rest.Kinds, k)
		}
	}
	return rest.kinds() + " more"
}

// Said is what a finding says, with its kind and the part of the file it is in, not
// escaped.
func (f Finding) Said() string { return f.said(false) }

// said is Said, cut only where not all is asked for.
func (f Finding) said(all bool) string {
	var lead []string
	if f.Kind != "" {
		lead = append(lead, string(f.Kind))
	}
	if part := f.part(); part != "" {
		lead = append(lead, "in "+part)
	}
	if len(lead) == 0 {
		return f.What
	}
	what := f.What
	if !all {
		what = cut(what)
	}
	return strings.Join(lead, ", ") + ": " + what
}

// part is where in its file a finding is; "" when it is about the whole.
func (f Finding) part() string {
	if f.file == nil || f.node == f.file {
		return ""
	}
	return strings.TrimPrefix(f.Path, f.File+" / ")
}

// whole reports whether all of a file's findings are asked for.
func (o Options) whole(s Suspect) bool {
	if o.Full {
		return true
	}
	return len(o.Only) > 0 && (o.wanted(s.node) || slices.ContainsFunc(s.found, func(f Finding) bool { return o.wanted(f.node) }))
}

// maxPattern bounds a pattern that is printed to be given again.
const maxPattern = 240

// flag is what shows all of a file: safe to be pasted into a shell, whatever the
// file is called. What could mean something to a shell, to a glob or to a list of
// flags is a question mark, which stands for any one character.
func (s Suspect) flag(root *diff.Node) string {
	name := strings.Trim(s.node.Name, "/")
	if s.node == root || name == "" || len(name) > maxPattern {
		return "--full"
	}
	quote := false
	pattern := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("._/+@%:=-", r):
			return r
		}
		quote = true
		return '?'
	}, name)
	if quote {
		pattern = "'" + pattern + "'"
	}
	return "--only " + pattern
}

// suspicious are the lines of a summary that say which files are suspicious, and
// why. The first line of a file is about the whole of it; lines below are findings.
type suspiciousLine struct {
	file  *Suspect // of a file's first line; nil for those below it
	kind  string   // of a line below: what it is about, not escaped
	where string
	text  string // not escaped
	flag  string // what shows the rest; "" when all is there
	all   bool   // the text is not cut either
	f     *Finding
}

// suspiciousLines give each file with suspicions its line, and to the worst files
// lines for their worst findings.
func (o Options) suspiciousLines(root *diff.Node, files []Suspect, few int) (out []suspiciousLine) {
	for i := range files {
		s := &files[i]
		all := o.whole(*s)
		kinds, left := s.show(all)
		if s.Findings == 1 {
			out = append(out, suspiciousLine{file: s, text: s.found[0].said(all), f: &s.found[0]})
			continue
		}
		if i >= few && !all {
			out = append(out, suspiciousLine{file: s, text: plural(s.Findings, "finding") + ": " + s.kinds() + "; the worst: " + s.found[0].Said(), flag: s.flag(root), f: &s.found[0]})
			continue
		}
		head := suspiciousLine{file: s, text: plural(s.Findings, "finding")}
		if left > 0 {
			head.flag = s.flag(root)
		}
		out = append(out, head)
		for _, k := range kinds {
			for j := range k.shown {
				f := &k.shown[j]
				out = append(out, suspiciousLine{kind: string(k.kind), where: f.part(), text: f.What, all: all, f: f})
			}
			if k.left > 0 {
				out = append(out, suspiciousLine{kind: string(k.kind), text: "and " + number(k.left) + " more"})
			}
		}
	}
	return out
}

// below is a line below a file's first, made safe.
func (l suspiciousLine) below() string {
	lead := safe.Line(cmp.Or(l.kind, "by its cause"))
	if l.where != "" {
		lead += ", in " + safe.Line(l.where)
	}
	text := l.text
	if !l.all {
		text = cut(text)
	}
	return lead + ": " + safe.Line(text)
}
