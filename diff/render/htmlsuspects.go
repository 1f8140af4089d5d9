package render

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/stagescope/stagescope/diff"
)

// link is a name that leads to a node of the tree, where there is a tree.
func (h *htmlWriter) link(name string, number int) string {
	out := h.text(name)
	if !h.o.Stat {
		out = fmt.Sprintf(`<a href="#n%d">%s</a>`, number, out)
	}
	return `<code>` + out + `</code>`
}

// suspicious lists the files with suspicions, worst first: each has its line, and
// what that does not show of it is counted there, and opens there.
func (h *htmlWriter) suspicious(s Summary, at map[*diff.Node]int) {
	fs := s.Suspects
	if len(fs) == 0 {
		return
	}
	title := fmt.Sprintf("Suspicious, the worst file first (%s in %s)", plural(len(s.Suspicious), "finding"), plural(len(fs), "file"))
	h.put(`<section class="bad"><details open><summary><h2>`, title, `</h2></summary>`)
	var book book
	for from := 0; from < len(fs); {
		if from > 0 && h.w.full() {
			h.put(`<p class="note">… `, plural(len(fs)-from, "more file"), ` left out (--max-report is reached)</p>`)
			break
		}
		page := func() pageHead {
			p := pageHead{of: "files", from: from}
			began := h.size()
			for ; from < len(fs) && from-p.from < listPage && h.size()-began < childrenSize; from++ {
				h.suspect(&fs[from], from < detailed, at)
			}
			p.to = from
			return p
		}
		if from == 0 {
			page()
		} else {
			book.add(h, page)
		}
	}
	book.write(h)
	h.put(`</details></section>`)
}

// suspect writes one file.
func (h *htmlWriter) suspect(s *Suspect, open bool, at map[*diff.Node]int) {
	attr := ""
	if open {
		attr = " open"
	}
	h.put(`<details class="file"`, attr, `><summary>`, h.link(strings.TrimPrefix(s.Path, h.within), at[s.node]), ` `, plural(s.Findings, "finding"), `: `, h.text(s.kinds()))
	if !open {
		h.put(`; the worst: `, h.text(s.found[0].Said()))
	}
	h.put(`</summary>`)
	kinds, left := s.show(h.o.whole(*s))
	h.put(`<ul>`)
	for _, k := range kinds {
		h.foundList(k.shown, at)
	}
	h.put(`</ul>`)
	for _, k := range kinds {
		if left > 0 && k.left > 0 {
			h.rest(s, k, at)
		}
	}
	h.put("</details>\n")
}

func (h *htmlWriter) foundList(fs []Finding, at map[*diff.Node]int) {
	for _, f := range fs {
		h.put(`<li><strong>`, h.text(cmp.Or(string(f.Kind), "by its cause")), `</strong>`)
		if part := f.part(); part != "" {
			h.put(`, in `, h.link(part, at[f.node]))
		}
		h.put(`: `, h.text(f.What), `</li>`)
	}
}

// rest writes the findings of a kind that are not shown at once, in pages.
func (h *htmlWriter) rest(s *Suspect, k kindShown, at map[*diff.Node]int) {
	first := 0
	for _, t := range s.Kinds {
		if t.Kind == k.kind {
			break
		}
		first += t.Findings
	}
	fs := s.found[first+len(k.shown) : first+len(k.shown)+k.left]
	h.put(`<details class="page"><summary>`, h.text(cmp.Or(string(k.kind), "by their cause")), `: `, number(k.left), ` more</summary>`)
	var book book
	for from := 0; from < len(fs); from += listPage {
		list := fs[from:min(from+listPage, len(fs))]
		body := func() pageHead {
			h.put(`<ul>`)
			h.foundList(list, at)
			h.put(`</ul>`)
			return pageHead{of: "findings", from: from, to: from + len(list)}
		}
		if from == 0 {
			body()
		} else {
			book.add(h, body)
		}
	}
	book.write(h)
	h.put(`</details>`)
}
