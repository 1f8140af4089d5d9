package archive

import (
	"archive/zip"
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stagescope/stagescope/diff"
)

type file struct {
	name, body, mtime string
}

func ar(files ...file) []byte {
	b := bytes.NewBufferString(arMagic)
	for _, f := range files {
		if b.Len()%2 == 1 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(b, "%-16s%-12s%-6d%-6d%-8s%-10d`\n%s", f.name, f.mtime, 0, 0, "100644", len(f.body), f.body)
	}
	return b.Bytes()
}

type zfile struct {
	name, body string
	method     uint16
	at         time.Time
}

func zipped(t testing.TB, files ...zfile) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range files {
		e, err := w.CreateHeader(&zip.FileHeader{Name: f.name, Method: f.method, Modified: f.at})
		if err != nil {
			t.Fatal(err)
		}
		e.Write([]byte(f.body))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func pair(t testing.TB, a, b []byte) *diff.Node {
	t.Helper()
	in := func(b []byte) *diff.Input {
		return &diff.Input{ReaderAt: bytes.NewReader(b), Name: "f", Size: int64(len(b))}
	}
	x := diff.NewExaminer(diff.Options{TempDir: t.TempDir(), Limits: diff.Limits{Decoded: 4 << 20, Spool: 32 << 20, Members: 5000}})
	n, err := x.Pair(t.Context(), "", "f", in(a), in(b))
	if err != nil {
		t.Fatal(err)
	}
	n.Settle()
	return n
}

func sketch(n *diff.Node) string {
	s := fmt.Sprintf("%s %q %s residue %s %s\n", n.Kind, n.Name, n.Status, n.Residue, n.Note)
	for _, r := range n.Reasons {
		s += fmt.Sprintf("  - %s: %s -> %s %+v\n", r.Field, r.A, r.B, r.Cause)
	}
	for _, c := range n.Children {
		s += sketch(c)
	}
	return s
}

func causes(n *diff.Node) (out []string) {
	for _, r := range n.Reasons {
		if r.Cause == nil {
			out = append(out, r.Field+"?")
		} else {
			out = append(out, r.Cause.ID)
		}
	}
	return out
}

func TestArTimes(t *testing.T) {
	n := pair(t, ar(file{"a.o/", "one", "1"}, file{"b.o/", "two", "1"}), ar(file{"a.o/", "one", "22"}, file{"b.o/", "two", "1"}))
	if n.Kind != KindAr || len(n.Children) != 1 || n.Residue != diff.ResidueNone || fmt.Sprint(causes(n.Children[0])) != "[D1c]" {
		t.Error(sketch(n))
	}
}

// TestArDeterministic: that one side was written with D and the other without is
// said.
func TestArDeterministic(t *testing.T) {
	n := pair(t, ar(file{"a.o/", "one", "0"}), ar(file{"a.o/", "one", "1700000000"}))
	if n.Residue != diff.ResidueNone || !strings.Contains(n.Children[0].Reasons[0].Cause.Evidence, "ar writes 0 with D") {
		t.Error(sketch(n))
	}
}

func TestArNames(t *testing.T) {
	long := strings.Repeat("x", 40) + ".o"
	gnu := func(body string) []byte { return ar(file{"//", long + "/\n", ""}, file{"/0", body, "0"}) }
	bsd := func(body string) []byte { return ar(file{"#1/42", long + body, "0"}) }
	for _, f := range []func(string) []byte{gnu, bsd} {
		n := pair(t, f("one"), f("two"))
		if len(n.Children) != 1 || n.Children[0].Name != long || n.Residue == diff.ResidueNone {
			t.Error(sketch(n))
		}
	}
}

func TestArOrder(t *testing.T) {
	a, b := file{"a.o/", "oneX", "0"}, file{"b.o/", "twoX", "0"}
	n := pair(t, ar(a, b), ar(b, a))
	if n.Status != diff.Differs || len(n.Reasons) != 1 || n.Reasons[0].Field != "order of the members" {
		t.Error(sketch(n))
	}
}

func TestBrokenArchives(t *testing.T) {
	good := ar(file{"a.o/", "one!", "0"}, file{"/9", "x", "0"})
	z := zipped(t, zfile{name: "a", body: strings.Repeat("one ", 100), method: zip.Deflate})
	flipped := bytes.Clone(z)
	flipped[33] ^= 0x10
	negative := bytes.Replace(ar(file{"a.o/", "one!", "0"}), []byte("4         `"), []byte("-4        `"), 1)
	for i, p := range [][2][]byte{{good, good[:len(good)-1]}, {negative, good}, {z, flipped}, {z, z[:len(z)-5]}} {
		n := pair(t, p[0], p[1])
		// What comes before the damage is compared, where anything does.
		if n.Status != diff.Differs || n.Residue == diff.ResidueNone || n.Note == "" || (n.Kind == KindAr || n.Kind == KindZip) && !n.Capped {
			t.Errorf("%d: %s", i, sketch(n))
		}
	}
}

func TestZipTimes(t *testing.T) {
	at := time.Date(2024, 2, 3, 4, 5, 6, 0, time.UTC)
	body := strings.Repeat("content ", 50)
	n := pair(t, zipped(t, zfile{"a", body, zip.Deflate, at}, zfile{"b", "b", zip.Store, at}),
		zipped(t, zfile{"a", body, zip.Deflate, at.Add(time.Hour)}, zfile{"b", "b", zip.Store, at}))
	if n.Kind != KindZip || len(n.Children) != 1 || n.Residue != diff.ResidueNone {
		t.Fatal(sketch(n))
	}
	for _, c := range causes(n.Children[0]) {
		if c != "D1c" {
			t.Error(sketch(n))
		}
	}
}

// One changed member is one node, and not the offsets of all after it.
func TestZipContent(t *testing.T) {
	at := time.Date(2024, 2, 3, 4, 5, 6, 0, time.UTC)
	n := pair(t, zipped(t, zfile{"a", "short", zip.Deflate, at}, zfile{"b", "b", zip.Store, at}),
		zipped(t, zfile{"a", strings.Repeat("longer ", 9), zip.Deflate, at}, zfile{"b", "b", zip.Store, at}))
	var members []string
	for _, c := range n.Children {
		members = append(members, c.Name)
	}
	if n.Residue == diff.ResidueNone || members[0] != "a" || strings.Contains(fmt.Sprint(members), "b ") {
		t.Error(sketch(n))
	}
}

// Bytes that belong to no member are still compared, as is the comment.
func TestZipHiddenBytes(t *testing.T) {
	at := time.Date(2024, 2, 3, 4, 5, 6, 0, time.UTC)
	z := zipped(t, zfile{"a", "x", zip.Store, at})
	c := append(bytes.Clone(z), "hi"...)
	c[len(z)-2] = 2
	n := pair(t, z, c)
	if n.Kind != KindZip || n.Status != diff.Differs || n.Residue != diff.ResidueKnown {
		t.Error(sketch(n))
	}
}

func TestHostileNames(t *testing.T) {
	at := time.Date(2024, 2, 3, 4, 5, 6, 0, time.UTC)
	for _, name := range []string{"../../etc/passwd", "/etc/passwd", strings.Repeat("d/", 30000) + "f", "\x1b[31m\n"} {
		n := pair(t, zipped(t, zfile{name, "x", zip.Store, at}, zfile{name, "y", zip.Store, at}), zipped(t, zfile{name, "x", zip.Store, at}, zfile{name, "z", zip.Store, at}))
		if n.Kind != KindZip || n.Residue == diff.ResidueNone {
			t.Errorf("%.40q: %s %s", name, n.Kind, n.Residue)
		}
	}
}

func TestZipBomb(t *testing.T) {
	at := time.Date(2024, 2, 3, 4, 5, 6, 0, time.UTC)
	bomb := func(c string) []byte { return zipped(t, zfile{"a", strings.Repeat(c, 5<<20), zip.Deflate, at}) }
	if n := pair(t, bomb("a"), bomb("b")); n.Status != diff.Differs || n.Residue == diff.ResidueNone || n.Kind == KindZip || !n.Capped {
		t.Error(sketch(n))
	}
	many := bytes.Repeat(ar(file{"a.o/", "", "0"})[len(arMagic):], 6000)
	n := pair(t, append([]byte(arMagic), many...), append([]byte(arMagic), many[:len(many)-60]...))
	if n.Status != diff.Differs || n.Residue == diff.ResidueNone || !n.Capped {
		t.Error(sketch(n)[:200])
	}
}

func TestDeepNesting(t *testing.T) {
	a, b := []byte("one"), []byte("two")
	for range 1000 {
		a, b = ar(file{"n/", string(a), "0"}), ar(file{"n/", string(b), "0"})
	}
	if n := pair(t, a, b); n.Status != diff.Differs || n.Residue == diff.ResidueNone {
		t.Errorf("%s, residue %s", n.Status, n.Residue)
	}
}

func fuzz(t *testing.T, a, b []byte) {
	n := pair(t, a, b)
	if bytes.Equal(a, b) != (n.Status == diff.Same) {
		t.Fatal(sketch(n))
	}
	if n.Status == diff.Differs && n.Residue == diff.ResidueNone && len(n.Reasons) == 0 && len(n.Children) == 0 {
		t.Fatal("no residue without a cause: " + sketch(n))
	}
}

func FuzzAr(f *testing.F) {
	a := ar(file{"a.o/", "one", "1"}, file{"b.o/", "two", "1"})
	f.Add(a, ar(file{"a.o/", "one", "2"}))
	f.Add(a, ar(file{"//", "long/\n", ""}, file{"/0", "x", "0"}))
	f.Fuzz(fuzz)
}

func FuzzZip(f *testing.F) {
	at := time.Date(2024, 2, 3, 4, 5, 6, 0, time.UTC)
	a := zipped(f, zfile{"a", "content content", zip.Deflate, at}, zfile{"b", "b", zip.Store, at})
	f.Add(a, zipped(f, zfile{"a", "content content", zip.Deflate, at.Add(time.Hour)}))
	f.Add(a, a[:len(a)-1])
	f.Add(zip64(false, 5, []string{"a", "b"}, "one", "two"), zip64(true, 5, []string{"a", "b"}, "one", "two"))
	f.Fuzz(fuzz)
}

// TestCutZip compares zip archives whose directory is cut off by the headers before
// the members.
func TestCutZip(t *testing.T) {
	random := make([]byte, 20_000)
	rand.NewChaCha8([32]byte{1}).Read(random)
	child := func(n *diff.Node, name string) *diff.Node {
		for _, c := range n.Children {
			if c.Name == name {
				return c
			}
		}
		return nil
	}
	at := time.Date(2024, 2, 3, 4, 5, 6, 0, time.UTC)
	for _, method := range []uint16{zip.Store, zip.Deflate} {
		files := func(early string) []byte {
			return zipped(t, zfile{"early", early, zip.Deflate, at}, zfile{"mid", strings.Repeat("text ", 100), zip.Deflate, at}, zfile{"late", string(random), method, at})
		}
		a, b := files("one"), files("two")
		n := pair(t, a, b[:len(b)-15_000])
		e, l := child(n, "early"), child(n, "late")
		if n.Kind != KindZip || n.Status != diff.Differs || !n.Capped || n.Residue == diff.ResidueNone || e == nil || e.Status != diff.Differs {
			t.Fatalf("method %d: %s", method, sketch(n))
		}
		if method == zip.Deflate && (l == nil || l.Status != diff.Unreadable || !strings.Contains(l.Note, "bytes are equal")) {
			t.Errorf("method %d: %s", method, sketch(n))
		}
		if method == zip.Store {
			continue // the last says how long it is in the directory alone
		}
		if n = pair(t, a, a[:len(a)-3]); n.Kind != KindZip || len(n.Children) != 0 || !strings.Contains(n.Note, "no member begins at byte") || !n.Capped {
			t.Errorf("method %d, only the end is cut: %s", method, sketch(n))
		}
	}
}
