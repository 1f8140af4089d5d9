package render

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"fmt"
	"html"
	"io"
	"math/rand"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stagescope/stagescope/diff"
)

var (
	packedPage = regexp.MustCompile(`<script type="text/plain" id="z(\d+)"(?: data-a="(\d+),(\d+)" data-b="(\d+),(\d+)")?(?: data-k="[^"]*")?>([^<]*)</script>\n`)
	standsFor  = regexp.MustCompile(` data-z="(\d+)" data-y="(\d+)"(?: data-f="(\d+)" data-t="(\d+)")?>(<summary>(?s:.*?)</summary>)` + regexp.QuoteMeta(waiting))
)

// unpacked puts every packed page where it is shown when it is opened, checks the
// numbers by which it is found, and gives the bytes that are shown as hex.
func unpacked(t *testing.T, doc string) (open string, raw []rawPair) {
	t.Helper()
	pages := map[int]string{}
	for _, m := range packedPage.FindAllStringSubmatch(doc, -1) {
		z, _ := strconv.Atoi(m[1])
		p := inflated(t, m[6])
		if m[2] != "" {
			var v [4]int64
			for i := range v {
				v[i], _ = strconv.ParseInt(m[2+i], 10, 64)
			}
			raw = append(raw, rawPair{diff.Range{Off: v[0], Len: v[1]}, diff.Range{Off: v[2], Len: v[3]}, p[:v[1]], p[v[1]:]})
			p = nil
		}
		pages[z] = string(p)
	}
	used := 0
	var in func(s string, lo, hi int) string
	in = func(s string, lo, hi int) string {
		return standsFor.ReplaceAllStringFunc(s, func(at string) string {
			m := standsFor.FindStringSubmatch(at)
			z, _ := strconv.Atoi(m[1])
			y, _ := strconv.Atoi(m[2])
			page, ok := pages[z]
			if !ok || z < y || y < lo || z > hi {
				t.Fatalf("page %d (from %d) in pages %d to %d: there %v", z, y, lo, hi, ok)
			}
			used++
			body := in(page, y, z-1)
			if m[3] != "" {
				f, _ := strconv.Atoi(m[3])
				to, _ := strconv.Atoi(m[4])
				for _, id := range regexp.MustCompile(` id="n(\d+)"`).FindAllStringSubmatch(body, -1) {
					if n, _ := strconv.Atoi(id[1]); n < f || n >= to {
						t.Fatalf("node %d in a page of nodes %d to %d", n, f, to)
					}
				}
			}
			return ">" + m[5] + body
		})
	}
	open = in(packedPage.ReplaceAllString(doc, ""), 0, len(pages))
	if used != len(pages) {
		t.Fatalf("%d of %d pages can be reached", used, len(pages))
	}
	if strings.Contains(open, waiting) {
		t.Fatal("a page is missing")
	}
	return open, raw
}

// inflated unpacks a page.
func inflated(t *testing.T, s string) []byte {
	t.Helper()
	p, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	if p, err = io.ReadAll(flate.NewReader(bytes.NewReader(p))); err != nil {
		t.Fatal(err)
	}
	return p
}

// large is a tree that does not fit into the open part of a report.
func large() (root *diff.Node, text [2]string, bin [2]string) {
	root = sample()
	layer := root.Children[0]
	for i := range 9_000 {
		c := &diff.Node{Kind: diff.KindEntry, Name: fmt.Sprintf("more/%05d%s", i, evil), Status: diff.OnlyB, Residue: diff.ResidueKnown}
		if i%3 == 0 {
			c.Status, c.Kind, c.Content = diff.Differs, diff.KindText, bytesOf{fmt.Sprintf("old %d\n", i), fmt.Sprintf("new %d</script>\n", i)}
		}
		layer.Children = append(layer.Children, c)
	}
	r := rand.New(rand.NewSource(1))
	for s := range text {
		var b strings.Builder
		for i := range 8_000 {
			fmt.Fprintf(&b, "side %d line %d %x </script><img src=x onerror=alert(1)>\n", s, i, r.Int63())
		}
		text[s] = b.String()
		p := make([]byte, 1<<20+5*s)
		r.Read(p)
		bin[s] = string(p)
	}
	whole := func(n int) []diff.Range { return []diff.Range{{Len: int64(n)}} }
	layer.Children = append(layer.Children,
		&diff.Node{Kind: diff.KindText, Name: "big text", Status: diff.Differs, Content: bytesOf{text[0], text[1]}},
		&diff.Node{Kind: diff.KindBinary, Name: "big bytes", Status: diff.Differs, Content: bytesOf{bin[0], bin[1]}, RangesA: whole(len(bin[0])), RangesB: whole(len(bin[1]))},
		&diff.Node{Kind: diff.KindEntry, Name: "new file", Status: diff.OnlyB, Content: onlyB{"a new line\n"}})
	root.Settle()
	return root, text, bin
}

type onlyB struct{ b string }

func (onlyB) OpenA() (diff.ReaderAtCloser, int64, error) { return nil, 0, nil }
func (c onlyB) OpenB() (diff.ReaderAtCloser, int64, error) {
	return closer{strings.NewReader(c.b)}, int64(len(c.b)), nil
}

// TestHTMLWhole: whatever the size, every difference can be reached by opening
// pages, the open part stays small, and nothing of the content is markup.
func TestHTMLWhole(t *testing.T) {
	root, text, bin := large()
	var b bytes.Buffer
	if err := HTML(&b, root, Options{A: "a", B: "b", Complete: true}); err != nil {
		t.Fatal(err)
	}
	checkSafe(t, "html", b.Bytes())
	if n := len(packedPage.ReplaceAllString(b.String(), "")); n > openBytes+openBytes/2 {
		t.Errorf("%d bytes lie open", n)
	}
	open, raw := unpacked(t, b.String())
	if strings.Contains(open, "<img") || strings.Count(open, "</script>") != 2 {
		t.Error("content became markup")
	}
	there := map[string]bool{}
	for l := range strings.SplitSeq(open, "\n") {
		l = strings.TrimSuffix(l, "</span>")
		there[l[strings.LastIndexByte(l, '>')+1:]] = true
	}
	for i, s := range text {
		for l := range strings.SplitSeq(strings.TrimSuffix(s, "\n"), "\n") {
			if want := "-+"[i:i+1] + html.EscapeString(l); !there[want] {
				t.Fatalf("without %q", want)
			}
		}
	}
	for i := 0; i < 9_000; i += 997 {
		for _, want := range []string{fmt.Sprintf("more/%05d", i), fmt.Sprintf("new %d&lt;/script&gt;", i-i%3)} {
			if !strings.Contains(open, want) {
				t.Errorf("without %q", want)
			}
		}
	}
	if !strings.Contains(open, "+a new line") {
		t.Error("a new file without its content")
	}
	var got [2]strings.Builder
	for _, r := range raw {
		got[0].Write(r.bytesA)
		got[1].Write(r.bytesB)
	}
	if got[0].String() != bin[0] || got[1].String() != bin[1] {
		t.Error("bytes are missing")
	}
	ids := map[string]bool{}
	for _, m := range regexp.MustCompile(` id="n(\d+)"`).FindAllStringSubmatch(open, -1) {
		ids[m[1]] = true
	}
	boxes := 0
	for _, m := range regexp.MustCompile(`href="#n(\d+)"`).FindAllStringSubmatch(open, -1) {
		if ids[m[1]] {
			boxes++
		}
	}
	if boxes < 3_000 {
		t.Errorf("%d links lead to a node", boxes)
	}
}
