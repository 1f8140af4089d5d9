package diff

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// rawHeader is a header block that says what a test wants it to.
func rawHeader(name string, typ byte, size int64, magic string) []byte {
	h := make([]byte, 512)
	copy(h, name)
	copy(h[100:], "0000644\x000000000\x000000000\x00")
	copy(h[124:], fmt.Sprintf("%011o\x00", size))
	copy(h[136:], "00000000001\x00        ")
	h[156] = typ
	copy(h[257:], magic)
	sum := 0
	for _, c := range h {
		sum += int(c)
	}
	copy(h[148:], fmt.Sprintf("%06o\x00 ", sum))
	return h
}

const (
	ustar = "ustar\x0000"
	gnu   = "ustar  \x00"
)

// paxRecord puts the length in front of a record that itself is a part of.
func paxRecord(r string) string {
	for n := len(r) + 3; ; n++ {
		if s := fmt.Sprintf("%d %s\n", n, r); len(s) == n {
			return s
		}
	}
}

func padded(s string) []byte { return append([]byte(s), make([]byte, (512-len(s)%512)%512)...) }

// endless is an archive of empty files that never ends.
type endless struct {
	n    int
	rest []byte
}

func (e *endless) Read(p []byte) (int, error) {
	if len(e.rest) == 0 {
		e.rest = rawHeader(fmt.Sprintf("%x", e.n), '0', 0, ustar)
		e.n++
	}
	n := copy(p, e.rest)
	e.rest = e.rest[n:]
	return n, nil
}

// TestEndlessArchive shows that an archive of a billion entries ends at a bound,
// which is said, and costs memory for what differs only.
func TestEndlessArchive(t *testing.T) {
	const most = 50_000
	x := NewExaminer(Options{Limits: Limits{Members: most}})
	n := &Node{Kind: KindTar}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	if err := x.Streams(t.Context(), n, newTarStream(&endless{}, nil), newTarStream(&endless{}, nil)); err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if n.Status == Same || !n.Capped || !strings.Contains(n.Note, "more than 50000 members") {
		t.Fatal(sketch(n, ""))
	}
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 10<<20 {
		t.Errorf("%d bytes are held of what is equal", grown)
	}
}

// TestLongPath shows that a path of a megabyte is a name like any other, and
// that a longer one than archives can have is refused.
func TestLongPath(t *testing.T) {
	long := strings.Repeat("p/", 500_000) + "f"
	a, b := tarBytes(t, file{name: long, body: "1"}), tarBytes(t, file{name: long, body: "2"})
	n := compare(t, imageSpec{layers: [][]byte{a}}, imageSpec{layers: [][]byte{b}}, Options{})
	if f := mustFind(t, n, long); f.Status != Differs || len(f.RangesA) != 1 {
		t.Error(f.Status, f.Note)
	}
	rec := paxRecord("path=" + long + long + long)
	tooLong := bytes.Join([][]byte{rawHeader("PaxHeaders/f", 'x', int64(len(rec)), ustar), padded(rec), rawHeader("f", '0', 1, ustar), padded("1"), make([]byte, 1024)}, nil)
	n = compare(t, imageSpec{layers: [][]byte{a}}, imageSpec{layers: [][]byte{tooLong}}, Options{})
	if l := mustFind(t, n, "layer 1"); n.Status != Differs || !l.Capped || l.Note == "" {
		t.Error(n.Status, l.Note)
	}
}

// TestMixedFormats shows that an entry with a GNU long name and PAX records, and
// archives that change their format midway, are compared as the readers of
// layers read them.
func TestMixedFormats(t *testing.T) {
	long := strings.Repeat("long/", 60) + "name"
	build := func(user, body string) []byte {
		pax := paxRecord("SCHILY.xattr.user.k=" + user)
		var b bytes.Buffer
		for _, p := range [][]byte{
			rawHeader("././@LongLink", 'L', int64(len(long)+1), gnu), padded(long + "\x00"),
			rawHeader("PaxHeaders/x", 'x', int64(len(pax)), ustar), padded(pax),
			rawHeader("short", '0', int64(len(body)), gnu), padded(body),
			rawHeader("after", '0', 1, ustar), padded("x"),
			make([]byte, 1024),
		} {
			b.Write(p)
		}
		return b.Bytes()
	}
	n := compare(t, imageSpec{layers: [][]byte{build("1", "one")}}, imageSpec{layers: [][]byte{build("2", "two")}}, Options{})
	l := mustFind(t, n, "layer 1")
	if len(l.Children) != 1 || l.Capped || l.Children[0].Name != long || l.Children[0].Reasons[0].Field != "xattr user.k" {
		t.Error(sketch(l, ""))
	}
	if n := compare(t, imageSpec{layers: [][]byte{build("1", "one")}}, imageSpec{layers: [][]byte{build("1", "one")}}, Options{}); n.Status != Same {
		t.Error(sketch(n, ""))
	}
}

