package diff

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stagescope/stagescope/chain/image"
)

// words is a vocabulary, so that contents compress about as programs do.
var words = func() (out []string) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 4000 {
		b := make([]byte, 3+r.IntN(9))
		for i := range b {
			b[i] = byte(r.IntN(200))
		}
		out = append(out, string(b))
	}
	return out
}()

// bulk gives n bytes that depend on the seed.
func bulk(seed uint64, n int) string {
	r := rand.New(rand.NewPCG(seed, 7))
	b := make([]byte, 0, n+16)
	for len(b) < n {
		b = append(b, words[r.IntN(len(words))]...)
	}
	return string(b[:n])
}

// load is what a benchmark compares: layers of entries whose modification times
// all differ, with changes planted in the content of some.
type load struct{ layers, entries, each, planted int }

// layer gives the two sides of one layer.
func (l load) layer(t testing.TB, k int) (a, b []byte) {
	var fa, fb []file
	for i := range l.entries {
		n := k*l.entries + i
		f := file{name: fmt.Sprintf("usr/share/d%03d/file%06d", n/100, n), body: bulk(uint64(n), l.each/2+(n*7919)%l.each)}
		fa = append(fa, f)
		f.at = time.Unix(1e9+int64(n), 0)
		if n%(l.layers*l.entries/l.planted) == 5 {
			c := []byte(f.body)
			c[len(c)/2] ^= 0x55
			f.body = string(c)
		}
		fb = append(fb, f)
	}
	return tarBytes(t, fa...), tarBytes(t, fb...)
}

// write makes the two images, one layer at a time.
func (l load) write(t testing.TB) (refA, refB string) { return l.writeTo(t, "", "") }

func (l load) writeTo(t testing.TB, dirA, dirB string) (refA, refB string) {
	t.Helper()
	sa, sb := imageSpec{dir: dirA}, imageSpec{dir: dirB}
	sa.source = func(k int) []byte { a, _ := l.layer(t, k); return a }
	sb.source = func(k int) []byte { _, b := l.layer(t, k); return b }
	sa.count, sb.count = l.layers, l.layers
	return sa.write(t), sb.write(t)
}

func (l load) bytes() int64 { return int64(l.layers) * int64(l.entries) * int64(l.each) }

// The loads that the figures in the README are of.
var (
	medium = load{layers: 1, entries: 6700, each: 25_700, planted: 10}
	// large is 2.6 GB of 92,000 entries when STAGESCOPE_BENCH=full, else a tenth
	// of that, in the same proportions.
	large = func() load {
		l := load{layers: 4, entries: 2300, each: 28_200, planted: 16}
		if os.Getenv("STAGESCOPE_BENCH") == "full" {
			l.entries = 23_000
		}
		return l
	}()
)

// TestWriteLoads writes the images of the benchmarks for other programs to read:
// peers.sh asks for it.
func TestWriteLoads(t *testing.T) {
	dir := os.Getenv("STAGESCOPE_WRITE_LOADS")
	if dir == "" {
		return // nobody asked
	}
	for name, l := range map[string]load{"medium": medium, "large": large} {
		l.writeTo(t, filepath.Join(dir, name+"-a"), filepath.Join(dir, name+"-b"))
	}
}

// floor inflates and hashes both sides and does nothing else: no comparison
// that looks at all bytes can be faster. All layers of both are read at once.
func floor(ctx context.Context, b testing.TB, refs ...string) {
	var wg sync.WaitGroup
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for _, ref := range refs {
		im, err := image.Open(ctx, ref, image.Options{})
		if err != nil {
			b.Error(err)
			return
		}
		defer im.Close()
		for _, l := range im.Layers() {
			wg.Go(func() {
				slots <- struct{}{}
				defer func() { <-slots }()
				r, err := l.OpenTar(ctx)
				if err == nil {
					_, err = io.Copy(io.Discard, r)
					r.Close()
				}
				if err != nil {
					b.Error(err)
				}
			})
		}
	}
	wg.Wait()
}

