package kflate

import (
	"bytes"
	stdgzip "compress/gzip"
	"fmt"
	"io"
	"testing"
)

func ours(e Era, level, block int) opener {
	return func(w io.Writer) (io.WriteCloser, error) {
		if block == 0 {
			return NewGzip(w, e, level)
		}
		return NewParallelGzip(w, e, level, block)
	}
}

// TestLinked compares with the library that is linked, whichever way the bytes
// come.
func TestLinked(t *testing.T) {
	compare := func(t *testing.T, name string, p []byte, level, block int) {
		got, want := compressed(t, ours(Newest, level, block), p, 32<<10), compressed(t, theirs(level, block), p, 300_000)
		if !bytes.Equal(got, want) {
			t.Errorf("%s in blocks of %d: %d bytes instead of %d, equal up to %d", name, block, len(got), len(want), same(got, want))
		}
	}
	all, big := contents(), layer()
	for _, level := range levels {
		t.Run(fmt.Sprint(level), func(t *testing.T) {
			for _, c := range all {
				compare(t, c.name, c.p, level, 0)
				compare(t, c.name, c.p, level, 64<<10)
			}
			if level == DefaultLevel {
				for _, n := range []int{len(big), 1 << 20, 1<<20 + 1} {
					compare(t, fmt.Sprintf("%d of the layer", n), big[:n], level, 1<<20)
					compare(t, fmt.Sprintf("%d of the layer", n), big[:n], level, 256<<10)
				}
			}
		})
	}
}

func same(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

// TestRoundTrip: what is written is what was meant, in every era.
func TestRoundTrip(t *testing.T) {
	for _, c := range contents()[9:] {
		for e := range eras {
			for _, level := range levels {
				z, err := stdgzip.NewReader(bytes.NewReader(compressed(t, ours(e, level, 50_000), c.p, 1<<20)))
				if err != nil {
					t.Fatal(err)
				}
				if got, err := io.ReadAll(z); err != nil || !bytes.Equal(got, c.p) {
					t.Fatalf("%s, era %d, level %d: %d bytes, %v", c.name, e, level, len(got), err)
				}
			}
		}
	}
}

// FuzzRoundTrip: any bytes can be written, and with a dictionary.
func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte("hello hello hello"), uint8(5), 5)
	f.Add(bytes.Repeat([]byte("ab"), 3000), uint8(0), 9)
	f.Fuzz(func(t *testing.T, p []byte, era uint8, level int) {
		level = levels[int(uint(level)%uint(len(levels)))]
		z, err := stdgzip.NewReader(bytes.NewReader(compressed(t, ours(Era(era)%eras, level, 20_000), p, 1000)))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(z); err != nil || !bytes.Equal(got, p) {
			t.Fatal(err)
		}
	})
}

// TestLibraries holds every era to what the library itself made of the contents:
// sums of v1.14.4, v1.15.0, v1.15.1, v1.15.9 to v1.15.12, v1.15.14, v1.15.15,
// v1.16.0, v1.16.7, v1.17.4, v1.17.11, v1.18.0, v1.18.2, v1.18.6, v1.19.2, v1.20.0
// to v1.20.3, with v1.2.6 of pgzip, on amd64.
func TestLibraries(t *testing.T) {
	for level, want := range librarySums {
		t.Run(fmt.Sprint(level), func(t *testing.T) {
			for _, s := range Spans(level, true) {
				got := sum(t, func(block int) opener { return ours(s.Era, level, block) }, level)
				if w, ok := want[s.Text]; !ok || got != w {
					t.Errorf("%s: %s instead of %q", s.Text, got, w)
				}
			}
		})
	}
}

// librarySums are by level and versions.
var librarySums = map[int]map[string]string{
	-2: {"v1.14.4 to v1.20.3": "1b9ffdc46ceb8dc9"},
	0:  {"v1.14.4 to v1.20.3": "983f56e56464e928"},
	1:  {"v1.18.2 to v1.20.3": "0619a14ca77ba8d7", "v1.15.11 to v1.18.0": "629f0e8938ab6fdb", "v1.15.0 to v1.15.10": "d9aa8d5107eb22ef", "v1.14.4": "214a4be1c21a0dff"},
	2:  {"v1.18.2 to v1.20.3": "b4bfaac9b2254da6", "v1.15.11 to v1.18.0": "d6ad3a1aae759eb7", "v1.15.0 to v1.15.10": "a587292d2f4bfcb3", "v1.14.4": "e774d08223206265"},
	3:  {"v1.18.2 to v1.20.3": "5b347eacdfc062a3", "v1.15.11 to v1.18.0": "5571d00813155370", "v1.15.0 to v1.15.10": "2bb2a06c293e5b32", "v1.14.4": "4cc41f75c33ad8c9"},
	4:  {"v1.18.2 to v1.20.3": "8a0fe00382223324", "v1.18.0": "3a19e888a24ef118", "v1.15.0 to v1.17.11": "d72bddf7fc388fc8", "v1.14.4": "b5222a94d8e93cd9"},
	5:  {"v1.18.2 to v1.20.3": "49821b70c5b28db8", "v1.15.10 to v1.18.0": "e2ed6a622f8afc67", "v1.15.0 to v1.15.9": "4d582e7113504d7d", "v1.14.4": "0b2d0b0dead0f190"},
	6:  {"v1.18.2 to v1.20.3": "61238657db18857f", "v1.15.10 to v1.18.0": "1dfc1d4057dc3ff8", "v1.15.0 to v1.15.9": "24655513615e0f0d", "v1.14.4": "333e66677c7ad147"},
	7:  {"v1.20.0 to v1.20.3": "8dc95ae8b753aa13", "v1.18.2 to v1.19.2": "2f61f2da0d2f48da", "v1.15.15 to v1.18.0": "f380d04d5d6fed3d", "v1.14.4 to v1.15.14": "11bb85a9d6b9ae87"},
	8:  {"v1.20.0 to v1.20.3": "190a35f068b2671a", "v1.18.2 to v1.19.2": "7b859bf410434784", "v1.15.15 to v1.18.0": "aafb7885fa8eb593", "v1.14.4 to v1.15.14": "a09524716621b699"},
	9:  {"v1.20.0 to v1.20.3": "2fd8a29ecf26b563", "v1.18.2 to v1.19.2": "b09166ba49c538b5", "v1.15.15 to v1.18.0": "301e400e4cf73f8c", "v1.14.4 to v1.15.14": "52731e6138983d3b"},
}
