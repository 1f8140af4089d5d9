package kflate

import (
	"bytes"
	stdgzip "compress/gzip"
	"fmt"
	"io"
	"testing"

	"github.com/stagescope/stagescope/diff/compressed/internal/sample"
)

func ours(e Era, level, block int) opener {
	return func(w io.Writer) (io.WriteCloser, error) {
		if block == 0 {
			return NewGzip(w, e, level)
		}
		return NewParallelGzip(w, e, level, block)
	}
}

// linked is the era of the version in go.mod.
const linked = Since1_20_0

// TestLinked compares with the library that is linked, whichever way the bytes
// come.
func TestLinked(t *testing.T) {
	compare := func(t *testing.T, name string, p []byte, level, block int) {
		got, want := sample.Compressed(t, ours(linked, level, block), p, 32<<10), sample.Compressed(t, theirs(level, block), p, 300_000)
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

// TestRoundTrip: what is written is what was meant.
func TestRoundTrip(t *testing.T) {
	for _, c := range contents()[10:] {
		for _, e := range []Era{Since1_11_0, Since1_11_13, Since1_14_4, Newest} {
			for _, level := range levels {
				if e < oldest(level) {
					continue
				}
				z, err := stdgzip.NewReader(bytes.NewReader(sample.Compressed(t, ours(e, level, 50_000), c.p, 1<<20)))
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
		z, err := stdgzip.NewReader(bytes.NewReader(sample.Compressed(t, ours(max(Era(era)%eras, oldest(level)), level, 20_000), p, 1000)))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(z); err != nil || !bytes.Equal(got, p) {
			t.Fatal(err)
		}
	})
}

// TestLibraries holds every era to what the library itself made of the contents.
// Measured were v1.11.0, v1.11.7, v1.11.12, v1.11.13, v1.12.1 to v1.12.3, v1.13.0,
// v1.13.6, v1.14.4, v1.15.0, v1.15.1, v1.15.9 to v1.15.12, v1.15.14, v1.15.15,
// v1.16.0, v1.16.7, v1.17.4, v1.17.11, v1.18.0, v1.18.2, v1.18.6, v1.19.2, v1.20.0,
// v1.20.3 and v1.20.4, each with v1.2.6 of pgzip, on amd64.
func TestLibraries(t *testing.T) {
	for level, want := range librarySums {
		t.Run(fmt.Sprint(level), func(t *testing.T) {
			for _, s := range Spans(level, level > 0) {
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
	-2: {"v1.20.4": "63f836ea0c8d47ec", "v1.14.4 to v1.20.3": "4dd289463fa5c5c2", "v1.12.3 to v1.13.6": "4dd289463fa5c5c2", "v1.11.13 to v1.12.2": "61f1bac0e4832832", "v1.11.0 to v1.11.12": "519ffc245992eb32"},
	0:  {"v1.20.4": "bfea55ddbcb4954d", "v1.11.0 to v1.20.3": "9f37028311c2f693"},
	1:  {"v1.20.4": "2ae67c052dd35c6a", "v1.18.2 to v1.20.3": "54544c7fb3a8f94f", "v1.15.11 to v1.18.0": "d5a5e65ecff39946", "v1.15.0 to v1.15.10": "84811eeff6c1680c", "v1.14.4": "e2a3af83a16ffb34", "v1.12.3 to v1.13.6": "13aaf80878cc7931", "v1.11.13 to v1.12.2": "13aaf80878cc7931", "v1.11.0 to v1.11.12": "ab95fb1921a7fd03"},
	2:  {"v1.20.4": "142636d947cf6a59", "v1.18.2 to v1.20.3": "8aa3b1a3acf54fe3", "v1.15.11 to v1.18.0": "38c947c14f1136f2", "v1.15.0 to v1.15.10": "b682cbf7bbb328aa", "v1.14.4": "2577cc61f9e6c50f", "v1.12.3 to v1.13.6": "1d8eab65dbf6105d", "v1.11.13 to v1.12.2": "1d8eab65dbf6105d", "v1.11.0 to v1.11.12": "430732405d20f9a6"},
	3:  {"v1.20.4": "bb0b8a7f50bdafc2", "v1.18.2 to v1.20.3": "ae0bb4285c50f7a5", "v1.15.11 to v1.18.0": "74b0c959e82ecd5e", "v1.15.0 to v1.15.10": "b8732bc2e58a6ecb", "v1.14.4": "43531eef1cef4d95", "v1.12.3 to v1.13.6": "0e92eb08b9c10f10", "v1.11.13 to v1.12.2": "0e92eb08b9c10f10", "v1.11.0 to v1.11.12": "ec179300a46909bf"},
	4:  {"v1.20.4": "4faa251c6cc2f62d", "v1.18.2 to v1.20.3": "499acf81ff72c11a", "v1.18.0": "783fa660824183af", "v1.15.0 to v1.17.11": "037808258c2f49ee", "v1.14.4": "9a1c659c5b7501cd", "v1.12.3 to v1.13.6": "f1a9cee08feb6aaf", "v1.11.13 to v1.12.2": "f1a9cee08feb6aaf", "v1.11.0 to v1.11.12": "b3751bccc63c3e6d"},
	5:  {"v1.20.4": "1626b95486538116", "v1.18.2 to v1.20.3": "8902f3dafb9cc9ec", "v1.15.10 to v1.18.0": "34b4ff06e17c0dc8", "v1.15.0 to v1.15.9": "a5be5569d5278b5e", "v1.14.4": "30bf55672755c269", "v1.12.3 to v1.13.6": "133b9c34149681f7", "v1.12.2": "133b9c34149681f7", "v1.11.13 to v1.12.1": "189ac43bf663d38c", "v1.11.0 to v1.11.12": "b01df3b9cee15418"},
	6:  {"v1.20.4": "04975154cfe06839", "v1.18.2 to v1.20.3": "e49ef218f46bba39", "v1.15.10 to v1.18.0": "dfefb35de24a3f3e", "v1.15.0 to v1.15.9": "477f04e68fa552fc", "v1.14.4": "d47c5eb8d9440cf1", "v1.12.3 to v1.13.6": "0a1a8a86a62bf96e", "v1.12.2": "f7aeed80fc93d77e", "v1.11.13 to v1.12.1": "77d778d96cbb5583", "v1.11.0 to v1.11.12": "a05ec8a7cc331ab5"},
	7:  {"v1.20.4": "a9509df2d55c74b5", "v1.20.0 to v1.20.3": "3fd257fdb0001669", "v1.18.2 to v1.19.2": "60433cb680ae392b", "v1.15.15 to v1.18.0": "7983f2f58dc8b957", "v1.14.4 to v1.15.14": "4b1c34d478158d82"},
	8:  {"v1.20.4": "1707430e392602ec", "v1.20.0 to v1.20.3": "227a4e6487c490cf", "v1.18.2 to v1.19.2": "8e67c4532591f799", "v1.15.15 to v1.18.0": "413c8f047f582d68", "v1.14.4 to v1.15.14": "ddb0229699108500"},
	9:  {"v1.20.4": "22bd527d2a4aaa58", "v1.20.0 to v1.20.3": "96ae14165a11b460", "v1.18.2 to v1.19.2": "4425624450ae7f64", "v1.15.15 to v1.18.0": "6580b6db936e7227", "v1.14.4 to v1.15.14": "b014c48161bd7435"},
}
