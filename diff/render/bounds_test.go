package render_test

import (
	"bytes"
	"fmt"
	"math/rand"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stagescope/stagescope/chain/image"
	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/diff/cause"
	"github.com/stagescope/stagescope/diff/render"
)

// crowded gives the layers of one side of a pair in which much differs, at several
// depths and of several sizes: members, documents with many values, archives in
// archives, compressed texts, contents that are kept on disk.
func crowded(s int) (layers [][]byte) {
	r := rand.New(rand.NewSource(3))
	big := make([]byte, 300_000)
	r.Read(big)
	for l := range 3 {
		var es []entry
		for i := range 4 {
			var doc strings.Builder
			doc.WriteString("{")
			for k := range 4 + i {
				fmt.Fprintf(&doc, "%q:%d,", fmt.Sprintf("k%d", k), s*1000+k)
			}
			doc.WriteString(`"end":0}`)
			big[i*1000] = byte(s + 1)
			inner := tarOf(entry{name: "x.json", body: doc.String()}, entry{name: "y", body: fmt.Sprint("y", s)}, entry{name: "z.tar", body: string(tarOf(entry{name: "deep.json", body: doc.String()}))})
			name := func(kind string) string { return fmt.Sprintf("l%d/%d.%s", l, i, kind) }
			es = append(es,
				entry{name: name("json"), body: doc.String()},
				entry{name: name("tar"), body: string(inner)},
				entry{name: name("gz"), body: zipped(strings.Repeat(fmt.Sprintf("line %d of %d\n", s, i), 3000*(1+i%2)), 6)},
				entry{name: name("bin"), body: string(big[:20_000+i*80_000])},
				entry{name: name(fmt.Sprintf("only%d", s)), body: "on one side"},
			)
		}
		if s == 1 && l%2 == 1 { // another order: members wait for their like
			for i := range len(es) / 2 {
				es[i], es[len(es)-1-i] = es[len(es)-1-i], es[i]
			}
		}
		layers = append(layers, tarOf(es...))
	}
	return layers
}

// slowed compares and writes what was found, with the comparisons ending in an order
// of their own.
func slowed(t *testing.T, a, b string, o diff.Options, seed int64) string {
	t.Helper()
	r := rand.New(rand.NewSource(seed))
	var mu sync.Mutex
	if seed > 0 {
		o.Progress = func(diff.Progress) {
			mu.Lock()
			wait := time.Duration(r.Intn(150)) * time.Microsecond
			mu.Unlock()
			time.Sleep(wait)
		}
	}
	c, err := diff.Refs(t.Context(), a, b, image.Options{Offline: true}, o)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := cause.Classify(t.Context(), c.Root, cause.Known{}); err != nil {
		t.Fatal(err)
	}
	var w bytes.Buffer
	if err := render.JSON(&w, c.Root, render.Options{A: "a", B: "b", Complete: true}); err != nil {
		t.Fatal(err)
	}
	return w.String()
}

// TestSameBytesBounded: what bounds leave out is the same, whatever number of
// processors and comparisons there is, and in whatever order they end.
func TestSameBytesBounded(t *testing.T) {
	a, b := writeImage(t, crowded(0)), writeImage(t, crowded(1))
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	seen := map[string]string{}
	for _, l := range []diff.Limits{
		{}, {Nodes: 20}, {Nodes: 75}, {Nodes: 170}, {Spool: 1 << 15}, {Spool: 4 << 20}, {Nodes: 150, Spool: 3 << 20},
	} {
		name := fmt.Sprintf("%d nodes, %d bytes", l.Nodes, l.Spool)
		want := slowed(t, a, b, diff.Options{Workers: 1, Limits: l}, 0)
		if capped := strings.Contains(want, "holds at most"); capped != (l != diff.Limits{}) {
			t.Errorf("%s: it says that a bound was hit: %v", name, capped)
		}
		if same, ok := seen[want]; ok {
			t.Errorf("%s: the same as with %s", name, same)
		}
		seen[want] = name
		for run := range 2 {
			runtime.GOMAXPROCS(3 - run)
			got := slowed(t, a, b, diff.Options{Workers: []int{12, 5}[run], Limits: l}, int64(run+1))
			if got != want {
				t.Errorf("%s: run %d is not what the first was: %s", name, run, firstDifference(want, got))
				break
			}
		}
	}
}
