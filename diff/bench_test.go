package diff

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
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

// benchPair is two images whose modification times all differ, with changes
// planted in some files.
func benchPair(b *testing.B, layers, entries, each, planted int) (string, string) {
	b.Helper()
	var sa, sb imageSpec
	n := 0
	for range layers {
		var fa, fb []file
		for range entries {
			size := each/2 + (n*7919)%each
			f := file{name: fmt.Sprintf("usr/share/d%03d/file%06d", n/100, n), body: bulk(uint64(n), size)}
			fa = append(fa, f)
			f.at = time.Unix(1e9+int64(n), 0)
			if n%(layers*entries/planted) == 5 {
				c := []byte(f.body)
				c[len(c)/2] ^= 0x55
				f.body = string(c)
			}
			fb = append(fb, f)
			n++
		}
		sa.layers, sb.layers = append(sa.layers, tarBytes(b, fa...)), append(sb.layers, tarBytes(b, fb...))
	}
	return sa.write(b), sb.write(b)
}

// floor inflates and hashes both sides and does nothing else: no comparison
// that looks at all bytes can be faster.
func floor(ctx context.Context, b *testing.B, refs ...string) {
	var wg sync.WaitGroup
	for _, ref := range refs {
		wg.Go(func() {
			im, err := image.Open(ctx, ref, image.Options{})
			if err != nil {
				b.Error(err)
				return
			}
			defer im.Close()
			for _, l := range im.Layers() {
				r, err := l.OpenTar(ctx)
				if err == nil {
					_, err = io.Copy(io.Discard, r)
					r.Close()
				}
				if err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func benchImages(b *testing.B, layers, entries, each, planted int) {
	ra, rb := benchPair(b, layers, entries, each, planted)
	total := int64(2 * layers * entries * each)
	b.Run("floor", func(b *testing.B) {
		b.SetBytes(total)
		for b.Loop() {
			floor(b.Context(), b, ra, rb)
		}
	})
	b.Run("compare", func(b *testing.B) {
		b.SetBytes(total)
		for b.Loop() {
			c, err := Refs(b.Context(), ra, rb, image.Options{}, Options{})
			if err != nil {
				b.Fatal(err)
			}
			found := 0
			for _, l := range mustFind(b, c.Root, "manifest linux/amd64").Children {
				for _, e := range l.Children {
					if e.Kind != KindGroup && e.Kind != KindConfig {
						found++
					}
				}
			}
			if found != planted {
				b.Fatalf("found %d of %d", found, planted)
			}
			c.Close()
		}
	})
}

// Medium is a layer of 172 MB in 6,700 entries with 10 changes.
func BenchmarkMedium(b *testing.B) { benchImages(b, 1, 6700, 25_700, 10) }

// Growth shows that the time is linear in the bytes.
func BenchmarkGrowth(b *testing.B) {
	for _, n := range []int{250, 1000, 4000, 16000} {
		b.Run(fmt.Sprintf("%d-entries", n), func(b *testing.B) { benchImages(b, 1, n, 4000, 10) })
	}
}
