package render

import (
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
// folds, with a search. Lists and texts are whole: what is long lies in pages
// that are opened one by one. Hex of a range ends after 64 KiB unless Full is
// set, and says so. Without scripts everything but the search works.
func HTML(w io.Writer, root *diff.Node, o Options) error {
	o.paged = true
	h := &htmlWriter{w: newReport(w, o), o: o}
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
	w *report
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
	s := h.o.summarize(root)
	h.put(`<header><h1 class="s` + statusClass(s.Status) + `">` + h.text(h.o.verdict(s)) + `</h1><dl>`)
	for i, side := range []*diff.Side{root.A, root.B} {
		h.put(`<dt>` + "AB"[i:i+1] + `</dt><dd>` + h.text(name([]string{h.o.A, h.o.B}[i], side)) + `</dd>`)
	}
	h.put(`</dl>`)
	if root.Note != "" {
		h.put(`<p class="note">` + h.text(root.Note) + `</p>`)
	}
	h.findings("Suspicious, look here first", s.Suspicious)
	if s.Differing > 0 {
		h.put(`<p>` + h.text(tallies(s)) + `.</p>`)
	}
	if len(s.Causes) > 0 {
		h.put(`<table><tr><th>cause</th><th>entries</th><th>what</th><th>how sure</th><th>remedy</th></tr>`)
		for _, c := range s.Causes {
			h.put(fmt.Sprintf(`<tr><td>%s</td><td>%s</td><td>%s</td><td>%s</td><td>%s</td></tr>`, h.text(c.ID), number(c.Entries), h.text(c.Name), c.Confidence, h.text(c.Fix)))
		}
		h.put(`</table>`)
	}
	for _, l := range h.o.permits() {
		h.put(`<p>` + h.text(l) + `</p>`)
	}
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
