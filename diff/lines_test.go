package diff

import (
	"fmt"
	"hash/maphash"
	"math/rand"
	"reflect"
	"strings"
	"testing"
)

// longestCommon is how many lines two texts share at most, by the table.
func longestCommon(a, b []string) int {
	long := make([][]int, len(a)+1)
	for i := range long {
		long[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if long[i][j] = max(long[i+1][j], long[i][j+1]); a[i] == b[j] {
				long[i][j] = long[i+1][j+1] + 1
			}
		}
	}
	return long[0][0]
}

// checkLines holds lines to be those of both texts, and gives how many are shared.
func checkLines(t *testing.T, a, b string) (common int) {
	t.Helper()
	var sa, sb strings.Builder
	na, nb := 0, 0
	la, lb := splitLines(a), splitLines(b)
	for _, l := range Lines(a, b) {
		if l.Op != InB {
			sa.WriteString(l.Text)
			if na++; l.A != na || la[na-1] != l.Text {
				t.Fatalf("line %d of A: %+v", na, l)
			}
		}
		if l.Op != InA {
			sb.WriteString(l.Text)
			if nb++; l.B != nb || lb[nb-1] != l.Text {
				t.Fatalf("line %d of B: %+v", nb, l)
			}
		}
		if l.Op == InBoth {
			common++
		}
	}
	if sa.String() != a || sb.String() != b {
		t.Fatalf("%q and %q became %q and %q", a, b, sa.String(), sb.String())
	}
	return common
}

// TestLinesShortest: where no line stands alone on both sides, the difference is
// a shortest one.
func TestLinesShortest(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	text := func(n, of int) string {
		var s strings.Builder
		for range n {
			fmt.Fprintf(&s, "%d\n", r.Intn(of))
		}
		return s.String() + strings.Repeat("twice\n", 2)
	}
	for range 1000 {
		of := 1 + r.Intn(5)
		a, b := text(r.Intn(40), of), text(r.Intn(40), of)
		// Each line twice somewhere: nothing divides the texts.
		for i := range of {
			a += fmt.Sprintf("%d\n%d\n", i, i)
		}
		if got, want := checkLines(t, a, b), longestCommon(splitLines(a), splitLines(b)); got != want {
			t.Fatalf("%d lines in common, want %d:\n%q\n%q", got, want, a, b)
		}
	}
}

// TestLinesBounded: when the work is used up the result is right, is the same
// every time, and still finds most of what both have.
func TestLinesBounded(t *testing.T) {
	r := rand.New(rand.NewSource(2))
	var a, b []string
	for i := range 20_000 {
		l := fmt.Sprintf("%d\n", r.Intn(50))
		a, b = append(a, l), append(b, l)
		if i%3 == 0 {
			a[i] = fmt.Sprintf("%d\n", r.Intn(50))
		}
	}
	sa, sb := strings.Join(a, ""), strings.Join(b, "")
	if n := checkLines(t, sa, sb); n < 11_000 {
		t.Errorf("%d of 20,000 lines in common", n)
	}
	if !reflect.DeepEqual(Lines(sa, sb), Lines(sa, sb)) {
		t.Error("not the same twice")
	}
	for _, work := range []int64{-1, 100, 10_000} {
		m := lineMatch{a: lineSide{sums: sumsOf(a)}, b: lineSide{sums: sumsOf(b)}, work: work}
		m.mark()
		last := [2]int{-1, -1}
		ps := m.match(t.Context())
		for _, p := range ps {
			if p[0] <= last[0] || p[1] <= last[1] || a[p[0]] != b[p[1]] {
				t.Fatalf("%v after %v", p, last)
			}
			last = p
		}
		if len(ps) < 7_000 {
			t.Errorf("with %d steps %d lines in common", work, len(ps))
		}
	}
}

func sumsOf(ls []string) []uint64 {
	var out []uint64
	for _, l := range ls {
		out = append(out, maphash.String(lineSeed, l))
	}
	return out
}

// TestLinesOneSum: what has one sum and is not equal is not called equal.
func TestLinesOneSum(t *testing.T) {
	a, b := textInput("a", "one\ntwo\nthree\n"), textInput("b", "one\n2\nthree\n")
	d, err := AlignLines(t.Context(), a, b)
	if err != nil {
		t.Fatal(err)
	}
	d.runs = []stretch{{0, 0, 3}}
	if err := d.verify(t.Context(), a, b); err != nil || len(d.runs) > 0 {
		t.Fatal(d.runs, err)
	}
}

func FuzzLines(f *testing.F) {
	f.Add("a\nb\nc\n", "b\na\nc")
	f.Add("\n\n\n", "\n")
	f.Fuzz(func(t *testing.T, a, b string) {
		checkLines(t, a, b)
		checkLines(t, strings.ReplaceAll(a, "x", "\n"), strings.ReplaceAll(b, "x", "\n"))
	})
}
