package render

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html"
	"iter"
	"strings"

	"github.com/klauspost/compress/flate"

	"github.com/stagescope/stagescope/diff"
)

// openBytes is about how much of a report is written to be read as it is, also
// without scripts. openNode is how much of that one content may have.
const (
	openBytes = 2 << 20
	openNode  = 64 << 10
)

// Bounds of a page of lines.
const (
	pageLines = 1000
	pageBytes = 64 << 10
)

func hashSource(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// packer deflates pages.
type packer struct {
	z   *flate.Writer
	raw bytes.Buffer
}

// pack gives bytes as they stand in the report.
func (p *packer) pack(data []byte) (string, error) {
	p.raw.Reset()
	if p.z == nil {
		var err error
		if p.z, err = flate.NewWriter(&p.raw, 5); err != nil {
			return "", err
		}
	} else {
		p.z.Reset(&p.raw)
	}
	if _, err := p.z.Write(data); err != nil {
		return "", err
	}
	if err := p.z.Close(); err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(p.raw.Bytes()), nil
}

// pageHead is what a page is called, and which nodes lie in it.
type pageHead struct {
	of       string // what it has: lines, entries, bytes
	from, to int    // which of them, counted from 0, half open
	n0, n1   int    // numbers of the nodes in it, half open; equal when there are none
	text     string // the whole name, instead of the numbers
}

func (p pageHead) String() string {
	if p.text != "" {
		return p.text
	}
	return fmt.Sprintf("%s %s to %s", p.of, number(p.from+1), number(p.to))
}

// packed writes data to the file, beside the filter by which a search passes it by,
// and gives the attributes with which the element that stands for it finds it. attrs
// say which bytes the data are; there are none where it is a page of text. first is
// the number that the first page inside it has: pages are numbered as they are done,
// so that those inside come before.
func (h *htmlWriter) packed(data []byte, first int, attrs string, n0, n1 int) string {
	s, err := h.pack(data)
	if err != nil && h.err == nil {
		h.err = err
	}
	z := h.packs
	h.packs++
	if attrs != "" {
		h.filter.add(lowerASCII(data), true)
	} else {
		h.filter.page(string(data))
	}
	h.w.WriteString(fmt.Sprintf(`<script type="text/plain" id="z%d"%s%s>`, z, attrs, h.filter.set(len(s))))
	h.w.WriteString(s)
	h.w.WriteString("</script>\n")
	out := fmt.Sprintf(` data-z="%d" data-y="%d"`, z, first)
	if n1 > n0 {
		out += fmt.Sprintf(` data-f="%d" data-t="%d"`, n0, n1)
	}
	return out
}

// apart renders something as a page that is packed, and gives its attributes.
func (h *htmlWriter) apart(n0, n1 int, body func()) string {
	first := h.packs
	var b strings.Builder
	h.pages = append(h.pages, &b)
	body()
	h.pages = h.pages[:len(h.pages)-1]
	return h.packed([]byte(b.String()), first, "", n0, n1)
}

// roomy reports whether more can be written to be read as it is.
func (h *htmlWriter) roomy() bool { return len(h.pages) == 0 && h.open < openBytes }

// waiting stands where a page is not unpacked.
const waiting = `<p class="wait">This page is packed; a browser shows it with scripts enabled.</p>`

// book is pages that follow each other. Their heads are kept until all are
// there; each time that there are many, they become one page of a higher level.
type book struct {
	levels [][]bookPage
	open   int // bytes of pages that can be read as they are
}

type bookPage struct {
	pageHead
	attrs string
	packs int // number of the first packed page in it
	body  string
}

// fewPages is how many heads of a level stand beside each other.
const fewPages = 50

// add takes one page, which is rendered and written at once; body says what
// it is called.
func (b *book) add(h *htmlWriter, body func() pageHead) {
	b.carry(h, 0)
	first := h.packs
	packed := !h.roomy() || b.open > 4*openNode
	var s strings.Builder
	h.pages = append(h.pages, &s)
	p := body()
	h.pages = h.pages[:len(h.pages)-1]
	page := bookPage{pageHead: p, packs: first, body: s.String()}
	if packed {
		page.attrs, page.body = h.packed([]byte(s.String()), first, "", p.n0, p.n1), waiting
	} else {
		h.open += int64(s.Len())
		b.open += s.Len()
	}
	b.levels[0] = append(b.levels[0], page)
}

// raw takes a page of bytes.
func (b *book) raw(h *htmlWriter, p pageHead, r *rawPair) {
	b.carry(h, 0)
	first := h.packs
	attrs := fmt.Sprintf(` data-a="%d,%d" data-b="%d,%d"`, r.a.Off, r.a.Len, r.b.Off, r.b.Len)
	data := append(r.bytesA[:len(r.bytesA):len(r.bytesA)], r.bytesB...)
	b.levels[0] = append(b.levels[0], bookPage{p, h.packed(data, first, attrs, 0, 0), first, waiting})
}

// carry makes room on a level: pages that fill it become one on the next. They
// are packed right after what is in them, so that its numbers have no gaps.
func (b *book) carry(h *htmlWriter, level int) {
	if level == len(b.levels) {
		b.levels = append(b.levels, nil)
	}
	ps := b.levels[level]
	if len(ps) < fewPages {
		return
	}
	b.carry(h, level+1)
	first, last := ps[0], ps[len(ps)-1]
	p := pageHead{of: first.of, from: first.from, to: last.to, n0: first.n0, n1: last.n1}
	if first.text != "" {
		p.text = first.text + " … " + last.text
	}
	var s strings.Builder
	h.pages = append(h.pages, &s)
	h.heads(ps)
	h.pages = h.pages[:len(h.pages)-1]
	attrs := h.packed([]byte(s.String()), first.packs, "", p.n0, p.n1)
	b.levels[level+1] = append(b.levels[level+1], bookPage{p, attrs, first.packs, waiting})
	b.levels[level] = ps[:0]
}

// write writes the heads where they belong, the highest level first: it has what
// comes first.
func (b *book) write(h *htmlWriter) {
	for i := len(b.levels) - 1; i >= 0; i-- {
		h.heads(b.levels[i])
	}
}

func (h *htmlWriter) heads(ps []bookPage) {
	for _, p := range ps {
		h.put(`<details class="page"`, p.attrs, `><summary>`, h.text(p.String()), `</summary>`, p.body, "</details>\n")
	}
}

// fewLines is how many bytes of lines need no page of their own in a page.
const fewLines = 8 << 10

// lines writes lines in pages, the first of them open where there is room.
func (h *htmlWriter) lines(of string, ls iter.Seq[contentLine]) {
	var b book
	var page []contentLine
	from, size := 0, 0
	flush := func() {
		if len(page) == 0 {
			return
		}
		if from == 0 && (h.roomy() || len(h.pages) > 0 && size < fewLines) {
			h.pre(page)
		} else {
			b.add(h, func() pageHead {
				h.pre(page)
				return pageHead{of: of, from: from, to: from + len(page)}
			})
		}
		from, page, size = from+len(page), page[:0], 0
	}
	for l := range ls {
		if l.kind == lineRaw {
			flush()
			b.raw(h, pageHead{text: rawName(l.raw)}, l.raw)
			from++
			continue
		}
		if len(page) == pageLines || size > pageBytes {
			flush()
		}
		page, size = append(page, l), size+len(l.text)
	}
	flush()
	b.write(h)
}

// rawName is what a page of bytes is called.
func rawName(r *rawPair) string {
	of := func(side string, r diff.Range) string {
		return fmt.Sprintf("%s bytes %#x to %#x", side, r.Off, r.Off+r.Len)
	}
	switch {
	case r.a.Len == 0:
		return of("B", r.b)
	case r.b.Len == 0:
		return of("A", r.a)
	}
	return of("A", r.a) + ", " + of("B", r.b)
}

var lineClass = [...]string{lineBoth: "", lineA: "a", lineB: "b", lineNote: "h"}

// pre writes lines. Neighbours of one kind share a box.
func (h *htmlWriter) pre(ls []contentLine) {
	h.put(`<pre>`)
	for i, l := range ls {
		class := lineClass[l.kind]
		if class != "" && (i == 0 || ls[i-1].kind != l.kind) {
			h.put(`<span class="`, class, `">`)
		}
		if l.mark[1] > l.mark[0] {
			h.put(html.EscapeString(l.text[:l.mark[0]]), `<mark>`, html.EscapeString(l.text[l.mark[0]:l.mark[1]]), `</mark>`, html.EscapeString(l.text[l.mark[1]:]))
		} else {
			h.put(html.EscapeString(l.text))
		}
		if class != "" && (i+1 == len(ls) || ls[i+1].kind != l.kind) {
			h.put("</span>")
		}
		h.put("\n")
	}
	h.put(`</pre>`)
}