// planted counts the differences that were found in the entries' content, and
// holds the metadata to be one folded line for each layer.
func planted(t testing.TB, root *Node) (found int) {
	t.Helper()
	for _, l := range mustFind(t, root, "manifest linux/amd64").Children {
		if l.Kind != KindLayer {
			continue
		}
		groups := 0
		for _, e := range l.Children {
			if e.Kind == KindGroup {
				groups++
			} else if len(e.RangesA) > 0 || len(e.Children) > 0 {
				found++
			}
		}
		if groups != 1 {
			t.Fatalf("%d groups of metadata, want 1:\n%s", groups, sketch(l, ""))
		}
	}
	return found
}

func (l load) compare(t testing.TB, ra, rb string, o Options) {
	c, err := Refs(t.Context(), ra, rb, image.Options{}, o)
	if err != nil {
		t.Fatal(err)
	}
	if found := planted(t, c.Root); found != l.planted {
		t.Fatalf("found %d of %d", found, l.planted)
	}
	c.Close()
}

// ratio runs the floor and the comparison by turns and reports the medians of
// their times and of their ratio: in wall clock and in processor time, which is
// the steadier figure on a machine that is shared.
func (l load) ratio(b *testing.B) {
	ra, rb := l.write(b)
	var floors, walls, ratios, cpus []float64
	measure := func(f func()) (wall, cpu float64) {
		c, began := processorTime(), time.Now()
		f()
		return time.Since(began).Seconds(), (processorTime() - c).Seconds()
	}
	debug.FreeOSMemory()
	peak := watchMemory()
	b.SetBytes(2 * l.bytes())
	for b.Loop() {
		fw, fc := measure(func() { floor(b.Context(), b, ra, rb) })
		cw, cc := measure(func() { l.compare(b, ra, rb, Options{}) })
		floors, walls = append(floors, fw), append(walls, cw)
		ratios = append(ratios, cw/fw)
		if fc > 0 {
			cpus = append(cpus, cc/fc)
		}
	}
	b.ReportMetric(median(floors), "floor-s")
	b.ReportMetric(median(walls), "compare-s")
	b.ReportMetric(median(ratios), "x-floor")
	b.ReportMetric(median(cpus), "x-floor-cpu")
	b.ReportMetric(float64(peak())/1e6, "peak-MB")
}

func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	slices.SortFunc(v, cmp.Compare[float64])
	return v[len(v)/2]
}

// watchMemory samples what the program holds of the system's memory; the
// function that it gives ends that and tells the most there was.
func watchMemory() func() uint64 {
	stop, done := make(chan struct{}), make(chan uint64)
	go func() {
		var most uint64
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most = max(most, m.Sys-m.HeapReleased)
			select {
			case <-stop:
				done <- most
				return
			case <-tick.C:
			}
		}
	}()
	return func() uint64 { close(stop); return <-done }
}

// Medium is a layer of 172 MB in 6,700 entries with 10 changes.
func BenchmarkMedium(b *testing.B) { medium.ratio(b) }

// Large is four layers with 16 changes; see large.
func BenchmarkLarge(b *testing.B) { large.ratio(b) }

// Again is Medium once more, from the index.
func BenchmarkAgain(b *testing.B) {
	ra, rb := medium.write(b)
	index := &memoryIndex{}
	medium.compare(b, ra, rb, Options{Index: index})
	for b.Loop() {
		medium.compare(b, ra, rb, Options{Index: index})
	}
}

// Growth shows that the time is linear in the bytes: the nanoseconds for each
// byte stay the same while the bytes grow.
func BenchmarkGrowth(b *testing.B) {
	for _, n := range []int{1000, 4000, 16_000, 64_000} {
		l := load{layers: 1, entries: n, each: 4000, planted: 10}
		b.Run(fmt.Sprintf("%d-entries", n), func(b *testing.B) {
			ra, rb := l.write(b)
			c, runs := processorTime(), 0
			for b.Loop() {
				l.compare(b, ra, rb, Options{})
				runs++
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(int64(runs)*l.bytes()), "ns/byte")
			b.ReportMetric(float64((processorTime()-c).Nanoseconds())/float64(int64(runs)*l.bytes()), "cpu-ns/byte")
		})
	}
}
