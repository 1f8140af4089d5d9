package kzstd

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"

	"github.com/klauspost/compress/zstd"
)

func encode(t testing.TB, p []byte, o Options) []byte {
	t.Helper()
	var b bytes.Buffer
	z, err := NewWriter(&b, o)
	if err != nil {
		t.Fatal(err)
	}
	for c := range slices.Chunk(p, 50_001) {
		if _, err := z.Write(c); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// linked is what the library writes that is linked.
func linked(t testing.TB, p []byte, level, goroutines, cut int) []byte {
	t.Helper()
	var b bytes.Buffer
	z, err := zstd.NewWriter(&b, zstd.WithEncoderLevel(zstd.EncoderLevel(level)),
		zstd.WithEncoderConcurrency(goroutines), zstd.WithLowerEncoderMem(goroutines%2 == 1))
	if err != nil {
		t.Fatal(err)
	}
	if cut > 0 {
		z.Write(p[:cut])
		z.Flush()
	}
	if _, err := io.Copy(z, bytes.NewReader(p[cut:])); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestLinkedEra: the library that is linked writes the same bytes, in any number
// of goroutines and with less memory. When it does so no more, it is of another
// era, and what names eras must say so.
func TestLinkedEra(t *testing.T) {
	for i, p := range append(inputs(), nil) {
		for level := Fastest; level <= Best; level++ {
			want := linked(t, p, level, 1+i%3, 0)
			if got := encode(t, p, Options{V1_178, level}); !bytes.Equal(got, want) {
				t.Errorf("input %d, level %d: %s", i, level, where(got, want))
			}
		}
	}
}

// TestFlush: a block ends where one is told to end it, as in the library.
func TestFlush(t *testing.T) {
	p := inputs()[1]
	for _, cut := range []int{8, 1000, 70_000} {
		want := linked(t, p, Default, 2, cut)
		var b bytes.Buffer
		z, err := NewWriter(&b, Options{V1_178, Default})
		if err != nil {
			t.Fatal(err)
		}
		z.Write(p[:cut])
		if err := z.Flush(); err != nil {
			t.Fatal(err)
		}
		z.Write(p[cut:])
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(b.Bytes(), want) {
			t.Errorf("cut at %d: %s", cut, where(b.Bytes(), want))
		}
	}
}

// TestEras: the releases of each era wrote what is written here.
func TestEras(t *testing.T) {
	for level := Fastest; level <= Best; level++ {
		for _, e := range Eras(level) {
			o := Options{e, level}
			i := slices.IndexFunc(sums, func(s measured) bool { return s.o == o })
			if i < 0 {
				t.Errorf("%+v was not measured", o)
				continue
			}
			t.Run(fmt.Sprintf("%d/%s", level, o.Releases()), func(t *testing.T) {
				t.Parallel()
				h := sha256.New()
				for _, p := range inputs() {
					h.Write(encode(t, p, o))
				}
				if got := fmt.Sprintf("%x", h.Sum(nil)[:8]); got != sums[i].sum {
					t.Errorf("%s, not %s as of %s", got, sums[i].sum, sums[i].releases)
				}
			})
		}
	}
}

// TestDecodes: what is written is a frame of the content, checksum and all.
func TestDecodes(t *testing.T) {
	d, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for e := range eras {
		for i, p := range inputs()[:11] {
			o := Options{e, 1 + (i+int(e))%3}
			got, err := d.DecodeAll(encode(t, p, o), nil)
			if err != nil || !bytes.Equal(got, p) {
				t.Errorf("%+v, input %d: %v", o, i, err)
			}
		}
	}
}

// TestSmallerPositions: positions of a long stream begin again, and matches stay
// what they were.
func TestSmallerPositions(t *testing.T) {
	p := far()
	for level := Fastest; level <= Best; level++ {
		o := Options{V1_178, level}
		var b bytes.Buffer
		z, err := NewWriter(&b, o)
		if err != nil {
			t.Fatal(err)
		}
		z.find = o.finder()
		*at(z.find) = rebase - 1<<20
		z.Write(p)
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		if *at(z.find) > rebase/2 {
			t.Errorf("level %d: positions up to %d", level, *at(z.find))
		}
		if want := encode(t, p, o); !bytes.Equal(b.Bytes(), want) {
			t.Errorf("level %d: %s", level, where(b.Bytes(), want))
		}
	}
}

// at is what a match finder adds to an index.
func at(f finder) *int32 {
	switch f := f.(type) {
	case *fast:
		return &f.cur
	case *double:
		return &f.cur
	case *better:
		return &f.cur
	}
	return &f.(*best).cur
}

type refusing struct{ n int }

var errRefused = errors.New("refused")

func (r *refusing) Write(p []byte) (int, error) {
	r.n += len(p)
	return 0, errRefused
}

// TestStops: a header that is refused is the end of it.
func TestStops(t *testing.T) {
	var r refusing
	z, err := NewWriter(&r, Options{V1_12, Default})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := z.Write(make([]byte, 1<<20)); !errors.Is(err, errRefused) || r.n != 6 || z.find != nil {
		t.Errorf("%v after %d bytes", err, r.n)
	}
	if err := z.Close(); !errors.Is(err, errRefused) {
		t.Error(err)
	}
	for _, o := range []Options{{V1_12, 0}, {V1_15, Best}, {V1_203, 5}, {-1, 1}, {eras, 1}} {
		if _, err := NewWriter(&r, o); err == nil {
			t.Errorf("%+v", o)
		}
	}
}

func where(got, want []byte) string {
	n := 0
	for n < min(len(got), len(want)) && got[n] == want[n] {
		n++
	}
	return fmt.Sprintf("%d bytes, not %d; they differ at %d", len(got), len(want), n)
}
