package render

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/diff"
)

var update = flag.Bool("update", false, "write the golden files anew")

// bytesOf is content for tests.
type bytesOf struct{ a, b string }

type closer struct{ io.ReaderAt }

func (closer) Close() error { return nil }

func (c bytesOf) OpenA() (diff.ReaderAtCloser, int64, error) {
	return closer{strings.NewReader(c.a)}, int64(len(c.a)), nil
}

func (c bytesOf) OpenB() (diff.ReaderAtCloser, int64, error) {
	return closer{strings.NewReader(c.b)}, int64(len(c.b)), nil
}

const evil = "evil\x1b[31m\u202e\n<script>alert(1)</script>`|[x](y)@me"

func side(name string, n int64) *diff.Side {
	return &diff.Side{Name: name, Size: n, Digest: chain.SHA256([32]byte{byte(n)})}
}

// sample is a tree with one of everything.
func sample() *diff.Node {
	text := &diff.Node{Kind: diff.KindText, Name: "etc/conf", Status: diff.Differs, A: side("etc/conf", 30), B: side("etc/conf", 31),
		Content: bytesOf{"one\ntwo\nthree\n", "one\n2\nthree"}, RangesA: []diff.Range{{Off: 4, Len: 3}}, RangesB: []diff.Range{{Off: 4, Len: 1}},
		UnexplainedA: []diff.Range{{Off: 4, Len: 3}}, UnexplainedB: []diff.Range{{Off: 4, Len: 1}}, Residue: diff.ResidueKnown}
	binary := &diff.Node{Kind: diff.KindBinary, Name: "bin/tool", Status: diff.Differs, A: side("bin/tool", 40), B: side("bin/tool", 40),
		Content: bytesOf{strings.Repeat("\x00A", 20), strings.Repeat("\x00A", 10) + "\x00B" + strings.Repeat("\x00A", 9)},
		RangesA: []diff.Range{{Off: 21, Len: 1}}, RangesB: []diff.Range{{Off: 21, Len: 1}}, Residue: diff.ResidueKnown,
		UnexplainedA: []diff.Range{{Off: 21, Len: 1}}, UnexplainedB: []diff.Range{{Off: 21, Len: 1}},
		Reasons:    []diff.Reason{{Field: "mode", A: "0755", B: "4755", Cause: &diff.Cause{ID: "D7a", Name: "a set-id or sticky bit changed", Confidence: diff.Likely}}},
		Suspicions: []diff.Suspicion{{Kind: diff.SuspectString, What: "side B has the string \"/etc/\x1b[31mshadow\""}, {Kind: diff.SuspectPower, What: "its set-id bits differ: mode 0755 in A, 4755 in B"}}}
	var list []*diff.Node
	for i := range 6 {
		list = append(list, &diff.Node{Kind: diff.KindEntry, Name: fmt.Sprintf("doc/%d", i), Status: diff.Differs, Residue: diff.ResidueNone,
			Reasons: []diff.Reason{{Field: "mtime", A: "a", B: "b", Cause: &diff.Cause{ID: "B1", Name: "modification time", Confidence: diff.Proved, Fix: "SOURCE_DATE_EPOCH"}}}})
	}
	group := &diff.Node{Kind: diff.KindGroup, Name: "mtime of 6 entries", Status: diff.Differs, Count: 6, Residue: diff.ResidueNone, Children: list, Reasons: list[0].Reasons}
	only := &diff.Node{Kind: diff.KindEntry, Name: evil, Status: diff.OnlyB, B: side(evil, 3), Residue: diff.ResidueKnown}
	unread := &diff.Node{Kind: diff.KindLayer, Name: "layer 2", Status: diff.Unreadable, Note: "the bytes end early"}
	layer := &diff.Node{Kind: diff.KindLayer, Name: "layer 1", Status: diff.Differs, Children: []*diff.Node{text, binary, group, only}, Equal: 7, Residue: diff.ResidueKnown,
		Reasons: []diff.Reason{{Field: "digest", A: "1", B: "2", Cause: &diff.Cause{ID: "derived", Name: "hash of what is below", Confidence: diff.Derived}}}}
	return &diff.Node{Kind: diff.KindImage, Name: "image", Status: diff.Differs, A: side("a:1", 1), B: side("b:2", 2), Residue: diff.ResidueUnexamined, Children: []*diff.Node{layer, unread}}
}

var writers = map[string]func(io.Writer, *diff.Node, Options) error{"txt": Text, "md": Markdown, "html": HTML, "json": JSON}

