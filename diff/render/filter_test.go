package render

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/diff/internal/realtool"
)

// searchPage is a packed page as a search finds it.
type searchPage struct {
	Raw    bool   `json:"raw"` // bytes, not text
	Data   []byte `json:"data"`
	Filter []byte `json:"filter"` // nil when it has none
	packed int    // bytes in the file
	text   string // of a page of text
	plain  string // text folded plainly, or bytes with ASCII letters folded
}

var pageInFile = regexp.MustCompile(`<script type="text/plain" id="z\d+"( data-a="[^>]*?")?(?: data-k="([^"]*)")?>([^<]*)</script>\n`)

func searchPages(t *testing.T, doc string) (out []searchPage) {
	t.Helper()
	for _, m := range pageInFile.FindAllStringSubmatch(doc, -1) {
		p := searchPage{Raw: m[1] != "", packed: len(m[0]), Data: inflated(t, m[3])}
		if m[2] != "" {
			var err error
			if p.Filter, err = base64.StdEncoding.DecodeString(m[2]); err != nil {
				t.Fatal(err)
			}
		}
		if p.Raw {
			p.plain = string(lowerASCII(p.Data))
		} else {
			p.text = string(searched(nil, string(p.Data)))
			p.plain = plainFold(p.text)
		}
		out = append(out, p)
	}
	return out
}

// worldly are lines in which case, width and length are not what they are in ASCII.
var worldly = []string{"Straße STRASSE ẞ", "İstanbul ıspanak I i", "ΣΊΣΥΦΟΣ σίσυφος Σ", "Жук жук ЖУК", "Kelvin \u212a kelvin", "ſaint Saint", "ÿŸ Ǆ ǅ ǆ", "ა Ა", "𐐀𐐨 𝔘", "日本語テキスト", "é e\u0301 É", "Ꮳ ꮳ", "a\u00a0b"}

// filterReport is a report with pages of text, of text that is not ASCII, and of bytes.
// It is made once.
func filterReport(t *testing.T) []searchPage {
	t.Helper()
	filterOnce.Do(func() { filterPages = makeFilterReport(t) })
	if filterPages == nil {
		t.Fatal("the report could not be made")
	}
	return slices.Clone(filterPages)
}

var (
	filterOnce  sync.Once
	filterPages []searchPage
)

func makeFilterReport(t *testing.T) []searchPage {
	t.Helper()
	root, _, _ := large()
	r := rand.New(rand.NewSource(3))
	var b strings.Builder
	for i := range 6_000 {
		fmt.Fprintf(&b, "%s %d %s\n", worldly[r.Intn(len(worldly))], i, worldly[r.Intn(len(worldly))])
	}
	bin := make([]byte, 200_000)
	r.Read(bin)
	copy(bin[100_000:], "Needle In Bytes, Straße")
	root.Children[0].Children = append(root.Children[0].Children,
		&diff.Node{Kind: diff.KindText, Name: "worldly", Status: diff.Differs, Content: bytesOf{"", b.String()}},
		&diff.Node{Kind: diff.KindBinary, Name: "bin", Status: diff.Differs, Content: bytesOf{"", string(bin)}, RangesA: []diff.Range{{}}, RangesB: []diff.Range{{Len: int64(len(bin))}}})
	root.Settle()
	var doc bytes.Buffer
	if err := HTML(&doc, root, Options{A: "a", B: "b", Complete: true}); err != nil {
		t.Fatal(err)
	}
	pages := searchPages(t, doc.String())
	// The size: what filters add is at most a twentieth.
	var filters int
	for _, p := range pages {
		if p.Filter != nil {
			filters += base64.StdEncoding.EncodedLen(len(p.Filter)) + len(` data-k=""`)
		}
	}
	if doc.Len() < 2*openBytes || filters*20 > doc.Len() {
		t.Errorf("filters are %d bytes of %d", filters, doc.Len())
	}
	return pages
}

// plainFold is folding as unicode defines it, letter by letter.
func plainFold(s string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for o := unicode.SimpleFold(r); o != r; o = unicode.SimpleFold(o) {
			least = min(least, o)
		}
		return least
	}, s)
}

// holds is the plain search: whether a page holds what is sought.
func (p searchPage) holds(want string) bool {
	if !p.Raw {
		return strings.Contains(p.plain, plainFold(want))
	}
	if strings.Contains(p.plain, string(lowerASCII([]byte(want)))) {
		return true
	}
	h := hexOf(want)
	return h != nil && bytes.Contains(p.Data, h)
}

// hexOf is the bytes that a text is in hex; nil where it is not.
func hexOf(s string) []byte {
	h, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil || len(h) < 2 {
		return nil
	}
	return h
}

