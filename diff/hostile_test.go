package diff

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"

	"github.com/stagescope/stagescope/chain/image"
)

func inputOf(b []byte) *Input {
	return &Input{ReaderAt: bytes.NewReader(b), Name: "f", Size: int64(len(b))}
}

// hunksCover checks that what is outside the ranges of a node is equal.
func hunksCover(n *Node, a, b []byte) error {
	if len(n.RangesA) != len(n.RangesB) {
		return fmt.Errorf("%d ranges of A, %d of B", len(n.RangesA), len(n.RangesB))
	}
	var pa, pb int64
	for i, r := range append(n.RangesA[:len(n.RangesA):len(n.RangesA)], Range{int64(len(a)), 0}) {
		q := Range{int64(len(b)), 0}
		if i < len(n.RangesB) {
			q = n.RangesB[i]
		}
		if r.Off < pa || q.Off < pb || r.Off > int64(len(a)) || q.Off > int64(len(b)) {
			return fmt.Errorf("range %d: %v %v after %d %d", i, r, q, pa, pb)
		}
		if !bytes.Equal(a[pa:r.Off], b[pb:q.Off]) {
			return fmt.Errorf("before range %d: %v %v something differs", i, r, q)
		}
		pa, pb = r.Off+r.Len, q.Off+q.Len
	}
	return nil
}