func TestGolden(t *testing.T) {
	for ext, write := range writers {
		var b bytes.Buffer
		if err := write(&b, sample(), Options{A: "a:1", B: evil, Complete: true}); err != nil {
			t.Fatal(err)
		}
		golden := filepath.Join("testdata", "sample."+ext)
		if *update {
			os.MkdirAll("testdata", 0o755)
			if err := os.WriteFile(golden, b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(b.Bytes(), want) {
			t.Errorf("%s is not what it was; look at it, and write it anew with -update:\n%s", golden, b.String())
		}
		checkSafe(t, ext, b.Bytes())
	}
}

// checkSafe holds a report to be plain text, and markup to be its own.
func checkSafe(t *testing.T, ext string, p []byte) {
	t.Helper()
	for _, r := range string(p) {
		if r != '\n' && (unicode.IsControl(r) || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069) {
			if ext == "json" {
				continue
			}
			t.Fatalf("%s holds the raw character %U", ext, r)
		}
	}
	switch ext {
	case "json":
		var v map[string]any
		if err := json.Unmarshal(p, &v); err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(p, []byte{0x1b}) {
			t.Fatal("JSON holds a raw escape")
		}
	case "html":
		if bytes.Contains(p, []byte("<script>alert")) {
			t.Fatal("markup got through")
		}
		// The script is no markup.
		d := xml.NewDecoder(bytes.NewReader(bytes.Replace(p, []byte(reportJS), nil, 1)))
		d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
		for {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("HTML: %v", err)
			}
		}
	}
}

func TestSummary(t *testing.T) {
	s := Summarize(sample(), true)
	if s.Complete || s.Differing != 9 || s.Explained != 6 || s.Equal != 7 || len(s.Unexplained) != 3 || len(s.Suspicious) != 2 || len(s.Unread) != 1 {
		t.Fatalf("%+v", s)
	}
	if s.Suspicious[0].node.Name != "bin/tool" || s.Unexplained[0].node.Name != "bin/tool" {
		t.Fatalf("the program does not come first: %+v", s.Unexplained)
	}
	if c := s.Causes[0]; c.ID != "B1" || c.Entries != 6 || c.Confidence != diff.Proved {
		t.Fatalf("%+v", s.Causes)
	}
}

func TestOnlyAndFold(t *testing.T) {
	write := func(o Options) string {
		var b bytes.Buffer
		o.Complete = true
		if err := Text(&b, sample(), o); err != nil {
			t.Fatal(err)
		}
		_, tree, _ := strings.Cut(b.String(), "\n\n")
		return tree
	}
	if out := write(Options{Only: []string{"conf"}}); !strings.Contains(out, "etc/conf") || strings.Contains(out, "bin/tool") || !strings.Contains(out, "left out by --only") {
		t.Error(out)
	}
	if out := write(Options{Fold: []string{"B1"}}); strings.Contains(out, "doc/1") || !strings.Contains(out, "folded: modification time") {
		t.Error(out)
	}
	if out := write(Options{Full: true}); !strings.Contains(out, "doc/5") {
		t.Error(out)
	}
	if out := write(Options{}); strings.Contains(out, "doc/5") || !strings.Contains(out, "3 more entries") {
		t.Error(out)
	}
	if out := write(Options{Stat: true}); out != "" {
		t.Error(out)
	}
}

// FuzzRender gives every report names and content of any kind.
func FuzzRender(f *testing.F) {
	f.Add(evil, "one\n", "two", uint8(2))
	f.Add("```\n", "```", "\x00\xff", uint8(4))
	f.Fuzz(func(t *testing.T, name, a, b string, status uint8) {
		n := sample()
		n.Children = append(n.Children, &diff.Node{Kind: diff.KindText, Name: name, Note: a, Status: diff.Status(status % 6), Content: bytesOf{a, b},
			Reasons: []diff.Reason{{Field: name, A: a, B: b, Cause: &diff.Cause{ID: "X", Name: name, Evidence: b}}}},
			&diff.Node{Kind: diff.KindBinary, Name: name, Status: diff.Differs, Content: bytesOf{a, b}, RangesA: []diff.Range{{Off: 0, Len: int64(len(a))}}, RangesB: []diff.Range{{Off: 0, Len: int64(len(b))}}})
		for ext, write := range writers {
			var out bytes.Buffer
			if err := write(&out, n, Options{A: name, B: b}); err != nil {
				t.Fatal(err)
			}
			checkSafe(t, ext, out.Bytes())
		}
	})
}

func BenchmarkText(b *testing.B) {
	n := sample()
	layer := n.Children[0]
	for i := range 50_000 {
		layer.Children = append(layer.Children, &diff.Node{Kind: diff.KindEntry, Name: fmt.Sprint("f", i), Status: diff.Differs, Reasons: []diff.Reason{{Field: "mode", A: "1", B: "2"}}})
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := Text(io.Discard, n, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

// TestBounds shows that what a bound leaves out is counted at its place, in
// every format.
func TestBounds(t *testing.T) {
	root := sample()
	layer := root.Children[0]
	for i := range 3000 {
		layer.Children = append(layer.Children, &diff.Node{Kind: diff.KindEntry, Name: fmt.Sprintf("more/%04d", i), Status: diff.OnlyB, Residue: diff.ResidueKnown})
	}
	big := &diff.Node{Kind: diff.KindBinary, Name: "big", Status: diff.Differs, Residue: diff.ResidueKnown, RangesA: []diff.Range{{Off: 0, Len: 1 << 20}}, RangesB: []diff.Range{{Off: 0, Len: 1 << 20}},
		Content: bytesOf{strings.Repeat("a", 1<<20), strings.Repeat("b", 1<<20)}}
	layer.Children = append(layer.Children, big)
	write := func(ext string, o Options) string {
		var b bytes.Buffer
		if err := writers[ext](&b, root, o); err != nil {
			t.Fatal(err)
		}
		checkSafe(t, ext, b.Bytes())
		return b.String()
	}
	for ext, said := range map[string]string{"txt": "more differences left out (--max-report", "md": "more differences left out (--max-report", "html": "more differences left out (--max-report", "json": `"leftOut":`} {
		short, whole := write(ext, Options{MaxBytes: 4000}), write(ext, Options{})
		if ext == "html" {
			whole, _ = unpacked(t, whole)
		}
		if !strings.Contains(short, said) || len(short) > len(whole)*3/4 {
			t.Errorf("%s: %d of %d bytes, without %q", ext, len(short), len(whole), said)
		}
		if strings.Contains(whole, "--max-report") {
			t.Errorf("%s: something is left out though nothing was asked", ext)
		}
		if ext != "json" && ext != "html" && !strings.Contains(whole, "more bytes (--full shows them)") {
			t.Errorf("%s: what is left out of a range is not said", ext)
		}
	}
	if out := write("txt", Options{MaxLines: 1000}); !strings.Contains(out, "00003e70  61") {
		t.Error("--max-lines shows no more")
	}
}
