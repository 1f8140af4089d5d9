package archive

import (
	"archive/zip"
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/diff/internal/mutate"
)

// inPlace reports a change of a few bytes that leaves all others where they are,
// and gives those it touches.
func inPlace(c mutate.Change) (from, to int, ok bool) {
	if len(c.Old) != len(c.New) {
		return 0, 0, false
	}
	for from < len(c.Old) && c.Old[from] == c.New[from] {
		from++
	}
	for to = len(c.Old); to > from && c.Old[to-1] == c.New[to-1]; to-- {
	}
	return from, to, true
}

func TestMutated(t *testing.T) {
	files := func(at int) []cpioFile {
		return []cpioFile{{name: "a", body: "one", mtime: at, ino: 7}, {name: "d/b", body: "some content", mtime: at}}
	}
	zeros := func(c mutate.Change) bool {
		return len(bytes.Trim(c.Old[c.Off:], "\x00")) == 0 && len(bytes.Trim(c.New[min(c.Off, len(c.New)):], "\x00")) == 0
	}
	// columns knows which columns of the headers are harmless, where they begin with
	// a magic string.
	columns := func(magic string, harmless ...[2]int) func(c mutate.Change) bool {
		return func(c mutate.Change) bool {
			from, to, ok := inPlace(c)
			if !ok {
				return zeros(c)
			}
			at := bytes.LastIndex(c.Old[:from], []byte(magic))
			for _, h := range harmless {
				if at >= 0 && from-at >= h[0] && to-at <= h[1] {
					return true
				}
			}
			return zeros(c)
		}
	}
	zfiles := func(at int64) []byte {
		return zipped(t, zfile{"a", "stored", zip.Store, time.Unix(at, 0)}, zfile{"b", strings.Repeat("deflated ", 20), zip.Deflate, time.Unix(at, 0)})
	}
	zipTimes := func(c mutate.Change) bool {
		from, to, ok := inPlace(c)
		if !ok {
			return false
		}
		for _, h := range []struct {
			magic    string
			from, to int
		}{{"PK\x03\x04", 10, 14}, {"PK\x01\x02", 12, 16}, {"UT\x05\x00", 5, 9}} {
			if at := bytes.LastIndex(c.Old[:from], []byte(h.magic)); at >= 0 && from-at >= h.from && to-at <= h.to {
				return true
			}
		}
		return false
	}
	rpm := func(at uint32) []byte {
		return rpmOf(map[uint32]string{1000: "name", 1007: "host", 1005: "text"}, map[uint32]uint32{1006: at}, []byte("payload"))
	}
	cpio := func(magic string, harmless ...[2]int) mutate.Case {
		return mutate.Case{Name: "x.cpio", Plain: cpioOf(magic, files(1)...), Also: [][]byte{cpioOf(magic, files(9)...)}, Pieces: cpioPieces(magic), Mend: mendCpio, Harmless: orOrder(0, columns(magic, harmless...))}
	}
	for name, c := range map[string]mutate.Case{
		"ar": {Name: "x.a", Plain: ar(file{"a/", "odd", "5"}, file{"b/", "even", "5"}), Also: [][]byte{ar(file{"a/", "odd", "6"}, file{"b/", "even", "7"})},
			Pieces: arPieces, Harmless: orOrder(len(arMagic), columns("/  ", [2]int{3, 60}))},
		"cpio newc": cpio("070701", [2]int{6, 54}, [2]int{62, 94}),
		"cpio odc":  cpio("070707", [2]int{6, 59}),
		"cpio crc":  cpio("070702", [2]int{6, 54}, [2]int{62, 94}),
		"zip":       {Name: "x.zip", Plain: zfiles(1_700_000_000), Also: [][]byte{zfiles(1_700_009_998)}, Pieces: zipPieces, Mend: mendZip, Harmless: zipTimes},
		"jmod":      {Name: "x.jmod", Plain: after(jmodMagic, false, 1_700_000_000, ""), Also: [][]byte{after(jmodMagic, false, 1_700_009_998, "")}, Harmless: zipTimes},
		"zipapp":    {Name: "x.pyz", Plain: after(script, true, 1_700_000_000, ""), Also: [][]byte{after(script, true, 1_700_009_998, "")}, Harmless: zipTimes},
		"jar":       {Name: "x.jar", Plain: jar(1_700_000_000, "One"), Also: [][]byte{jar(1_700_009_998, "One")}, Pieces: zipPieces, Mend: mendZip, Harmless: zipTimes, Slow: true},
		"wheel":     {Name: "x-1-py3-none-any.whl", Plain: wheel(1_700_000_000), Also: [][]byte{wheel(1_700_009_998)}, Pieces: zipPieces, Mend: mendZip, Harmless: zipTimes, Slow: true},
		"deb":       {Name: "x.deb", Plain: debOf(1), Also: [][]byte{debOf(1_700_000_000)}, Pieces: arPieces, Harmless: debHeaders},
		"apk":       {Name: "x.apk", Plain: apkOf(1), Also: [][]byte{apkOf(1_700_000_000)}, Pieces: gzipPieces, Harmless: gzipHeaders},
		"rpm": {Name: "x.rpm", Plain: rpm(1), Also: [][]byte{rpm(1_700_000_000)}, Pieces: rpmPieces, Mend: mendRpm, Harmless: func(c mutate.Change) bool {
			// The time and the host, to the zero that ends it; no checksum is written here.
			from, to, ok := inPlace(c)
			host := bytes.Index(c.Old, []byte("host\x00"))
			return ok && (from >= host && to <= host+5 || bytes.Equal(c.Old[max(0, from-3) : from+1][:3], []byte{0, 0, 0}))
		}},
		"squashfs": {Name: "x.squashfs", Plain: squashOf(1, files(1)...), Harmless: func(c mutate.Change) bool {
			from, to, ok := inPlace(c)
			return ok && from >= 8 && to <= 12
		}},
	} {
		t.Run(name, func(t *testing.T) { mutate.Run(t, c) })
	}
}

