package cause

import (
	"fmt"
	"math/rand"
	"strings"
	"testing"
	"time"

	"github.com/stagescope/stagescope/diff"
)

// logLines is a log of n lines of which those that changed chooses have another time
// on each side.
func logLines(n, side int, changed func(i int) bool) string {
	var b strings.Builder
	r := rand.New(rand.NewSource(1))
	at := time.Date(2026, 3, 4, 10, 0, 0, 0, time.UTC)
	for i := range n {
		t := at.Add(time.Duration(i) * time.Second)
		if changed(i) {
			t = t.Add(time.Duration(side) * 37 * time.Minute)
		}
		fmt.Fprintf(&b, "%s build[%d]: compiling unit %d of the tree, %d warnings, with %08x as its key; see the manual for what each of these words means, page %d of %d in the edition that is current, or ask whoever wrote the unit, whose name stands in its first line, with the reasons that he had for it, and how it is to be tried again after it has been changed by somebody else.\n",
			t.Format("2006-01-02 15:04:05"), 1000+r.Intn(9000), i, r.Intn(9), r.Uint32(), r.Intn(400), 400)
	}
	return b.String()
}

// seekCauses compares two texts once and seeks the causes of what differs b.N times.
func seekCauses(b *testing.B, x, y string, ranges int) {
	b.Helper()
	compared := func() *diff.Node {
		in := func(s string) *diff.Input {
			return &diff.Input{ReaderAt: strings.NewReader(s), Name: "build.log", Size: int64(len(s))}
		}
		n, err := diff.NewExaminer(diff.Options{}).Pair(b.Context(), "", "build.log", in(x), in(y))
		if err != nil {
			b.Fatal(err)
		}
		return n
	}
	b.SetBytes(int64(len(x)))
	for b.Loop() {
		b.StopTimer()
		n := compared()
		if len(n.RangesA) < ranges {
			b.Fatalf("%d ranges differ", len(n.RangesA))
		}
		b.StartTimer()
		if err := Classify(b.Context(), n, Known{}); err != nil {
			b.Fatal(err)
		}
		if n.Settle(); n.Residue != diff.ResidueNone {
			b.Fatalf("residue %s: %+v", n.Residue, n.Reasons)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(ranges), "µs/range")
}

// BenchmarkScattered seeks the causes of few changes that lie far apart. The time
// for each stays the same when there are more.
func BenchmarkScattered(b *testing.B) {
	for _, n := range []int{125, 250, 500, 1000, 2000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			every := func(i int) bool { return i%10 == 0 }
			seekCauses(b, logLines(10*n, 0, every), logLines(10*n, 1, every), n)
		})
	}
}

// BenchmarkLog seeks the causes of a change in every line of a log: 50,000 of them
// are 20 MB.
func BenchmarkLog(b *testing.B) {
	for _, n := range []int{6_250, 12_500, 25_000, 50_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			all := func(int) bool { return true }
			seekCauses(b, logLines(n, 0, all), logLines(n, 1, all), n)
		})
	}
}

// BenchmarkOneLine seeks the causes of changes in a text that is one line.
func BenchmarkOneLine(b *testing.B) {
	for _, n := range []int{250, 500, 1000, 2000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			every := func(i int) bool { return i%10 == 0 }
			flat := func(side int) string { return strings.ReplaceAll(logLines(10*n, side, every), "\n", " ") }
			seekCauses(b, flat(0), flat(1), n)
		})
	}
}
