package diff

import (
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"
)

// want is what a member's content takes.
type want struct {
	nodes int
	kept  int64
}

// firstThatFit are the members, and the contents that are looked into, when one is
// added after the other.
func firstThatFit(lists [][]want, nodes int, kept int64) (out []string) {
	members := 0
	for _, l := range lists {
		members += min(len(l), nodes-members)
	}
	left, open, n, all := members, true, members, kept
	for li, l := range lists {
		for i, w := range l {
			if left == 0 {
				return out
			}
			left--
			switch {
			case w.kept > all: // it does not fit alone
			case open && n+w.nodes <= nodes && kept >= w.kept:
				n, kept = n+w.nodes, kept-w.kept
				out = append(out, fmt.Sprint(li, i, " looked into"))
				continue
			default:
				open = false
			}
			out = append(out, fmt.Sprint(li, i))
		}
	}
	return out
}

// TestShareKeepsTheFirst adds members and finishes contents in orders of chance: what
// is left is what comes first, every time.
func TestShareKeepsTheFirst(t *testing.T) {
	for seed := range int64(400) {
		r := rand.New(rand.NewSource(seed))
		var lists [][]want
		for range 1 + r.Intn(4) {
			var l []want
			for range r.Intn(12) {
				l = append(l, want{r.Intn(4), int64(r.Intn(5))})
			}
			lists = append(lists, l)
		}
		x := NewExaminer(Options{Limits: Limits{Nodes: 1 + r.Intn(40), Spool: 1 + int64(r.Intn(60))}}).own()
		s := newShare(x, len(lists))
		for i := range lists {
			s.lists[i] = &matching{share: s, list: i}
		}
		var busy []func()
		next := make([]int, len(lists))
		for {
			li := r.Intn(len(lists))
			left := len(busy)
			for i, l := range lists {
				left += len(l) - next[i]
			}
			if left == 0 {
				break
			}
			if len(busy) > 0 && r.Intn(2) == 0 {
				k := r.Intn(len(busy))
				busy[k]()
				busy = slices.Delete(busy, k, k+1)
				continue
			}
			if next[li] == len(lists[li]) {
				continue
			}
			w := lists[li][next[li]]
			next[li]++
			n := &Node{Name: fmt.Sprint(li, next[li]-1), Status: Differs}
			at, ok := s.add(s.lists[li], placed{key: n.Name, node: n})
			if !ok {
				continue
			}
			if u := s.begin(s.lists[li], at, n, w.kept); u != nil {
				busy = append(busy, func() {
					n.Name += " looked into"
					s.finish(u, w.nodes)
				})
			}
		}
		var got []string
		for _, m := range s.lists {
			for _, p := range m.found {
				if p.node.Capped != !strings.HasSuffix(p.node.Name, "into") {
					t.Fatalf("seed %d: %q, %q", seed, p.node.Name, p.node.Note)
				}
				got = append(got, p.node.Name)
			}
		}
		if first := firstThatFit(lists, s.nodes, s.kept); !slices.Equal(got, first) {
			t.Fatalf("seed %d: %d nodes, %d bytes, %v: %q, not %q", seed, s.nodes, s.kept, lists, got, first)
		}
		if s.members+s.inner > s.nodes || s.used > s.kept {
			t.Fatalf("seed %d: %d+%d of %d nodes, %d of %d bytes", seed, s.members, s.inner, s.nodes, s.used, s.kept)
		}
	}
}

// TestExamineWhatWasPassed: what a bound left out can be looked into afterwards, and
// then nothing of it is capped.
func TestExamineWhatWasPassed(t *testing.T) {
	body := func(s string) string { return strings.Repeat("equal\n", 9000) + s + "\n" }
	x := NewExaminer(Options{TempDir: t.TempDir(), Limits: Limits{Spool: 600 << 10}})
	files := func(s string) []byte {
		return tarBytes(t, file{name: "one", body: body(s)}, file{name: "two", body: body(s)})
	}
	n, err := x.Pair(t.Context(), "", "a.tar", bytesInput(files("a")), bytesInput(files("b")))
	if err != nil {
		t.Fatal(err)
	}
	two := mustFind(t, n, "two")
	if !two.Capped || two.Residue != ResidueUnexamined || len(two.RangesA) > 0 || !n.Capped {
		t.Fatal(sketch(n, ""))
	}
	if err := x.Examine(t.Context(), two); err != nil {
		t.Fatal(err)
	}
	if two.Capped || two.Note != "" || two.Residue != ResidueKnown || len(two.RangesA) != 1 {
		t.Error(sketch(two, ""))
	}
}

// TestKeptIsBounded: contents that differ take no more space than is allowed, and
// what is being looked into as much again.
func TestKeptIsBounded(t *testing.T) {
	var a, b []file
	for i := range 60 {
		a = append(a, file{name: fmt.Sprint(i), body: strings.Repeat("a", 600<<10)}, file{name: fmt.Sprint("s", i), body: strings.Repeat("a", 100)})
		b = append(b, file{name: fmt.Sprint(i), body: strings.Repeat("b", 600<<10)}, file{name: fmt.Sprint("s", i), body: strings.Repeat("b", 100)})
	}
	turned := slices.Clone(b)
	slices.Reverse(turned)
	for _, pair := range [][2][]file{{a, b}, {a, turned}} {
		x := NewExaminer(Options{Workers: 4, TempDir: t.TempDir(), Limits: Limits{Spool: 4 << 20}})
		n, err := x.Pair(t.Context(), "", "a.tar", bytesInput(tarBytes(t, pair[0]...)), bytesInput(tarBytes(t, pair[1]...)))
		if err != nil {
			t.Fatal(err)
		}
		if used := x.spool.next * blockSize; used > 8<<20 {
			t.Errorf("%d bytes are kept", used)
		}
		looked := 0
		for _, c := range n.Children {
			if len(c.RangesA) > 0 {
				looked++
			}
		}
		if looked < 2 || looked > 10 {
			t.Errorf("%d contents were looked into", looked)
		}
	}
}
