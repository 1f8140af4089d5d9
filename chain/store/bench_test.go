package store

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// BenchmarkPutBlob takes in 64 MiB, hashed and synced.
func BenchmarkPutBlob(b *testing.B) {
	data := make([]byte, 64<<20)
	noise := rand.NewChaCha8([32]byte{3})
	_, _ = noise.Read(data)
	s := open(b)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		d, _, err := s.PutBlob(b.Context(), bytes.NewReader(data), "")
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Remove(d); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkVerify hashes eight blobs of 16 MiB.
func BenchmarkVerify(b *testing.B) {
	s := open(b)
	noise := rand.NewChaCha8([32]byte{3})
	data := make([]byte, 16<<20)
	for range 8 {
		_, _ = noise.Read(data)
		if _, _, err := s.PutBlob(b.Context(), bytes.NewReader(data), ""); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(8 * int64(len(data)))
	for b.Loop() {
		if faults, err := s.Verify(b.Context(), nil); err != nil || len(faults) > 0 {
			b.Fatal(faults, err)
		}
	}
}

// BenchmarkTag retags one image in a store of 2000 tags.
func BenchmarkTag(b *testing.B) {
	s := open(b)
	d := importImage(b, s, "x")
	for n := range 2000 {
		if err := s.Tag(b.Context(), StageTag("core-"+string(rune(0x4e00+n))), d); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if err := s.Tag(b.Context(), StageTag("core-x"), d); err != nil {
			b.Fatal(err)
		}
	}
}
