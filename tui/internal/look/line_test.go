package look

import (
	"strings"
	"testing"
)

func TestFit(t *testing.T) {
	for _, c := range []struct {
		line Line
		w    int
		want string
	}{
		{T(Plain, "abc"), 5, "abc  "},
		{T(Plain, "abcdef"), 4, "abc…"},
		{T(Plain, "日本語"), 4, "日 …"},
		{T(Plain, "日本語"), 6, "日本語"},
		{Line{}, 2, "  "},
		{T(Plain, "x"), 0, ""},
		{T(Plain, "ab").Add(Good, "cd"), 3, "ab…"},
	} {
		got := c.line.Fit(c.w)
		if got.Text() != c.want || got.Width() != c.w {
			t.Errorf("%q in %d cells is %q, want %q", c.line.Text(), c.w, got.Text(), c.want)
		}
	}
}

func TestCutKeepsRoles(t *testing.T) {
	got := T(Good, "abc").Add(Bad, "def").Cut(2, 5)
	if len(got) != 2 || got[0] != (Span{Text: "c", Role: Good}) || got[1] != (Span{Text: "de", Role: Bad}) {
		t.Errorf("cut is %v", got)
	}
}

func TestMark(t *testing.T) {
	got := T(Plain, "one Gcc, ").Add(Muted, "two gcc").Mark("gcc", Match)
	var marked []string
	for _, s := range got {
		if s.Role == Match {
			marked = append(marked, s.Text)
		}
	}
	if strings.Join(marked, "|") != "Gcc|gcc" || got.Text() != "one Gcc, two gcc" {
		t.Errorf("marked %q in %q", marked, got.Text())
	}
	if got := T(Plain, "gcc").Mark("Gcc", Match); len(got) != 1 || got[0].Role != Plain {
		t.Error("an upper case letter did not make the search exact")
	}
	if got := T(Plain, "ab").Add(Bad, "cd").Mark("bc", Match); got.Text() != "abcd" || got[1].Role != Match || got[2].Role != Match {
		t.Errorf("a match across spans is %v", got)
	}
}

func TestOver(t *testing.T) {
	under := Block{T(Plain, "aaaaa"), T(Plain, "bbbbb")}
	got := under.Over(Block{T(Good, "XX")}, 2, 1, 5)
	if got.Text() != "aaaaa\nbbXXb" {
		t.Errorf("got %q", got.Text())
	}
	if under.Text() != "aaaaa\nbbbbb" {
		t.Error("what lies below was changed")
	}
}

func TestFrameIsExact(t *testing.T) {
	for w := 1; w < 40; w++ {
		for h := 1; h < 6; h++ {
			b := Pane{Title: T(Title, "a long title of a pane"), Note: "12/513", Focused: true}.Frame(Block{T(Plain, "text")}, w, h)
			if len(b) != h {
				t.Fatalf("%dx%d has %d rows", w, h, len(b))
			}
			for _, l := range b {
				if l.Width() != w {
					t.Fatalf("%dx%d has a row of %d cells: %q", w, h, l.Width(), l.Text())
				}
			}
		}
	}
}

func TestWrap(t *testing.T) {
	got := Wrap(Plain, "one two three\nfour verylongword", 8).Text()
	if got != "one two\nthree\nfour\nverylong\nword" {
		t.Errorf("got %q", got)
	}
}

func TestThemesDiffer(t *testing.T) {
	b := Block{T(Good, "a").Add(Bad, "b")}
	dark, light, none := b.Render(New(true, false)), b.Render(New(false, false)), b.Render(New(true, true))
	if dark == light || strings.Contains(none, "38;") {
		t.Errorf("dark %q light %q none %q", dark, light, none)
	}
}

func FuzzFit(f *testing.F) {
	f.Add("日本\u0301語 text", 5, 2)
	f.Fuzz(func(t *testing.T, s string, w, from int) {
		if strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r >= 0x7f && r < 0xa0 }) || w > 500 || from > 500 || from < 0 {
			return
		}
		l := T(Plain, s)
		if got := l.Fit(w); w > 0 && got.Width() != w {
			t.Errorf("%q in %d cells is %d wide", s, w, got.Width())
		}
		if got := l.Cut(from, from+max(0, w)); got.Width() > max(0, w) {
			t.Errorf("a cut of %q is too wide", s)
		}
		l.Mark("a", Match)
		Wrap(Plain, s, w)
	})
}
