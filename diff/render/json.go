package render

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"

	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/diff"
)

// SchemaVersion is the version of the fields beside diffoscope's. A consumer may
// rely on this: within a version fields are added, never changed or removed. The
// schema says of those that were added since when they are.
const SchemaVersion = 1

// document is a node as JSON. The first fields are those of diffoscope's JSON
// format 1, so that its consumers can read a report; the rest is ours.
type document struct {
	Version     *int     `json:"diffoscope-json-version,omitempty"` // of the outermost node only
	Source1     string   `json:"source1"`
	Source2     string   `json:"source2"`
	UnifiedDiff *string  `json:"unified_diff"` // null when there is none to show
	Comments    []string `json:"comments,omitempty"`

	Schema  *int     `json:"stagescope-schema-version,omitempty"` // of the outermost node only
	Summary *Summary `json:"summary,omitempty"`                   // of the outermost node only

	Kind         diff.Kind        `json:"kind"`
	Name         string           `json:"name"`
	Status       diff.Status      `json:"status"`
	A            *diff.Side       `json:"a"` // null on the side that has no counterpart
	B            *diff.Side       `json:"b"`
	Reasons      []reason         `json:"reasons"`
	RangesA      []diff.Range     `json:"rangesA,omitempty"` // differing bytes of the decoded content, paired with rangesB
	RangesB      []diff.Range     `json:"rangesB,omitempty"`
	Suspicions   []diff.Suspicion `json:"suspicions,omitempty"` // what a person must look at
	Suspicious   int              `json:"suspicious"`           // how many suspicions there are here and below
	Residue      diff.Residue     `json:"residue"`
	UnexplainedA []diff.Range     `json:"unexplainedA,omitempty"`
	UnexplainedB []diff.Range     `json:"unexplainedB,omitempty"`
	Note         string           `json:"note,omitempty"`
	Capped       bool             `json:"capped"` // a bound was hit here or below
	Equal        int              `json:"equal"`  // parts below that are equal and have no node
	Count        int              `json:"count,omitempty"`
	Listing      bool             `json:"listing,omitempty"`  // unified_diff compares descriptions, not bytes
	Expected     *expected        `json:"expected,omitempty"` // who permits it; it is a difference all the same
}

// expected is the entry of the file of --expect that covers a difference.
type expected struct {
	Reason string `json:"reason"`
	Owner  string `json:"owner"`
	Until  string `json:"until"` // the last day on which it counts
	Entry  int    `json:"entry"` // its number in the file, from 1
}

type reason struct {
	Field string      `json:"field"`
	A     string      `json:"a"`
	B     string      `json:"b"`
	Cause *diff.Cause `json:"cause,omitempty"`
}

// JSON writes the whole tree as one document. What diffoscope's consumers print
// (source1, source2, unified_diff, comments) is made safe to be shown; our own
// fields are as they were found, except for what is no UTF-8, and who shows them
// has to make them safe.
func JSON(w io.Writer, root *diff.Node, o Options) error {
	j := &jsonWriter{w: newReport(w, o), o: o}
	j.node(root, true)
	if j.err == nil {
		j.w.WriteByte('\n')
		j.err = j.w.Flush()
	}
	return j.err
}

type jsonWriter struct {
	w   *report
	o   Options
	err error
}

func (j *jsonWriter) node(n *diff.Node, outermost bool) {
	d := document{Kind: n.Kind, Name: n.Name, Status: n.Status, A: n.A, B: n.B, Reasons: []reason{}, Residue: n.Residue,
		Note: n.Note, Suspicions: n.Suspicions, Suspicious: n.Suspicious, Capped: n.Capped, Equal: n.Equal, Count: n.Count, Listing: n.Listing}
	d.RangesA, d.RangesB, d.UnexplainedA, d.UnexplainedB = n.RangesA, n.RangesB, n.UnexplainedA, n.UnexplainedB
	d.Source1, d.Source2 = source(n.A, n), source(n.B, n)
	if outermost {
		one, s := 1, j.o.summarize(n)
		version := SchemaVersion
		d.Version, d.Schema, d.Summary = &one, &version, &s
		d.Source1, d.Source2 = safe.Text(j.o.A), safe.Text(j.o.B)
	}
	if p := j.o.Expected.Of(n); p != nil {
		d.Expected = &expected{Reason: p.Reason, Owner: p.Owner, Until: p.LastDay(), Entry: p.Number}
	}
	for _, r := range n.Reasons {
		d.Reasons = append(d.Reasons, reason{r.Field, r.A, r.B, r.Cause})
		d.Comments = append(d.Comments, comment(r))
	}
	for _, s := range n.Suspicions {
		d.Comments = append(d.Comments, "suspicious, "+string(s.Kind)+": "+safe.Line(s.What))
	}
	if n.Note != "" {
		d.Comments = append(d.Comments, safe.Line(n.Note))
	}
	if j.o.wanted(n) && !j.o.Stat {
		if u := j.unified(n); u != "" {
			d.UnifiedDiff = &u
		}
	}
	p, err := json.Marshal(d)
	if err != nil {
		j.fail(err)
		return
	}
	j.write(bytes.TrimSuffix(p, []byte("}")))
	j.write([]byte(`,"details":[`))
	hidden, first, folded, was := 0, true, j.o.folded(n), j.o
	j.o = j.o.below(n)
	for _, c := range n.Children {
		if j.o.Stat || j.w.full() || folded || !j.o.within(c) {
			hidden++
			continue
		}
		if !first {
			j.write([]byte(","))
		}
		first = false
		j.node(c, false)
	}
	j.o = was
	j.write([]byte("]"))
	if hidden > 0 {
		p, err := json.Marshal(hidden)
		j.fail(err)
		j.write(append([]byte(`,"leftOut":`), p...))
	}
	j.write([]byte("}"))
}

func (j *jsonWriter) write(p []byte) {
	if j.err == nil {
		_, j.err = j.w.Write(p)
	}
}

func (j *jsonWriter) fail(err error) {
	if j.err == nil {
		j.err = err
	}
}

// unified is a content's difference as one text.
func (j *jsonWriter) unified(n *diff.Node) string {
	var b strings.Builder
	for l := range j.o.lines(n) {
		b.WriteString(l.text)
		b.WriteByte('\n')
	}
	return b.String()
}

// source is a side's name, safe to be shown: consumers print it as it is.
func source(s *diff.Side, n *diff.Node) string {
	if s == nil {
		return "/dev/null" // as diffoscope writes it
	}
	if s.Name != "" {
		return safe.Text(s.Name)
	}
	return safe.Text(n.Name)
}

// comment is a reason as one line.
func comment(r diff.Reason) string {
	out := safe.Line(r.Field)
	if r.A != "" || r.B != "" {
		out += ": " + safe.Line(r.A) + " → " + safe.Line(r.B)
	}
	if r.Cause != nil {
		out += " [" + safe.Line(r.Cause.ID+" "+r.Cause.Name) + ", " + r.Cause.Confidence.String() + "]"
	}
	return out
}
