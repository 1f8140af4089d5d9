package list

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stagescope/stagescope/tui/internal/look"
)

// counted says which rows were asked for.
type counted struct {
	n     int
	asked []int
}

func (c *counted) Len() int { return c.n }

func (c *counted) Row(i, _ int) look.Line {
	c.asked = append(c.asked, i)
	return look.T(look.Plain, fmt.Sprintf("row %d", i))
}

func TestDrawsOnlyItsWindow(t *testing.T) {
	rows := &counted{n: 500_000}
	l := New(rows)
	l.Resize(20, 10)
	l.MoveTo(250_000)
	b := l.Draw(true)
	if len(rows.asked) != 10 || !slices.Contains(rows.asked, 250_000) {
		t.Errorf("asked for %v", rows.asked)
	}
	if !strings.Contains(b.Text(), "> row 250000") {
		t.Errorf("no sign at the cursor:\n%s", b.Text())
	}
}

func TestMoves(t *testing.T) {
	l := New(&counted{n: 100})
	l.Resize(20, 10)
	for _, c := range []struct {
		name string
		do   func()
		want int
	}{
		{"down", func() { l.Move(1) }, 1}, {"up past the top", func() { l.Move(-5) }, 0}, {"page", func() { l.Page(1) }, 9},
		{"half a page", func() { l.HalfPage(1) }, 14}, {"end", l.End, 99}, {"past the end", func() { l.Move(3) }, 99}, {"home", l.Home, 0},
	} {
		if c.do(); l.Cursor() != c.want {
			t.Errorf("%s: cursor at %d, want %d", c.name, l.Cursor(), c.want)
		}
	}
}

func TestFilterKeepsCursor(t *testing.T) {
	l := New(&counted{n: 100})
	l.Resize(20, 10)
	l.MoveTo(42)
	l.Show([]int{1, 42, 77})
	if l.Cursor() != 42 || l.Len() != 3 || l.Position() != "2/3 of 100" {
		t.Errorf("cursor %d, position %q", l.Cursor(), l.Position())
	}
	l.Show([]int{})
	if l.Cursor() != -1 || l.Position() != "0 of 100" {
		t.Errorf("an empty filter: cursor %d, position %q", l.Cursor(), l.Position())
	}
	l.Show(nil)
	if l.Filtered() || l.Cursor() < 0 {
		t.Error("the filter did not end")
	}
}

func TestFollowStopsAndStarts(t *testing.T) {
	rows := &counted{n: 50}
	l := New(rows)
	l.Tails, l.Follow = true, true
	l.Resize(20, 10)
	l.Draw(true)
	rows.n = 60
	l.Draw(true)
	if l.Cursor() != 59 {
		t.Errorf("following, the cursor is at %d", l.Cursor())
	}
	l.Move(-1)
	rows.n = 70
	l.Draw(true)
	if l.Cursor() != 58 || l.Follow {
		t.Errorf("after a move up the cursor is at %d", l.Cursor())
	}
	l.End()
	rows.n = 80
	l.Draw(true)
	if l.Cursor() != 79 {
		t.Errorf("at the end it follows again, but is at %d", l.Cursor())
	}
	l.Wheel(-3)
	if l.Follow {
		t.Error("the wheel did not end following")
	}
}

func TestSkip(t *testing.T) {
	l := New(&counted{n: 6})
	l.Skip = func(i int) bool { return i == 0 || i == 3 || i == 5 }
	l.Resize(20, 4)
	l.Home()
	var seen []int
	for range 4 {
		seen = append(seen, l.Cursor())
		l.Move(1)
	}
	if fmt.Sprint(seen) != "[1 2 4 4]" {
		t.Errorf("down over headings: %v", seen)
	}
	all := New(&counted{n: 3})
	all.Skip = func(int) bool { return true }
	all.Resize(9, 9)
	all.Move(1)
	all.Draw(true)
}

func TestClick(t *testing.T) {
	l := New(&counted{n: 100})
	l.Resize(20, 10)
	l.MoveTo(50)
	l.Draw(true)
	from, _ := l.Window()
	if hit, again := l.Click(3); !hit || again || l.Cursor() != from+3 {
		t.Errorf("a click put the cursor at %d", l.Cursor())
	}
	if _, again := l.Click(3); !again {
		t.Error("the second click is not told apart")
	}
	if hit, _ := l.Click(10); hit {
		t.Error("a click below the window hit")
	}
}

func TestScrollsSideways(t *testing.T) {
	l := New(&counted{n: 3})
	l.Resize(12, 3)
	l.ScrollX(4)
	if got := l.Draw(true).Text(); !strings.Contains(got, "> 0") {
		t.Errorf("got %q", got)
	}
	l.ScrollX(-99)
	if l.X() != 0 {
		t.Error("scrolled past the left edge")
	}
}

func TestMatcher(t *testing.T) {
	for _, c := range []struct {
		query, text string
		want        bool
	}{
		{"gcc", "core-GCC", true}, {"GCC", "core-gcc", false}, {"!gcc", "core-gcc", false}, {"!gcc", "musl", true},
		{"", "x", true}, {"ärger", "Ärger", true}, {"longer than text", "x", false}, {"!", "x", true},
	} {
		if got := Match(c.query).Text(c.text); got != c.want {
			t.Errorf("%q finds %q: %v", c.query, c.text, got)
		}
	}
	text := func(i int) string { return fmt.Sprint(i) }
	if got := Match("7").Next(20, 7, 1, text); got != 17 {
		t.Errorf("next is %d", got)
	}
	if got := Match("7").Next(20, 7, -1, text); got != 17 {
		t.Errorf("previous, round the end, is %d", got)
	}
	if got := Match("zz").Next(20, 7, 1, text); got != -1 {
		t.Errorf("nothing is %d", got)
	}
}

func FuzzMatch(f *testing.F) {
	f.Add("gcc", "core-GCC")
	f.Fuzz(func(t *testing.T, q, text string) {
		m := Match(q)
		if m.Empty() || strings.HasPrefix(q, "!") || !ascii(q) || !ascii(text) || strings.ToLower(q) != q {
			m.Text(text)
			return
		}
		if got, want := m.Text(text), strings.Contains(strings.ToLower(text), q); got != want {
			t.Errorf("%q in %q: %v", q, text, got)
		}
	})
}

func BenchmarkFilter(b *testing.B) {
	m := Match("needle")
	for b.Loop() {
		m.Filter(500_000, func(int) string { return "a line of a log that is as long as lines are" })
	}
}
