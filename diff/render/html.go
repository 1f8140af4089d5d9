package render

import (
	_ "embed"
	"fmt"
	"html"
	"io"
	"strings"

	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/diff"
)

//go:embed report.css
var reportCSS string

//go:embed search.js
var searchJS string

//go:embed report.js
var ownJS string

// reportJS is the report's one script.
var reportJS = searchJS + ownJS

// HTML writes one file that needs nothing else and asks for nothing. It is
// whole: what is long lies in pages, and what is beyond a first part of about
// two megabytes is packed (DEFLATE in base64) and unpacked when its page is
// opened, or searched. So a browser holds of hundreds of megabytes only what is
// looked at, and the writer never more than a few pages. Without scripts the
// first part can be read, and says where more would be.
func HTML(w io.Writer, root *diff.Node, o Options) error {
	o.paged = true
	h := &htmlWriter{w: newReport(w, o), o: o, total: count(root), within: wrapping(root)}
	h.head()
	h.put(`<main>`)
	h.summary(root)
	if !o.Stat {
		h.put(`<section id="tree"><h2>Where they part</h2>` + tools)
		h.node(root, 0)
		h.put(`</section>`)
	}
	h.put(`</main>` + keys + `<script type="text/plain" id="fold">` + foldTable() + "</script>\n<script>" + reportJS + "</script></body></html>\n")
	if h.err != nil {
		return h.err
	}
	return h.w.Flush()
}

// htmlWriter writes the report. What it puts goes to the innermost page that is
// being packed, or to the file.
type htmlWriter struct {
	w      *report
	o      Options
	total  int    // nodes of the tree
	next   int    // number of the next node, in the order of the tree
	within string // what every path begins with, and need not be said

	pages []*strings.Builder // being packed, outermost first
	open  int64              // bytes that were written to the file to be read as they are
	packs int                // pages that were packed
	err   error
	packer
	filter filter
}

func (h *htmlWriter) put(ss ...string) {
	for _, s := range ss {
		if k := len(h.pages); k > 0 {
			h.pages[k-1].WriteString(s)
			continue
		}
		h.open += int64(len(s))
		h.w.WriteString(s)
	}
}

// text is hostile text made safe twice: for a terminal that prints the source,
// and for a browser.
func (h *htmlWriter) text(s string) string { return html.EscapeString(safe.Line(s)) }

// count counts a tree's nodes.
func count(n *diff.Node) int {
	sum := 1
	for _, c := range n.Children {
		sum += count(c)
	}
	return sum
}

// head forbids everything but the one style and the one script in the file.
func (h *htmlWriter) head() {
	h.put(`<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">`)
	h.put(`<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src `, hashSource(reportCSS), `; script-src `, hashSource(reportJS),
		`; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types report">`)
	h.put(`<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer">`)
	h.put(`<title>`, h.text(h.o.A), ` and `, h.text(h.o.B), `</title><style>`, reportCSS, `</style></head><body>`)
}

// tools is what a person works with: it stays in sight.
const tools = `<form id="tools" role="search"><label for="q">Search</label> <input id="q" type="search" placeholder="names, reasons, contents" autocomplete="off" spellcheck="false">
<label><input id="u" type="checkbox"> unexplained only</label> <button type="button" id="theme">light or dark</button> <button type="button" id="help">keys</button> <button type="button" id="stop" hidden>stop</button> <output id="n"></output><ol id="hits"></ol></form>`

const keys = `<dialog id="keys"><h2>Keys</h2><dl>
<dt><kbd>/</kbd></dt><dd>search; enter goes to the next place found, shift and enter to the one before; escape stops it, and once more clears it</dd>
<dt><kbd>j</kbd> <kbd>k</kbd></dt><dd>next and previous line of the tree</dd>
<dt><kbd>o</kbd></dt><dd>open or close it</dd>
<dt><kbd>n</kbd> <kbd>p</kbd></dt><dd>next and previous place found</dd>
<dt><kbd>u</kbd></dt><dd>only what nothing explains</dd>
<dt><kbd>t</kbd></dt><dd>light or dark</dd>
<dt><kbd>g</kbd></dt><dd>to the top</dd>
</dl><form method="dialog"><button>close</button></form></dialog>`