// may is what search.js does with a filter, written anew from its description.
func (p searchPage) may(want string) bool {
	set := func(sought []byte, printable bool) bool {
		for i := 0; i+2 < len(sought); i++ {
			three := sought[i : i+3]
			if printable && slices.ContainsFunc(three, func(c byte) bool { return c < ' ' || c > '~' }) {
				continue
			}
			h := (uint32(three[0])<<16 | uint32(three[1])<<8 | uint32(three[2])) * 2654435761
			k := uint64(h) * uint64(len(p.Filter)*8) / (1 << 32)
			if p.Filter[k/8]&(1<<(k%8)) == 0 {
				return false
			}
		}
		return true
	}
	if len(p.Filter) == 0 {
		return true
	}
	if !p.Raw {
		return set(folded([]byte(want)), false)
	}
	h := hexOf(want)
	return set(lowerASCII([]byte(want)), true) || h != nil && set(lowerASCII(h), true)
}

// otherCase changes the case of each letter that has another.
func otherCase(s string) string {
	return strings.Map(func(r rune) rune { return unicode.SimpleFold(r) }, s)
}

// wanted are texts to be sought: pieces of every length of what is there, in either
// case, some that are nowhere, and bytes written in hex.
func wantedIn(pages []searchPage) (out []string) {
	r := rand.New(rand.NewSource(5))
	for range 120 {
		p := pages[r.Intn(len(pages))]
		if p.Raw {
			at, n := r.Intn(max(1, len(p.Data)-20)), 2+r.Intn(18)
			out = append(out, hex.EncodeToString(p.Data[at:min(at+n, len(p.Data))]))
			continue
		}
		lines := strings.Split(p.text, "\n")
		l := []rune(lines[r.Intn(len(lines))])
		if len(l) == 0 {
			continue
		}
		at := r.Intn(len(l))
		want := strings.TrimSpace(string(l[at : at+min(1+r.Intn(24), len(l)-at)]))
		if want == "" {
			continue
		}
		out = append(out, want, otherCase(want), want+"~~")
	}
	for _, w := range worldly {
		out = append(out, w, otherCase(w), strings.ToUpper(w), strings.ToLower(w))
	}
	return append(out, "a", "ж", "日本", "needle in bytes", "straße", "</script>", "<img src", "&lt;", "amp;", "onerror=alert(1)", "never to be found anywhere", "packed", "7f454c46")
}

// TestFilterNeverMisses: every page that holds what is sought passes its filter.
func TestFilterNeverMisses(t *testing.T) {
	pages := filterReport(t)
	kinds := map[bool]int{}
	held := 0
	for _, p := range pages {
		if p.Filter != nil {
			kinds[p.Raw]++
		}
	}
	if kinds[true] < 20 || kinds[false] < 20 {
		t.Fatalf("filters by kind: %v", kinds)
	}
	for _, want := range wantedIn(pages) {
		for i, p := range pages {
			if p.holds(want) {
				held++
				if !p.may(want) {
					t.Errorf("page %d (bytes: %v) holds %q, and its filter says no", i, p.Raw, want)
				}
			}
		}
	}
	if held < 1000 {
		t.Errorf("only %d times something was held", held)
	}
}

// TestFilterTells: most pages need not be unpacked for a word that is rare. These pages
// repeat themselves, so that they are small and their filters smaller than others are.
func TestFilterTells(t *testing.T) {
	pages := filterReport(t)
	for _, want := range []string{"crypto_backdoor", "xz_decoder_run", "LD_PRELOAD", "Needle In Bytes"} {
		var n, of [2]int
		for _, p := range pages {
			k := 0
			if p.Raw {
				k = 1
			}
			of[k]++
			if p.may(want) {
				n[k]++
			}
		}
		if n[0]*2 > of[0] || n[1]*4 > of[1] {
			t.Errorf("%q: %d of %d pages of text and %d of %d pages of bytes would be unpacked", want, n[0], of[0], n[1], of[1])
		}
	}
}

// TestFoldTable: the table that the report carries folds every character as the writer
// does, and changes the length of none: places in folded text are places in the text.
func TestFoldTable(t *testing.T) {
	to := map[rune]rune{}
	for r := range strings.SplitSeq(foldTable(), ";") {
		var v [4]int64
		for i, f := range strings.Split(r, ",") {
			v[i], _ = strconv.ParseInt(f, 36, 64)
		}
		for i := range v[1] {
			c := rune(v[0] + i*v[2])
			to[c] = c + rune(v[3])
		}
	}
	for r := rune(utf8.RuneSelf); r <= unicode.MaxRune; r++ {
		if !utf8.ValidRune(r) {
			continue
		}
		got, ok := to[r]
		if !ok {
			got = r
		}
		if want := foldRune(r); got != want || utf16.RuneLen(want) != utf16.RuneLen(r) || foldRune(want) != want {
			t.Fatalf("%U becomes %U, and in the table %U", r, want, got)
		}
		for o := unicode.SimpleFold(r); o != r; o = unicode.SimpleFold(o) {
			if string(folded([]byte(string(o)))) != string(folded([]byte(string(r)))) {
				t.Fatalf("%U and %U stay apart", r, o)
			}
		}
	}
	if n := len(foldTable()); n > 8<<10 {
		t.Errorf("the table has %d bytes", n)
	}
}

