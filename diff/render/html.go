package render

import (
	"bufio"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html"
	"io"
	"strings"

	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/diff"
)

//go:embed report.css
var reportCSS string

//go:embed report.js
var reportJS string

// HTML writes one file that needs nothing else and asks for nothing: a tree that
// folds, with a search. All content is in it; long content lies in pages that
// are opened one by one, so that nothing is cut off. Without scripts everything
// but the search works.
func HTML(w io.Writer, root *diff.Node, o Options) error {
	full := o
	full.Full = true
	h := &htmlWriter{w: bufio.NewWriter(w), o: full}
	h.head()
	h.summary(root)
	if !o.Stat {
		h.put(`<div id="tree">`)
		h.node(root, true)
		h.put(`</div>`)
	}
	h.put("<script>" + reportJS + "</script></body></html>\n")
	return h.w.Flush()
}

type htmlWriter struct {
	w *bufio.Writer
	o Options
}

func (h *htmlWriter) put(s string) { h.w.WriteString(s) }

// text is hostile text made safe twice: for a terminal that prints the source,
// and for a browser.
func (h *htmlWriter) text(s string) string { return html.EscapeString(safe.Line(s)) }

func hashSource(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// head forbids everything but the one style and the one script in the file.
func (h *htmlWriter) head() {
	h.put(`<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">`)
	h.put(`<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src ` + hashSource(reportCSS) + `; script-src ` + hashSource(reportJS) + `; base-uri 'none'; form-action 'none'">`)
	h.put(`<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">`)
	h.put(`<title>` + h.text(h.o.A) + ` and ` + h.text(h.o.B) + `</title><style>` + reportCSS + `</style></head><body>`)
}

func (h *htmlWriter) summary(root *diff.Node) {
	s := Summarize(root, h.o.Complete)
	h.put(`<header><h1 class="s` + statusClass(s.Status) + `">` + h.text(verdict(s)) + `</h1><dl>`)
	for i, side := range []*diff.Side{root.A, root.B} {
		h.put(`<dt>` + "AB"[i:i+1] + `</dt><dd>` + h.text(name([]string{h.o.A, h.o.B}[i], side)) + `</dd>`)
	}
	h.put(`</dl>`)
	if root.Note != "" {
		h.put(`<p class="note">` + h.text(root.Note) + `</p>`)
	}
	if s.Differing > 0 {
		h.put(`<p>` + h.text(tallies(s)) + `.</p>`)
	}
	if len(s.Causes) > 0 {
		h.put(`<table><tr><th>cause</th><th>entries</th><th>what</th><th>how sure</th><th>remedy</th></tr>`)
		for _, c := range s.Causes {
			h.put(fmt.Sprintf(`<tr><td>%s</td><td>%d</td><td>%s</td><td>%s</td><td>%s</td></tr>`, h.text(c.ID), c.Entries, h.text(c.Name), c.Confidence, h.text(c.Fix)))
		}
		h.put(`</table>`)
	}
	h.findings("Suspicious, look here first", s.Suspicious)
	h.findings("Not explained, worst first", s.Unexplained)
	h.findings("Not read, so that nothing is known of it", s.Unread)
	h.put(`<p class="tools"><label>Search <input id="q" type="search"></label> <label><input id="u" type="checkbox"> unexplained only</label> <span id="n"></span></p></header>`)
}

func (h *htmlWriter) findings(title string, fs []Finding) {
	if len(fs) == 0 {
		return
	}
	open := ""
	if len(fs) <= maxFindings {
		open = " open"
	}
	h.put(fmt.Sprintf(`<details%s><summary>%s (%d)</summary><ul>`, open, title, len(fs)))
	for _, f := range fs {
		h.put(`<li><code>` + h.text(f.Path) + `</code>: ` + h.text(f.said()) + `</li>`)
	}
	h.put(`</ul></details>`)
}

func statusClass(s diff.Status) string {
	return strings.ReplaceAll(s.String(), " ", "-")
}

// node writes a node as something that folds. Groups and what only contains
// others begin closed when they are long.
func (h *htmlWriter) node(n *diff.Node, open bool) {
	if !h.o.within(n) {
		return
	}
	attr := ""
	if open && n.Kind != diff.KindGroup && n.Status != diff.Same {
		attr = " open"
	}
	class := "node s" + statusClass(n.Status)
	if n.Residue != diff.ResidueNone {
		class += " unexplained"
	}
	h.put(`<details class="` + class + `"` + attr + `><summary>` + marks[n.Status] + ` <b>` + h.text(n.Name) + `</b> <i>` + h.text(string(n.Kind)) + `</i>`)
	if n.Status != diff.Differs && n.Status != diff.Same {
		h.put(" " + h.text(n.Status.String()))
	}
	h.put(`<small>` + h.text(sizes(n)) + `</small></summary>`)
	h.reasons(n)
	if h.o.wanted(n) {
		h.pages(h.o.lines(n))
	}
	hidden := 0
	for _, c := range n.Children {
		if !h.o.within(c) {
			hidden++
			continue
		}
		h.node(c, len(n.Children) <= 200)
	}
	if hidden > 0 {
		h.put(fmt.Sprintf(`<p>%d left out by --only</p>`, hidden))
	}
	if n.Equal > 0 {
		h.put(fmt.Sprintf(`<p>= %d equal</p>`, n.Equal))
	}
	h.put("</details>\n")
}

func (h *htmlWriter) reasons(n *diff.Node) {
	for _, s := range n.Suspicions {
		h.put(`<p class="suspicious"><strong>suspicious, ` + h.text(string(s.Kind)) + `</strong>: ` + h.text(s.What) + `</p>`)
	}
	if len(n.Reasons) > 0 {
		h.put(`<table class="reasons">`)
		for _, r := range n.Reasons {
			h.put(`<tr><th>` + h.text(r.Field) + `</th><td class="a">` + h.text(r.A) + `</td><td class="b">` + h.text(r.B) + `</td><td>`)
			if c := r.Cause; c != nil {
				h.put(h.text(c.ID+" "+c.Name) + `, ` + c.Confidence.String())
				if c.Evidence != "" {
					h.put(`<br><small>` + h.text(c.Evidence) + `</small>`)
				}
			}
			h.put(`</td></tr>`)
		}
		h.put(`</table>`)
	}
	if n.Note != "" {
		h.put(`<p class="note">` + h.text(n.Note) + `</p>`)
	}
}

// pageLines is how many lines a page of content has.
const pageLines = 400

// pages writes content, the first page open and the others behind their heads.
func (h *htmlWriter) pages(ls []contentLine) {
	for from := 0; from < len(ls); from += pageLines {
		to := min(from+pageLines, len(ls))
		if from > 0 {
			h.put(fmt.Sprintf(`<details class="page"><summary>lines %d to %d of %d</summary>`, from+1, to, len(ls)))
		}
		h.put(`<pre>`)
		for _, l := range ls[from:to] {
			class := map[lineKind]string{lineA: "a", lineB: "b", lineNote: "h"}[l.kind]
			if class == "" {
				h.put(html.EscapeString(l.text) + "\n")
			} else {
				h.put(`<span class="` + class + `">` + html.EscapeString(l.text) + "</span>\n")
			}
		}
		h.put(`</pre>`)
		if from > 0 {
			h.put(`</details>`)
		}
	}
}