// FuzzPair holds every comparison of two contents to its promise: what differs
// is never the same, and what lies outside the ranges is equal.
func FuzzPair(f *testing.F) {
	f.Add([]byte("one\ntwo\nthree\n"), []byte("one\n2\nthree\n"))
	f.Add(bytes.Repeat([]byte{0, 1, 2, 250}, 100), bytes.Repeat([]byte{0, 1, 2, 251}, 120))
	f.Add([]byte{}, []byte("x"))
	f.Add([]byte("\xff\xfe"), []byte("\r\n"))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		x := NewExaminer(Options{TempDir: t.TempDir()})
		n, err := x.Pair(t.Context(), "", "f", inputOf(a), inputOf(b))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Equal(a, b) != (n.Status == Same) {
			t.Fatalf("status %s", n.Status)
		}
		n.Settle()
		if n.Status == Differs && n.Residue == ResidueNone && (len(n.Reasons) == 0 || !established(n.Reasons)) {
			t.Fatalf("no residue without a cause:\n%s", sketch(n, ""))
		}
		if n.Status == Differs && len(n.Children)+n.Equal == 0 {
			if err := hunksCover(n, a, b); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// FuzzTar gives the archive reader anything: it must end, without a panic, and
// never call different archives the same.
func FuzzTar(f *testing.F) {
	a := tarBytes(f, base...)
	f.Add(a, a)
	f.Add(a, a[:len(a)-700])
	f.Add(tarBytes(f, file{name: strings.Repeat("long/", 60) + "name", body: "x", xattrs: map[string]string{"user.a": "b"}}), a)
	f.Fuzz(func(t *testing.T, a, b []byte) {
		x := NewExaminer(Options{TempDir: t.TempDir(), Limits: Limits{Members: 1000, Decoded: 1 << 22, Spool: 1 << 24}})
		n := &Node{Kind: KindTar}
		if err := x.Streams(t.Context(), n, tarOf(inputOf(a)), tarOf(inputOf(b))); err != nil {
			t.Fatal(err)
		}
		if n.Status == Same && !bytes.Equal(a, b) {
			t.Fatalf("different archives are the same:\n%s", sketch(n, ""))
		}
	})
}

func TestAlignment(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	random := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return b
	}
	p := random(100_000)
	insert := bytes.Join([][]byte{p[:40_000], random(777), p[40_000:]}, nil)
	cut := bytes.Join([][]byte{p[:20_000], p[20_500:60_000], []byte("!!!!"), p[60_010:]}, nil)
	for name, tc := range map[string]struct {
		b    []byte
		most int64 // bytes that may be called changed
	}{"inserted": {insert, 777 + 64}, "cut": {cut, 500 + 10 + 4 + 200}} {
		n, err := NewExaminer(Options{}).Pair(t.Context(), "", "f", inputOf(p), inputOf(tc.b))
		if err != nil {
			t.Fatal(err)
		}
		var sum int64
		for i := range n.RangesA {
			sum += n.RangesA[i].Len + n.RangesB[i].Len
		}
		if sum > tc.most || sum == 0 {
			t.Errorf("%s: %d bytes differ, in %v and %v", name, sum, n.RangesA, n.RangesB)
		}
		if err := hunksCover(n, p, tc.b); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestHostileArchives shows that odd archives are compared or refused, and never
// followed.
func TestHostileArchives(t *testing.T) {
	odd := []file{
		{name: "../../etc/passwd", body: "x"}, {name: "/abs", body: "y"}, {name: "./a/../b", body: "z"},
		{name: "to", typ: '2', link: "../../../.."}, {name: "hard", typ: '1', link: "nowhere"},
		{name: "\x1b[31mred\u202e\n", body: "q"}, {name: "\xff\xfe", body: "w"},
		{name: strings.Repeat("p/", 50_000) + "deep", body: "d"},
	}
	other := append([]file(nil), odd...)
	other[0].body, other[5].body, other[7].body = "X", "Q", "D"
	n := compare(t, imageSpec{layers: [][]byte{tarBytes(t, odd...)}}, imageSpec{layers: [][]byte{tarBytes(t, other...)}}, Options{})
	l := mustFind(t, n, "layer 1")
	if len(l.Children) != 3 || l.Capped || l.Equal != len(odd)-3+1 {
		t.Fatal(sketch(l, ""))
	}
	if mustFind(t, n, "etc/passwd").Reasons != nil {
		t.Error(sketch(l, ""))
	}
	if n := compare(t, imageSpec{layers: [][]byte{tarBytes(t, odd...)}}, imageSpec{layers: [][]byte{tarBytes(t, odd...)}}, Options{}); n.Status != Same {
		t.Error(sketch(n, ""))
	}
}

// TestBrokenArchives shows that what cannot be read makes a layer unreadable,
// with its reason, and its image not the same.
func TestBrokenArchives(t *testing.T) {
	whole := tarBytes(t, base...)
	for name, l := range map[string][]byte{
		"cut in a header":  whole[:1600],
		"cut in a content": whole[:1030],
		"garbage":          append(bytes.Repeat([]byte("garbage!"), 64), whole...),
		"negative size":    badSize(whole),
	} {
		n := compare(t, imageSpec{layers: [][]byte{whole}}, imageSpec{layers: [][]byte{l}}, Options{})
		f := mustFind(t, n, "layer 1")
		if n.Status != Differs || f.Note == "" || !f.Capped || f.Residue == ResidueNone {
			t.Errorf("%s:\n%s", name, sketch(n, ""))
		}
	}
}

func badSize(p []byte) []byte {
	b := bytes.Clone(p)
	copy(b[512+124:], "-0000000001\x00")
	sum := 0
	copy(b[512+148:], "        ")
	for _, c := range b[512:1024] {
		sum += int(c)
	}
	copy(b[512+148:], fmt.Sprintf("%06o\x00 ", sum))
	return b
}

// TestLimits shows that a limit that was hit is said and poisons what is above.
func TestLimits(t *testing.T) {
	var a, b []file
	for i := range 100 {
		f := file{name: fmt.Sprintf("f%03d", i), body: "1"}
		a = append(a, f)
		f.body = "2"
		b = append(b, f)
	}
	sa, sb := imageSpec{layers: [][]byte{tarBytes(t, a...)}}, imageSpec{layers: [][]byte{tarBytes(t, b...)}}
	n := compare(t, sa, sb, Options{Limits: Limits{Nodes: 10}})
	if !n.Capped || !strings.Contains(mustFind(t, n, "layer 1").Note, "90 more") {
		t.Error(sketch(n, ""))
	}
	n = compare(t, sa, sb, Options{Limits: Limits{Members: 10}})
	if !n.Capped || n.Residue != ResidueUnexamined && n.Residue != ResidueKnown {
		t.Error(sketch(n, ""))
	}
	n = compare(t, sa, sb, Options{Exclude: []string{"f00*"}})
	if l := mustFind(t, n, "layer 1"); len(l.Children) == 0 || !strings.Contains(l.Note, "10 differing members match") || !n.Capped {
		t.Error(sketch(n, ""))
	}
}

// TestDeepNesting shows that archives within archives end at a depth, and that
// this is said.
func TestDeepNesting(t *testing.T) {
	nest := func(body string) []byte {
		p := []byte(body)
		for range 40 {
			p = tarBytes(t, file{name: "in.tar", body: string(p)})
		}
		return p
	}
	n := compare(t, imageSpec{layers: [][]byte{nest("one")}}, imageSpec{layers: [][]byte{nest("two")}}, Options{})
	if !n.Capped || n.Status != Differs || !strings.Contains(sketch(n, ""), "not opened") {
		t.Error(sketch(n, ""))
	}
}

// TestFullSpool shows that content that could not be kept is read again.
func TestFullSpool(t *testing.T) {
	a := []file{{name: "z", body: strings.Repeat("a", 600<<10)}, {name: "y", body: strings.Repeat("b", 600<<10)}}
	b := []file{{name: "y", body: strings.Repeat("c", 600<<10)}, {name: "z", body: strings.Repeat("a", 600<<10)}}
	n := compare(t, imageSpec{layers: [][]byte{tarBytes(t, a...)}}, imageSpec{layers: [][]byte{tarBytes(t, b...)}}, Options{Limits: Limits{Spool: 1 << 20}})
	f := mustFind(t, n, "y")
	if f.Status != Differs || len(f.RangesA) == 0 && f.Note == "" {
		t.Fatal(sketch(n, ""))
	}
	if z := find(n, "z"); z != nil {
		t.Error("equal content differs when it was not kept")
	}
}

func TestCancel(t *testing.T) {
	ra, rb := imageSpec{layers: [][]byte{tarBytes(t, base...)}}.write(t), imageSpec{layers: [][]byte{tarBytes(t, base[:2]...)}}.write(t)
	ctx, cancel := context.WithCancel(t.Context())
	c, err := Refs(ctx, ra, rb, image.Options{}, Options{Progress: func(Progress) { cancel() }})
	if err == nil {
		t.Skip("it was over before it could be cancelled")
	}
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if c != nil {
		if c.Root.Status == Same {
			t.Error("a cancelled comparison says same")
		}
		c.Close()
	}
}

// TestDirectories compares directories with links, odd files and modes.
func TestDirectories(t *testing.T) {
	mk := func(body string, mode os.FileMode) string {
		d := t.TempDir()
		os.MkdirAll(filepath.Join(d, "sub"), 0o755)
		os.WriteFile(filepath.Join(d, "sub", "f"), []byte(body), 0o644)
		os.Chmod(filepath.Join(d, "sub", "f"), mode)
		os.Symlink("/etc/passwd", filepath.Join(d, "out"))
		return d
	}
	a, b := mk("one\n", 0o644), mk("two\n", 0o600)
	n, err := NewExaminer(Options{}).Paths(t.Context(), a, b)
	if err != nil {
		t.Fatal(err)
	}
	f := mustFind(t, n, "sub/f")
	if f.Kind != KindText || f.Reasons[0].Field != "mode" {
		t.Fatal(sketch(n, ""))
	}
	if find(n, "out") != nil && strings.Contains(sketch(n, ""), "link") {
		t.Error(sketch(n, ""))
	}
	if n, err = NewExaminer(Options{}).Paths(t.Context(), a, a); err != nil || n.Status != Same {
		t.Fatal(err, sketch(n, ""))
	}
	if _, err := NewExaminer(Options{}).Paths(t.Context(), a, filepath.Join(a, "sub", "f")); err == nil {
		t.Error("a directory was compared with a file")
	}
	if _, err := Refs(t.Context(), a, filepath.Join(a, "nothing"), image.Options{}, Options{}); err == nil {
		t.Error("a path that does not exist was compared")
	}
}

// TestBomb shows that a small blob that becomes large costs a bounded amount of
// memory, and that the limit is said.
func TestBomb(t *testing.T) {
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, 9)
	zero := make([]byte, 1<<20)
	for range 64 {
		z.Write(zero)
	}
	z.Close()
	x := NewExaminer(Options{Limits: Limits{Decoded: 1 << 20}})
	r, _ := gzip.NewReader(&b)
	if _, err := x.Keep(t.Context(), "bomb", r); !errors.Is(err, ErrLimit) {
		t.Fatal(err)
	}
}

// TestSparse shows that a hole of a petabyte is not walked through.
func TestSparse(t *testing.T) {
	var b bytes.Buffer
	hdr := func(name string, typ byte, size int) {
		h := make([]byte, 512)
		copy(h, name)
		copy(h[100:], "0000644\x000000000\x000000000\x00")
		copy(h[124:], fmt.Sprintf("%011o\x00", size))
		copy(h[136:], "00000000001\x00        ")
		h[156] = typ
		copy(h[257:], "ustar\x0000")
		sum := 0
		for _, c := range h {
			sum += int(c)
		}
		copy(h[148:], fmt.Sprintf("%06o\x00 ", sum))
		b.Write(h)
	}
	block := func(s string) {
		b.WriteString(s)
		b.Write(make([]byte, (512-len(s)%512)%512))
	}
	var recs strings.Builder
	for _, r := range []string{"GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.name=hole", "GNU.sparse.realsize=1125899906842624"} {
		for n := len(r) + 3; ; n++ {
			if s := fmt.Sprintf("%d %s\n", n, r); len(s) == n {
				recs.WriteString(s)
				break
			}
		}
	}
	hdr("PaxHeaders/hole", 'x', recs.Len())
	block(recs.String())
	hdr("GNUSparseFile/hole", '0', 512)
	block("1\n0\n0\n")
	b.Write(make([]byte, 1024))
	x := NewExaminer(Options{Limits: Limits{Decoded: 1 << 20}})
	n := &Node{Kind: KindTar}
	if err := x.Streams(t.Context(), n, tarOf(inputOf(b.Bytes())), tarOf(inputOf(tarBytes(t, base...)))); err != nil {
		t.Fatal(err)
	}
	if n.Status == Same || !strings.Contains(n.Note, ErrLimit.Error()) {
		t.Fatal(sketch(n, ""))
	}
}

// TestCutShort shows that a stream which was cut short is not taken for one that
// ended.
func TestCutShort(t *testing.T) {
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, 6)
	fmt.Fprint(z, strings.Repeat("some text ", 1000))
	z.Close()
	for _, size := range []int{b.Len() - 1, b.Len() - 9, b.Len() / 2} {
		r, err := gzip.NewReader(bytes.NewReader(b.Bytes()[:size]))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := NewExaminer(Options{}).Keep(t.Context(), "f", r); err == nil {
			t.Errorf("the first %d of %d bytes are taken for the whole", size, b.Len())
		}
	}
}

// TestBoundOmitsTheSame holds a bound on nodes to the same choice every time.
func TestBoundOmitsTheSame(t *testing.T) {
	var files []file
	for i := range 200 {
		files = append(files, file{name: fmt.Sprintf("f%03d", i), body: fmt.Sprint(i)})
	}
	a, b := imageSpec{layers: [][]byte{tarBytes(t, files...)}}, imageSpec{layers: [][]byte{tarBytes(t)}}
	var first []string
	for range 5 {
		var names []string
		for _, c := range mustFind(t, compare(t, a, b, Options{Limits: Limits{Nodes: 10}}), "layer 1").Children {
			names = append(names, c.Name)
		}
		if len(names) == 0 {
			t.Fatal("nothing is shown")
		}
		if first == nil {
			first = names
		}
		if !slices.Equal(names, first) {
			t.Fatalf("another time it shows %q, not %q", names, first)
		}
	}
}
