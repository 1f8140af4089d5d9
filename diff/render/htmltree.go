package render

import (
	"cmp"
	"fmt"
	"html"
	"iter"
	"strings"

	"github.com/stagescope/stagescope/diff"
)

// node writes a node as something that folds. Groups and what only contains
// others begin closed when they are long.
func (h *htmlWriter) node(n *diff.Node, open bool) {
	folded := h.o.folded(n)
	attr := ""
	if open && n.Kind != diff.KindGroup && n.Status != diff.Same && !folded {
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
		h.pages("lines", h.o.lines(n))
	}
	h.children(n)
	if n.Equal > 0 {
		h.put(`<p>= ` + number(n.Equal) + ` equal</p>`)
	}
	h.put("</details>\n")
}

// manyChildren is from how many children on those that need only one line are
// written as lines, in pages: a browser cannot hold a hundred thousand boxes.
const manyChildren = 100

func (h *htmlWriter) children(n *diff.Node) {
	hidden := 0
	many := len(n.Children) > manyChildren
	var run []*diff.Node
	flush := func() {
		h.pages("entries", oneLines(run))
		run = run[:0]
	}
	for i, c := range n.Children {
		switch {
		case h.w.full():
			flush()
			h.put(`<p class="note">` + h.text(leftOut(n.Children[i:])) + `</p>`)
			return
		case !h.o.within(c):
			hidden++
		case many && h.oneLine(c):
			run = append(run, c)
		default:
			flush()
			h.node(c, len(n.Children) <= 200)
		}
	}
	flush()
	if hidden > 0 {
		h.put(`<p>` + plural(hidden, "difference") + ` left out by --only</p>`)
	}
}

// oneLine reports whether a line says all there is of a node.
func (h *htmlWriter) oneLine(n *diff.Node) bool {
	return len(n.Children) == 0 && n.Note == "" && len(n.Suspicions) == 0 && h.o.Expected.Of(n) == nil && (n.Content == nil || n.Status != diff.Differs)
}

// oneLines writes each node as a line.
func oneLines(ns []*diff.Node) iter.Seq[contentLine] {
	return func(yield func(contentLine) bool) {
		for _, n := range ns {
			var b strings.Builder
			fmt.Fprintf(&b, "%s %s%s", marks[n.Status], n.Name, sizes(n))
			for _, r := range n.Reasons {
				fmt.Fprintf(&b, "   %s: %s → %s", r.Field, cmp.Or(r.A, "none"), cmp.Or(r.B, "none"))
				if c := r.Cause; c != nil {
					fmt.Fprintf(&b, " [%s, %s]", c.ID, c.Confidence)
				}
			}
			k := lineBoth
			switch n.Status {
			case diff.OnlyA:
				k = lineA
			case diff.OnlyB:
				k = lineB
			}
			if !yield(contentLine{k, shown(b.String(), false)}) {
				return
			}
		}
	}
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
	if p := h.o.Expected.Of(n); p != nil {
		h.put(`<p class="expected">` + h.text(permitted(p)) + `</p>`)
	}
	if n.Note != "" {
		h.put(`<p class="note">` + h.text(n.Note) + `</p>`)
	}
}

// pageLines is how many lines a page has.
const pageLines = 400

// pages writes lines as they come, the first page open and the others behind
// their heads. Neighbours of one kind share a box.
func (h *htmlWriter) pages(of string, ls iter.Seq[contentLine]) {
	page := make([]contentLine, 0, pageLines)
	from := 0
	for l := range ls {
		if len(page) == pageLines {
			h.page(of, from, page)
			from, page = from+pageLines, page[:0]
		}
		page = append(page, l)
	}
	if len(page) > 0 {
		h.page(of, from, page)
	}
}

var lineClass = [...]string{lineBoth: "", lineA: "a", lineB: "b", lineNote: "h"}

func (h *htmlWriter) page(of string, from int, ls []contentLine) {
	if from > 0 {
		h.put(fmt.Sprintf(`<details class="page"><summary>%s %s to %s</summary>`, of, number(from+1), number(from+len(ls))))
	}
	h.put(`<pre>`)
	for i, l := range ls {
		class := lineClass[l.kind]
		if class != "" && (i == 0 || ls[i-1].kind != l.kind) {
			h.put(`<span class="` + class + `">`)
		}
		h.put(html.EscapeString(l.text))
		if class != "" && (i+1 == len(ls) || ls[i+1].kind != l.kind) {
			h.put("</span>")
		}
		h.put("\n")
	}
	h.put(`</pre>`)
	if from > 0 {
		h.put(`</details>`)
	}
}
