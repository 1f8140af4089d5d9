package archive

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/pierrec/lz4/v4"
	"github.com/stagescope/stagescope/diff"
)

// TestBombs: what becomes much larger than it is, or is nested without end, is
// bounded, and never explained.
func TestBombs(t *testing.T) {
	large := func(last string) []byte { return []byte(strings.Repeat("a", 5<<20) + last) }
	lz := func(p []byte) []byte {
		var b bytes.Buffer
		w := lz4.NewWriter(&b)
		w.Write(p)
		w.Close()
		return b.Bytes()
	}
	apk := func(last string) []byte {
		return append(gzipped(tarred(".PKGINFO", "pkgname = x\n")), gzipped(tarred("x", string(large(last))))...)
	}
	hole := func(made uint32) []byte {
		p := squashOf(made, cpioFile{name: "a", body: "one"})
		at := int(binary.LittleEndian.Uint64(p[64:])) + 2 + 16
		binary.LittleEndian.PutUint32(p[at+8:], 0)          // all of it in a fragment
		binary.LittleEndian.PutUint32(p[at+12:], 0x7ffffff) // that many bytes
		return p
	}
	nested := func(body string, times int, wrap func(p []byte) []byte) []byte {
		p := []byte(body)
		for range times {
			p = wrap(p)
		}
		return p
	}
	inCpio := func(p []byte) []byte { return cpioOf("070701", cpioFile{name: "n", body: string(p)}) }
	inMany := func(p []byte) []byte { return gzipped(cpioOf("070707", cpioFile{name: "n", body: string(lz(p))})) }
	for name, p := range map[string][2][]byte{
		"lz4": {lz(large("1")), lz(large("2"))}, "apk": {apk("1"), apk("2")}, "squashfs": {hole(1), hole(2)},
		"1,000 cpio deep":             {nested("one", 1000, inCpio), nested("two", 1000, inCpio)},
		"100 cpio, lz4, gzip deep":    {nested("one", 50, inMany), nested("two", 50, inMany)},
		"1,000 archives one by one":   {bytes.Repeat(cpioOf("070701"), 1000), bytes.Repeat(cpioOf("070701"), 1001)},
		"1,000 modules in each other": {nested("one", 1000, signedOnce), nested("two", 1000, signedOnce)},
	} {
		n := classified(t, p[0], p[1])
		if n.Status != diff.Differs || n.Residue == diff.ResidueNone {
			t.Errorf("%s: %s, residue %s, %s", name, n.Status, n.Residue, n.Note)
		}
	}
}

func signedOnce(p []byte) []byte {
	return append(append(p, make([]byte, signedInfo)...), signedMagic...)
}