// TestSearchInBrowser runs the report's own search on its pages, where there is an
// engine, and holds it to the plain search.
func TestSearchInBrowser(t *testing.T) {
	node := realtool.Find(t, "node", "the report's search is not run, only what it reads is checked")
	pages := filterReport(t)
	pages = slices.DeleteFunc(pages, func(p searchPage) bool { return len(p.Data) == 0 })
	var wants []string
	for i, w := range wantedIn(pages) {
		if i%4 == 0 || i > 300 {
			wants = append(wants, w)
		}
	}
	dir := t.TempDir()
	in, err := json.Marshal(map[string]any{"fold": foldTable(), "pages": pages, "wants": wants})
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"in.json": in, "run.js": []byte(searchJS + runSearch)} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(node, "run.js")
	cmd.Dir = dir
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, said.String())
	}
	var got struct {
		Texts []string
		Found [][]struct {
			May   bool
			First int // place of the first; -1 when there is none
			Node  *int
		}
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	for i, p := range pages {
		if !p.Raw && got.Texts[i] != p.text {
			t.Fatalf("page %d: its text is read otherwise: %s", i, firstDifferent(got.Texts[i], p.text))
		}
	}
	found, texts := 0, make([][]uint16, len(pages))
	for w, want := range wants {
		for i, p := range pages {
			f := got.Found[w][i]
			if holds := p.holds(want); holds != (f.First >= 0) || f.May != p.may(want) || holds && !f.May {
				t.Fatalf("%q in page %d (bytes: %v): held %v, passes %v; in the browser: place %d, passes %v", want, i, p.Raw, holds, p.may(want), f.First, f.May)
			}
			if f.First < 0 || p.Raw {
				continue
			}
			found++
			if texts[i] == nil {
				texts[i] = utf16.Encode([]rune(p.text))
			}
			if at := string(utf16.Decode(texts[i][f.First:min(f.First+len(utf16.Encode([]rune(want))), len(texts[i]))])); plainFold(at) != plainFold(want) {
				t.Fatalf("%q in page %d: there it says %q", want, i, at)
			}
		}
	}
	if found < 500 {
		t.Errorf("only %d places", found)
	}
}

func firstDifferent(a, b string) string {
	i := 0
	for i < min(len(a), len(b)) && a[i] == b[i] {
		i++
	}
	return fmt.Sprintf("%q and %q", a[max(0, i-40):min(len(a), i+40)], b[max(0, i-40):min(len(b), i+40)])
}

// runSearch asks search.js what it makes of pages.
const runSearch = `
const fs = require("fs"), in_ = JSON.parse(fs.readFileSync("in.json", "utf8")), look = reportSearch;
look.unfold(in_.fold);
const pages = in_.pages.map(p => {
  const data = new Uint8Array(Buffer.from(p.data, "base64"));
  return { raw: p.raw, data, filter: p.filter && new Uint8Array(Buffer.from(p.filter, "base64")), page: p.raw ? null : look.textOf(new TextDecoder().decode(data)) };
});
const found = in_.wants.map(w => {
  const q = look.query(w);
  return pages.map(p => {
    let first = -1;
    const hit = k => { if (first < 0 || k < first) first = k; };
    if (p.raw) look.eachBytes(p.data, q, hit); else look.eachText(p.page, q, hit);
    return { May: look.may(p.filter, q, p.raw), First: first, Node: p.raw || first < 0 ? null : look.nodeAt(p.page, first) };
  });
});
process.stdout.write(JSON.stringify({ Texts: pages.map(p => p.raw ? "" : p.page.text), Found: found }));
`

// BenchmarkFilter is what the filter of a page costs, beside what packing it does.
func BenchmarkFilter(b *testing.B) {
	page := "<pre>" + strings.Repeat("<span class=\"a\">-\tif err != nil { return fmt.Errorf(&#34;reading %s: %w&#34;, Name, err) }</span>\n", 640) + "</pre>"
	var f filter
	b.Run("filter", func(b *testing.B) {
		b.SetBytes(int64(len(page)))
		for b.Loop() {
			f.page(page)
			f.set(20_000)
		}
	})
	b.Run("pack", func(b *testing.B) {
		var p packer
		b.SetBytes(int64(len(page)))
		for b.Loop() {
			if _, err := p.pack([]byte(page)); err != nil {
				b.Fatal(err)
			}
		}
	})
}