// summary is what a person reads first: the verdict, what is suspicious, why
// the rest differs, what nothing explains.
func (h *htmlWriter) summary(root *diff.Node) {
	s := h.o.summarize(root)
	h.put(`<header class="s`, statusClass(s.Status), `"><h1>`, h.text(h.o.verdict(s)), `</h1><dl>`)
	for i, side := range []*diff.Side{root.A, root.B} {
		h.put(`<dt>`, "AB"[i:i+1], `</dt><dd>`, h.text(name([]string{h.o.A, h.o.B}[i], side)), `</dd>`)
	}
	h.put(`</dl>`)
	if root.Note != "" {
		h.put(`<p class="note">`, h.text(root.Note), `</p>`)
	}
	for _, l := range h.o.unmatched(root) {
		h.put(`<p class="note">`, h.text(l), `</p>`)
	}
	h.put(`<ul class="tiles">`)
	for _, t := range []struct {
		n     int
		class string
		forms [2]string
	}{{len(s.Suspicious), "bad", [2]string{"suspicion", "suspicions"}}, {len(s.Unexplained), "warn", [2]string{"unexplained", "unexplained"}},
		{s.Explained, "good", [2]string{"explained", "explained"}}, {s.Expected, "", [2]string{"expected", "expected"}},
		{len(s.Unread), "warn", [2]string{"not read", "not read"}}, {s.Equal, "", [2]string{"equal", "equal"}}} {
		if t.n > 0 {
			h.put(`<li class="`, t.class, `"><b>`, number(t.n), `</b> `, plural(t.n, t.forms[0], t.forms[1])[len(number(t.n))+1:], `</li>`)
		}
	}
	h.put(`</ul></header>`)
	files := make([]Finding, len(s.Suspects))
	for i, f := range s.Suspects {
		files[i].node = f.node
	}
	at := numbers(root, files, s.Suspicious, s.Unexplained, s.Unread)
	h.suspicious(s, at)
	h.causes(s)
	h.findings("warn", "Not explained, worst first", s.Unexplained, at)
	h.findings("warn", "Not read, so that nothing is known of it", s.Unread, at)
}

func (h *htmlWriter) causes(s Summary) {
	ls := h.o.permits()
	if s.Differing == 0 && len(ls) == 0 {
		return
	}
	h.put(`<section><h2>Why they differ</h2>`)
	if s.Differing > 0 {
		h.put(`<p>`, h.text(s.Tallies()), `.</p>`)
	}
	if len(s.Causes) > 0 {
		h.put(`<div class="wide"><table><thead><tr><th>cause</th><th class="num">entries</th><th>what</th><th>how sure</th><th>remedy</th></tr></thead><tbody>`)
		for _, c := range s.Causes {
			h.put(`<tr><td>`, h.text(c.ID), `</td><td class="num">`, number(c.Entries), `</td><td>`, h.text(c.Name), `</td><td>`, c.Confidence.String(), `</td><td>`, h.text(c.Fix), `</td></tr>`)
		}
		h.put(`</tbody></table></div>`)
	}
	for _, l := range ls {
		h.put(`<p>`, h.text(l), `</p>`)
	}
	h.put(`</section>`)
}

// listPage is how many items a page of a list has.
const listPage = 200

// findings lists what needs a person, each leading to its place in the tree.
func (h *htmlWriter) findings(class, title string, fs []Finding, at map[*diff.Node]int) {
	if len(fs) == 0 {
		return
	}
	open := ""
	if len(fs) <= 2*maxFindings {
		open = " open"
	}
	h.put(`<section class="`, class, `"><details`, open, `><summary><h2>`, title, ` (`, number(len(fs)), `)</h2></summary>`)
	var book book
	for from := 0; from < len(fs); from += listPage {
		if from > 0 && h.w.full() {
			h.put(fmt.Sprintf(`<p class="note">… %s more left out (--max-report is reached)</p>`, number(len(fs)-from)))
			break
		}
		page := fs[from:min(from+listPage, len(fs))]
		body := func() {
			h.put(`<ul>`)
			for _, f := range page {
				h.put(`<li>`, h.link(strings.TrimPrefix(f.Path, h.within), at[f.node]), ` `, h.text(f.What), `</li>`)
			}
			h.put(`</ul>`)
		}
		if from == 0 {
			body()
			continue
		}
		book.add(h, func() pageHead {
			body()
			return pageHead{of: "places", from: from, to: from + len(page)}
		})
	}
	book.write(h)
	h.put(`</details></section>`)
}

// numbers gives the nodes of findings their numbers in the order of the tree.
func numbers(root *diff.Node, lists ...[]Finding) map[*diff.Node]int {
	at := map[*diff.Node]int{}
	for _, fs := range lists {
		for _, f := range fs {
			at[f.node] = -1
		}
	}
	next := 0
	var walk func(n *diff.Node)
	walk = func(n *diff.Node) {
		if _, ok := at[n]; ok {
			at[n] = next
		}
		next++
		for _, c := range n.Children {
			walk(c)
		}
	}
	walk(root)
	return at
}

func statusClass(s diff.Status) string {
	return strings.ReplaceAll(s.String(), " ", "-")
}