// TestZipInTwoWays lets the directory and the local headers of a zip disagree:
// readers that stream it see other members than those that seek.
func TestZipInTwoWays(t *testing.T) {
	at := time.Unix(1_700_000_000, 0)
	plain := zipped(t, zfile{"aa", "stored", zip.Store, at}, zfile{"bb", "other!", zip.Store, at})
	later := zipped(t, zfile{"aa", "stored", zip.Store, at.Add(time.Hour)}, zfile{"bb", "other!", zip.Store, at.Add(time.Hour)})
	for what, p := range map[string][]byte{
		"local name":    bytes.Replace(later, []byte("aa"), []byte("ab"), 1),
		"local sizes":   withAt(later, 18, "\x06\x00\x00\x01"),
		"local method":  withAt(later, 8, "\x08"),
		"before it all": append([]byte("PK\x03\x04 a stub"), later...),
	} {
		if n := mutate.Compare(t, "x.zip", plain, p); n.Status != diff.Differs || n.Residue == diff.ResidueNone {
			t.Errorf("%s: %s, %s\n%s", what, n.Status, n.Residue, mutate.Sketch(n))
		}
	}
}

func withAt(p []byte, at int, s string) []byte {
	p = bytes.Clone(p)
	copy(p[at:], s)
	return p
}

// TestPowerInCpio gives power to files of an initial file system, beside a time
// that differs.
func TestPowerInCpio(t *testing.T) {
	build := func(at int, f cpioFile) []byte {
		f.mtime = at
		return cpioOf("070701", f, cpioFile{name: "z", body: "z", mtime: at})
	}
	for what, c := range map[string][2]cpioFile{
		"set-id":         {{name: "su", body: "x", mode: 0o100755}, {name: "su", body: "x", mode: 0o104755}},
		"anyone writes":  {{name: "su", body: "x", mode: 0o100644}, {name: "su", body: "x", mode: 0o100666}},
		"another device": {{name: "dev", mode: 0o020600}, {name: "dev", mode: 0o060600}},
	} {
		n := mutate.Compare(t, "x.cpio", build(1, c[0]), build(2, c[1]))
		if n.Residue == diff.ResidueNone || what != "another device" && n.Suspicious == 0 {
			t.Errorf("%s: %s, %d suspicions\n%s", what, n.Residue, n.Suspicious, mutate.Sketch(n))
		}
	}
	// A number in small letters, beside a size that follows from the content.
	a := cpioOf("070701", cpioFile{name: "a", body: "x", mtime: 0xab})
	b := bytes.Replace(cpioOf("070701", cpioFile{name: "a", body: "xy", mtime: 0xab}), []byte("000000AB"), []byte("000000ab"), 1)
	n := mutate.Compare(t, "x.cpio", a, b)
	told := false
	for _, r := range n.Children[0].Reasons {
		told = told || r.Field == "encoding of the header"
	}
	if !told {
		t.Errorf("how a number is written is not told\n%s", mutate.Sketch(n))
	}
}

func inputOf(p []byte) *diff.Input {
	return &diff.Input{ReaderAt: bytes.NewReader(p), Name: "x", Size: int64(len(p))}
}
