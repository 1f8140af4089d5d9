package archive

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stagescope/stagescope/diff"
)

// zip64Of writes a stored archive with every number that can be wide, and, with
// streamed, the sizes behind the content.
func zip64Of(streamed bool, times uint16, names []string, bodies ...string) []byte {
	le := binary.LittleEndian
	var out, dir []byte
	for i, name := range names {
		at, body := len(out), bodies[i]
		sum := crc32.ChecksumIEEE([]byte(body))
		flags, size := uint16(0), uint64(len(body))
		localSum, localSize := sum, size
		if streamed {
			flags, localSum, localSize = 8, 0, 0
		}
		head := func(b []byte, sum uint32) []byte {
			for _, v := range []uint16{45, flags, 0, times, 0x5821} {
				b = le.AppendUint16(b, v)
			}
			b = le.AppendUint32(le.AppendUint32(le.AppendUint32(b, sum), wide), wide)
			return le.AppendUint16(b, uint16(len(name)))
		}
		out = le.AppendUint16(head(append(out, "PK\x03\x04"...), localSum), 20)
		out = le.AppendUint16(le.AppendUint16(append(out, name...), zip64Extra), 16)
		out = append(le.AppendUint64(le.AppendUint64(out, localSize), localSize), body...)
		if streamed {
			out = le.AppendUint64(le.AppendUint64(le.AppendUint32(append(out, "PK\x07\x08"...), sum), size), size)
		}
		dir = le.AppendUint16(head(append(dir, "PK\x01\x02\x2d\x03"...), sum), 28)
		dir = append(append(dir, 0, 0, 0, 0, 0, 0, 0, 0, 0xa4, 0x81), 0xff, 0xff, 0xff, 0xff)
		dir = le.AppendUint16(le.AppendUint16(append(dir, name...), zip64Extra), 24)
		for _, v := range []uint64{size, size, uint64(at)} {
			dir = le.AppendUint64(dir, v)
		}
	}
	dirAt, n := uint64(len(out)), uint64(len(names))
	out = append(out, dir...)
	end := uint64(len(out))
	out = le.AppendUint64(append(out, "PK\x06\x06"...), zip64End-12)
	out = append(out, 45, 3, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	for _, v := range []uint64{n, n, uint64(len(dir)), dirAt} {
		out = le.AppendUint64(out, v)
	}
	out = le.AppendUint64(append(out, "PK\x06\x07\x00\x00\x00\x00"...), end)
	out = append(out, 1, 0, 0, 0)
	return append(append(out, "PK\x05\x06\x00\x00\x00\x00"...), bytes.Repeat([]byte{0xff}, 12)[:12:12]...)
}

func zip64(streamed bool, times uint16, names []string, bodies ...string) []byte {
	return append(zip64Of(streamed, times, names, bodies...), 0, 0)
}

// TestZip64: an archive with wide numbers is taken apart as any other, and what
// follows from its members is no difference of its own.
func TestZip64(t *testing.T) {
	names := []string{"a", "b", "c"}
	for _, streamed := range []bool{false, true} {
		a := zip64(streamed, 5, names, "one", "two", "three")
		n := pair(t, a, zip64(streamed, 6, names, "one", "two", "three"))
		if n.Kind != KindZip || n.Residue != diff.ResidueNone || len(n.Children)+n.Equal == 0 || strings.Contains(fmt.Sprint(causes(n)), "D5") {
			t.Errorf("times: %s", sketch(n))
		}
		n = pair(t, a, zip64(streamed, 5, names, "one", "and two", "three"))
		if n.Kind != KindZip || len(n.Children) == 0 || n.Children[0].Name != "b" || n.Residue == diff.ResidueNone {
			t.Fatal(sketch(n))
		}
		for _, c := range n.Children {
			if c.Name == "a" || c.Name == "c" {
				t.Error(sketch(n))
			}
			if c.Name != "b" {
				continue
			}
			for _, r := range c.Reasons {
				if r.Field != "content" && r.Field != "size" && r.Field != "CRC-32" && r.Field != "compressed data" && !strings.Contains(r.Field, "text") {
					t.Errorf("%s: %q -> %q", r.Field, r.A, r.B)
				}
			}
		}
		for at := len(a) - 130; at < len(a); at++ {
			b := bytes.Clone(a)
			b[at] ^= 0x41
			if n := pair(t, a, b); n.Status != diff.Differs || n.Residue == diff.ResidueNone {
				t.Fatalf("byte %d of %d: %s", at, len(a), sketch(n))
			}
		}
	}
}

// TestZip64Tools reads what Python and Info-ZIP write.
func TestZip64Tools(t *testing.T) {
	dir := t.TempDir()
	made := func(body string) map[string][]byte {
		out := map[string][]byte{}
		p := filepath.Join(dir, "p.zip")
		script := "import sys,zipfile\nz=zipfile.ZipFile(sys.argv[1],'w')\nwith z.open(zipfile.ZipInfo('f'),'w',force_zip64=True) as f: f.write(sys.argv[2].encode())\nz.close()"
		if msg, err := exec.Command("python3", "-c", script, p, body).CombinedOutput(); err != nil {
			t.Logf("python3 writes no archive: %v %.200s", err, msg)
		} else if out["python"], err = os.ReadFile(p); err != nil {
			t.Fatal(err)
		}
		c := exec.Command("zip", "-X", "-q", "-", "-")
		c.Stdin = strings.NewReader(body)
		if p, err := c.Output(); err != nil {
			t.Logf("zip writes no archive: %v", err)
		} else {
			out["zip"] = p
		}
		return out
	}
	a, b := made(strings.Repeat("some text\n", 50)), made(strings.Repeat("some text\n", 50)+"more\n")
	if len(a) == 0 && os.Getenv("CI") != "" {
		t.Fatal("neither python3 nor zip is there to write an archive")
	} else if len(a) == 0 {
		t.Skip("neither python3 nor zip is there to write an archive")
	}
	for tool := range a {
		n := pair(t, a[tool], b[tool])
		if n.Kind != KindZip || len(n.Children) == 0 || n.Note != "" {
			t.Errorf("%s: %s", tool, sketch(n))
		}
		for _, c := range n.Children {
			for _, r := range c.Reasons {
				if strings.Contains(r.Field, "extra") || strings.HasPrefix(r.Field, "local CRC") {
					t.Errorf("%s: %s %q -> %q", tool, r.Field, r.A, r.B)
				}
			}
		}
	}
}
