package pages

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
)

type numbers struct {
	n, reads int
	err      error
}

func (s *numbers) Lines(_ context.Context, from, n int) ([]string, error) {
	s.reads++
	var out []string
	for i := from; i < min(s.n, from+n); i++ {
		out = append(out, fmt.Sprint("line ", i))
	}
	return out, s.err
}

// feed runs a command and hands what it brings to the cache.
func feed(c *Cache, cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	switch m := cmd().(type) {
	case tea.BatchMsg:
		for _, k := range m {
			feed(c, k)
		}
	default:
		c.Update(m)
	}
}

func TestCacheReadsWhatIsWantedOnce(t *testing.T) {
	src := &numbers{n: 10_000}
	c := New(context.Background(), src, src.n)
	if _, ok := c.Line(5000); ok {
		t.Error("a line is there before it was read")
	}
	feed(c, c.Want(5000, 5040))
	feed(c, c.Want(5000, 5040))
	if l, ok := c.Line(5039); !ok || l != "line 5039" {
		t.Errorf("line is %q, %v", l, ok)
	}
	if src.reads != 1 {
		t.Errorf("read %d times", src.reads)
	}
	for i := 0; i < src.n; i += pageRows {
		feed(c, c.Want(i, i+1))
	}
	for i := 0; i < src.n; i += pageRows {
		feed(c, c.Want(i, i+1))
	}
	if len(c.pages) > maxPages {
		t.Errorf("%d pages are kept", len(c.pages))
	}
}

func TestCacheGrows(t *testing.T) {
	src := &numbers{n: 10}
	c := New(context.Background(), src, src.n)
	feed(c, c.Want(0, 10))
	src.n = 20
	c.Grow(20)
	feed(c, c.Want(0, 20))
	if l, ok := c.Line(19); !ok || l != "line 19" {
		t.Errorf("a line that came later is %q, %v", l, ok)
	}
	// A source that gives less than it promised is not asked for ever.
	c.Grow(30)
	feed(c, c.Want(0, 30))
	before := src.reads
	if c.Want(0, 30) != nil || src.reads != before {
		t.Error("a short page is asked for again and again")
	}
}

func TestCacheKeepsTheError(t *testing.T) {
	c := New(context.Background(), &numbers{n: 5, err: errors.New("gone")}, 5)
	feed(c, c.Want(0, 5))
	if c.Err() == nil {
		t.Error("an error of reading was lost")
	}
}

func TestSearch(t *testing.T) {
	src := &numbers{n: 9000}
	c := New(context.Background(), src, src.n)
	has := func(q string) func(string) bool { return func(s string) bool { return strings.HasSuffix(s, q) } }
	for _, tc := range []struct {
		q         string
		from, dir int
		want      int
	}{
		{" 8000", 0, 1, 8000}, {" 8000", 8000, 1, 8000}, {" 10", 20, 1, 10}, {" 10", 20, -1, 10}, {" 30", 20, -1, 30}, {"nothing", 0, 1, -1}, {" 0", -1, 1, 0},
	} {
		f := c.Search(context.Background(), tc.q, tc.from, tc.dir, has(tc.q))().(Found)
		if f.Row != tc.want || f.Err != nil || !f.For(c) {
			t.Errorf("%q from %d in direction %d is at %d (%v), want %d", tc.q, tc.from, tc.dir, f.Row, f.Err, tc.want)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if f := c.Search(ctx, "x", 0, 1, has("nothing"))().(Found); f.Err == nil {
		t.Error("a search that was called off says that it found nothing")
	}
}

func TestHex(t *testing.T) {
	data := []byte("\x7fELF 0123456789abcdef tail")
	h := Hex{R: bytes.NewReader(data), Size: int64(len(data))}
	rows, err := h.Lines(context.Background(), 0, 10)
	if err != nil || len(rows) != h.Len() {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	want := "00000000  7f 45 4c 46 20 30 31 32  33 34 35 36 37 38 39 61  .ELF 0123456789a"
	if rows[0] != want {
		t.Errorf("row is\n%q, want\n%q", rows[0], want)
	}
	for i, b := range data[:HexWidth] {
		if got := rows[0][HexCell(i) : HexCell(i)+2]; got != fmt.Sprintf("%02x", b) {
			t.Errorf("cell of byte %d holds %q", i, got)
		}
	}
	if rows[0][TextCell(1):TextCell(4)] != "ELF" {
		t.Errorf("text begins elsewhere: %q", rows[0][TextCell(0):])
	}
	if _, err := (Hex{R: bytes.NewReader(data), Size: 99}).Lines(context.Background(), 0, 9); err == nil {
		t.Error("a file that ends early is shown as if it did not")
	}
}

func TestText(t *testing.T) {
	text := "one\ntwo\r\n\n" + strings.Repeat("x", 2*longLine+5) + "\nlast"
	x, err := IndexText(context.Background(), strings.NewReader(text), int64(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := x.Lines(context.Background(), 0, 100)
	if err != nil || x.Len() != len(rows) {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	if rows[0] != "one" || rows[1] != "two" || rows[2] != "" || len(rows[3]) != longLine || rows[len(rows)-1] != "last" {
		t.Errorf("rows are %.40q", rows)
	}
	if x, err := IndexText(context.Background(), strings.NewReader(""), 0); err != nil || x.Len() != 0 {
		t.Errorf("an empty file has %d lines, %v", x.Len(), err)
	}
}

func FuzzText(f *testing.F) {
	f.Add("a\nb\r\nc", true)
	f.Fuzz(func(t *testing.T, s string, _ bool) {
		x, err := IndexText(context.Background(), strings.NewReader(s), int64(len(s)))
		if err != nil {
			t.Fatal(err)
		}
		rows, err := x.Lines(context.Background(), 0, x.Len())
		if err != nil || len(rows) != x.Len() {
			t.Fatalf("%d rows of %d, %v", len(rows), x.Len(), err)
		}
		clean := strings.NewReplacer("\n", "", "\r", "")
		if clean.Replace(strings.Join(rows, "")) != clean.Replace(s) {
			t.Error("text was lost")
		}
		IsText([]byte(s))
	})
}

func TestIsText(t *testing.T) {
	for s, want := range map[string]bool{"plain": true, "": true, "a\x00b": false, "\xff\xfe and more": false, "cut \xe6\x97": true} {
		if IsText([]byte(s)) != want {
			t.Errorf("%q: %v", s, !want)
		}
	}
}