// TestVeryDeepNesting opens archives within archives, a thousand deep.
func TestVeryDeepNesting(t *testing.T) {
	// Without its end an archive is a header and a content, so that all headers
	// come first.
	nest := func(body string) []byte {
		var b bytes.Buffer
		b.Write(rawHeader("in.tar", '0', int64(512*1000), ustar))
		for k := range 999 {
			b.Write(rawHeader("in.tar", '0', int64(512*(999-k)), ustar))
		}
		b.Write(padded(body))
		return b.Bytes()
	}
	n := compare(t, imageSpec{layers: [][]byte{nest("one")}}, imageSpec{layers: [][]byte{nest("two")}}, Options{})
	depth := 0
	for c := mustFind(t, n, "layer 1"); len(c.Children) > 0; c = c.Children[0] {
		depth++
	}
	if !n.Capped || n.Status != Differs || depth < 20 || depth > 30 || !strings.Contains(sketch(n, ""), "not opened") {
		t.Errorf("%d deep:\n%s", depth, sketch(n, ""))
	}
}

// TestLoops compares file systems with symlinks that lead to themselves, and
// whiteouts and entries below them.
func TestLoops(t *testing.T) {
	loops := []file{{name: "a", typ: '2', link: "b"}, {name: "b", typ: '2', link: "a"}, {name: "self", typ: '2', link: "self/x"},
		{name: "self/below", body: "x"}, {name: "up", typ: '2', link: "../../../../.."}, {name: "up/etc/passwd", body: "root"},
		{name: "hard", typ: '1', link: "nowhere"}, {name: "a/.wh.gone"}, {name: ".wh...", body: ""}}
	one := imageSpec{layers: [][]byte{tarBytes(t, loops...)}}
	two := imageSpec{layers: [][]byte{tarBytes(t, loops[:4]...), tarBytes(t, loops[4:]...)}}
	n := compare(t, one, two, Options{})
	if fs := mustFind(t, n, "effective file system"); n.Status != Differs || fs.Status == NotChecked && fs.Note == "" {
		t.Error(sketch(n, ""))
	}
	if n := compare(t, one, one, Options{}); n.Status != Same {
		t.Error(sketch(n, ""))
	}
}

// TestTruncatedZstd shows that a zstd stream without its end is not taken for
// one that has it.
func TestTruncatedZstd(t *testing.T) {
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b, zstd.WithEncoderCRC(true))
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(w, bulk(1, 300_000))
	w.Close()
	for _, size := range []int{b.Len() - 1, b.Len() - 5, b.Len() / 2} {
		r, err := zstd.NewReader(bytes.NewReader(b.Bytes()[:size]))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := NewExaminer(Options{}).Keep(t.Context(), "f", r); err == nil {
			t.Errorf("the first %d of %d bytes are taken for the whole", size, b.Len())
		}
		r.Close()
	}
}

// zeros is a content of any size that costs nothing.
type zeros struct{ left int64 }

func (z *zeros) Read(p []byte) (int, error) {
	if z.left == 0 {
		return 0, io.EOF
	}
	n := min(int64(len(p)), z.left)
	clear(p[:n])
	z.left -= n
	return int(n), nil
}

// oneFile is a stream of one large member.
type oneFile struct {
	size int64
	done bool
}

func (s *oneFile) Next(context.Context) (*Member, error) {
	if s.done {
		return nil, io.EOF
	}
	s.done = true
	return &Member{Name: "bomb", Body: &zeros{s.size}, Size: -1, Raw: []byte{byte(s.size)}}, nil
}

func (s *oneFile) Close() error { return nil }

// TestBombInside shows that a member which decodes to more than the bound makes
// its container unreadable, whatever the other side has.
func TestBombInside(t *testing.T) {
	x := NewExaminer(Options{TempDir: t.TempDir(), Limits: Limits{Decoded: 8 << 20, Spool: 1 << 20}})
	n := &Node{Kind: KindTar}
	if err := x.Streams(t.Context(), n, &oneFile{size: 10 << 30}, &oneFile{size: 10<<30 + 1}); err != nil {
		t.Fatal(err)
	}
	if n.Status == Same || !n.Capped || !strings.Contains(n.Note, ErrLimit.Error()) {
		t.Fatal(sketch(n, ""))
	}
}

// TestOrderOfTrees compares one pair many times with many workers: the tree is
// the same each time.
func TestOrderOfTrees(t *testing.T) {
	var a, b []file
	for i := range 120 {
		f := file{name: fmt.Sprintf("d%d/f%03d", i%7, i), body: bulk(uint64(i), 900+i*31)}
		a = append(a, f)
		switch i % 5 {
		case 0:
			f.body = f.body[:300] + "changed" + f.body[300:]
		case 1:
			f.uid = i
		case 2:
			f.name += ".moved"
		case 3:
			f.body, f.name = bulk(uint64(i+1000), 500), f.name+".new"
		}
		b = append(b, f)
	}
	sa, sb := imageSpec{layers: [][]byte{tarBytes(t, a[:60]...), tarBytes(t, a[60:]...)}}, imageSpec{layers: [][]byte{tarBytes(t, b[:60]...), tarBytes(t, b[60:]...)}}
	sa.dir, sb.dir = t.TempDir(), t.TempDir()
	first := ""
	for i := range 20 {
		got := sketch(compare(t, sa, sb, Options{Workers: 1 + i}), "")
		if first == "" {
			first = got
		}
		if got != first {
			t.Fatalf("run %d differs from the first:\n%s\n---\n%s", i, got, first)
		}
	}
	if strings.Count(first, "\n") < 100 {
		t.Fatal(first)
	}
}
