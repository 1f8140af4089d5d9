package archive

import (
	"archive/tar"
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"sort"
	"strings"
	"testing"
	"time"

	"archive/zip"
	"compress/gzip"

	"github.com/google/go-cmp/cmp"
	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/diff/cause"
	_ "github.com/stagescope/stagescope/diff/compressed"
)

// classified is pair, with causes.
func classified(t testing.TB, a, b []byte) *diff.Node {
	t.Helper()
	n := pair(t, a, b)
	if err := cause.Classify(t.Context(), n, cause.Known{}); err != nil {
		t.Fatal(err)
	}
	return n
}

// allCauses are the causes of a tree, with how well they are established.
func allCauses(n *diff.Node) []string {
	seen := map[string]bool{}
	var walk func(n *diff.Node)
	walk = func(n *diff.Node) {
		for _, r := range n.Reasons {
			if r.Cause != nil {
				seen[r.Cause.ID+" "+r.Cause.Confidence.String()] = true
			} else {
				seen[r.Field+"?"] = true
			}
		}
		for _, k := range n.Children {
			walk(k)
		}
	}
	walk(n)
	var out []string
	for k := range seen {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

// cpioFile is a member to be written.
type cpioFile struct {
	name, body         string
	mtime, ino, device int
	mode               int
}

func cpioOf(magic string, files ...cpioFile) []byte {
	var b bytes.Buffer
	pad := func() {
		for magic != "070707" && b.Len()%4 != 0 {
			b.WriteByte(0)
		}
	}
	for _, f := range append(files, cpioFile{name: cpioTrailer}) {
		check := 0
		for i := range len(f.body) {
			check += int(f.body[i])
		}
		if magic != "070702" {
			check = 0
		}
		if f.mode == 0 && f.name != cpioTrailer {
			f.mode = 0o100644
		}
		if magic == "070707" {
			fmt.Fprintf(&b, "%s%06o%06o%06o%06o%06o%06o%06o%011o%06o%011o", magic, f.device, f.ino, f.mode, 0, 0, 1, 0, f.mtime, len(f.name)+1, len(f.body))
		} else {
			b.WriteString(magic)
			for _, n := range []int{f.ino, f.mode, 0, 0, 1, f.mtime, len(f.body), 0, f.device, 0, 0, len(f.name) + 1, check} {
				fmt.Fprintf(&b, "%08X", n)
			}
		}
		b.WriteString(f.name + "\x00")
		pad()
		b.WriteString(f.body)
		pad()
	}
	for b.Len()%512 != 0 {
		b.WriteByte(0)
	}
	return b.Bytes()
}

func gzipped(p []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write(p)
	z.Close()
	return b.Bytes()
}

func TestCpio(t *testing.T) {
	for _, magic := range []string{"070701", "070702", "070707"} {
		one := []cpioFile{{name: "a", body: "one", mtime: 5, ino: 7}, {name: "d/b", body: "content"}}
		with := func(f func(fs []cpioFile)) []byte {
			fs := append([]cpioFile(nil), one...)
			f(fs)
			return cpioOf(magic, fs...)
		}
		a := cpioOf(magic, one...)
		for name, tc := range map[string]struct {
			b      []byte
			causes []string
			left   diff.Residue
		}{
			"times":   {with(func(fs []cpioFile) { fs[0].mtime = 9 }), []string{"B1 proved"}, diff.ResidueNone},
			"inodes":  {with(func(fs []cpioFile) { fs[0].ino, fs[1].device = 12, 3 }), []string{"B7 proved"}, diff.ResidueNone},
			"umask":   {with(func(fs []cpioFile) { fs[0].mode = 0o100664 }), []string{"B4 proved"}, diff.ResidueNone},
			"set-uid": {with(func(fs []cpioFile) { fs[0].mode = 0o104644 }), []string{"mode?"}, diff.ResidueKnown},
			"date":    {with(func(fs []cpioFile) { fs[1].body = "at 2026-01-02" }), nil, diff.ResidueKnown},
			"order":   {cpioOf(magic, one[1], one[0]), []string{"B2 proved"}, diff.ResidueNone},
		} {
			n := classified(t, a, tc.b)
			if n.Kind != KindCpio || n.Residue != tc.left {
				t.Errorf("%s %s: %s", magic, name, sketch(n))
			}
			if d := cmp.Diff(tc.causes, allCauses(n)); tc.causes != nil && d != "" {
				t.Errorf("%s %s: %s", magic, name, d)
			}
		}
	}
}

// TestInitramfs: several archives, one of them compressed, one after the other.
func TestInitramfs(t *testing.T) {
	micro := cpioOf("070701", cpioFile{name: "kernel/x86/microcode", body: "\x00\x01code"})
	of := func(body string, mtime int) []byte {
		return append(bytes.Clone(micro), gzipped(cpioOf("070701", cpioFile{name: "init", body: body, mtime: mtime}))...)
	}
	n := classified(t, of("#!/bin/sh\n", 1), of("#!/bin/sh\n", 2))
	if d := cmp.Diff([]string{"B1 proved"}, allCauses(n)); d != "" || n.Kind != KindCpio || n.Residue != diff.ResidueNone {
		t.Error(d, sketch(n))
	}
	two := func(mtime int) []byte {
		return append(bytes.Clone(micro), cpioOf("070701", cpioFile{name: "init", body: "x", mtime: mtime})...)
	}
	if n = classified(t, two(1), two(2)); len(n.Children) != 1 || n.Children[0].Name != "archive 2" || n.Residue != diff.ResidueNone {
		t.Error(sketch(n))
	}
	// Bytes hidden between archives are seen.
	hidden := bytes.Clone(two(1))
	hidden[len(micro)-1] = 'x'
	if n = classified(t, two(1), hidden); n.Residue == diff.ResidueNone {
		t.Error(sketch(n))
	}
}

func tarred(files ...string) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i := 0; i+1 < len(files); i += 2 {
		w.WriteHeader(&tar.Header{Name: files[i], Mode: 0o644, Size: int64(len(files[i+1])), Format: tar.FormatUSTAR})
		io.WriteString(w, files[i+1])
	}
	w.Flush()
	return b.Bytes()
}

func TestDeb(t *testing.T) {
	deb := func(control []byte, suffix, data string) []byte {
		sums := fmt.Sprintf("%x  usr/share/x\n%x  usr/share/same\n", md5.Sum([]byte(data)), md5.Sum([]byte("same")))
		if control == nil {
			control = gzipped(tarred("./control", "Package: x\n", "./md5sums", sums))
		}
		return ar(file{"debian-binary", "2.0\n", "0"}, file{"control.tar" + suffix, string(control), "0"}, file{"data.tar.gz", string(gzipped(tarred("./usr/share/x", data, "./usr/share/same", "same"))), "0"})
	}
	n := classified(t, deb(nil, ".gz", "made 2026-01-02\n"), deb(nil, ".gz", "made 2026-01-03\n"))
	if d := cmp.Diff([]string{"D1a proved", "D5h derived", "D5h proved"}, allCauses(n)); d != "" || n.Kind != KindDeb || n.Residue != diff.ResidueNone {
		t.Error(d, sketch(n))
	}
	plain := tarred("./control", "Package: x\n")
	n = classified(t, deb(gzipped(plain), ".gz", "x"), deb(plain, "", "x"))
	if n.Kind != KindDeb || n.Residue == diff.ResidueNone || !strings.Contains(sketch(n), `"control.tar"`) {
		t.Error(sketch(n))
	}
}

func TestApk(t *testing.T) {
	apk := func(sig, date, data string) []byte {
		d := gzipped(tarred("usr/bin/x", data))
		out := gzipped(tarred(".SIGN.RSA.key.rsa.pub", sig))
		out = append(out, gzipped(tarred(".PKGINFO", fmt.Sprintf("pkgname = x\nbuilddate = %s\ndatahash = %x\n", date, sha256.Sum256(d))))...)
		return append(out, d...)
	}
	n := classified(t, apk("sig one", "1700000000", "x 2026-01-02"), apk("sig two", "1700000009", "x 2026-01-03"))
	if n.Kind != "apk" || len(n.Children) != 3 {
		t.Fatal(sketch(n))
	}
	got := strings.Join(allCauses(n), ",")
	for _, want := range []string{"D1a proved", "D1b proved", "D5h proved", "D5i likely"} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not in %s\n%s", want, got, sketch(n))
		}
	}
	if n.Residue != diff.ResidueKnown {
		t.Error("a signature that differs is explained")
	}
}

// rpmOf writes a package: its header has strings and numbers by tag.
func rpmOf(strs map[uint32]string, nums map[uint32]uint32, payload []byte) []byte {
	header := func(strs map[uint32]string, nums map[uint32]uint32, bins map[uint32][]byte) []byte {
		var tags []uint32
		for t := range strs {
			tags = append(tags, t)
		}
		for t := range nums {
			tags = append(tags, t)
		}
		for t := range bins {
			tags = append(tags, t)
		}
		sort.Slice(tags, func(i, j int) bool { return tags[i] < tags[j] })
		var index, store []byte
		be := binary.BigEndian
		for _, t := range tags {
			kind, count := uint32(rpmString), uint32(1)
			var v []byte
			if s, ok := strs[t]; ok {
				v = append([]byte(s), 0)
			} else if b, ok := bins[t]; ok {
				kind, count, v = 7, uint32(len(b)), b
			} else {
				kind, v = 4, be.AppendUint32(nil, nums[t])
				for len(store)%4 != 0 {
					store = append(store, 0)
				}
			}
			for _, w := range []uint32{t, kind, uint32(len(store)), count} {
				index = be.AppendUint32(index, w)
			}
			store = append(store, v...)
		}
		out := append([]byte(rpmHeader), 0, 0, 0, 0)
		out = be.AppendUint32(be.AppendUint32(out, uint32(len(tags))), uint32(len(store)))
		return append(append(out, index...), store...)
	}
	strs = map[uint32]string{5092: fmt.Sprintf("%x", sha256.Sum256(payload)), 1000: strs[1000], 1007: strs[1007], 1005: strs[1005]}
	h := header(strs, nums, nil)
	rest := append(bytes.Clone(h), payload...)
	m := md5.Sum(rest)
	sig := header(map[uint32]string{269: fmt.Sprintf("%x", sha1.Sum(h)), 273: fmt.Sprintf("%x", sha256.Sum256(h))}, map[uint32]uint32{1000: uint32(len(rest))}, map[uint32][]byte{1004: m[:]})
	out := append([]byte(rpmMagic), make([]byte, rpmLead-4)...)
	out = append(out, sig...)
	for len(out)%8 != 0 {
		out = append(out, 0)
	}
	return append(out, rest...)
}

func TestRpm(t *testing.T) {
	payload := gzipped(cpioOf("070701", cpioFile{name: "usr/x", body: "same", mtime: 1}))
	base := map[uint32]string{1000: "x", 1007: "alpha", 1005: "text"}
	a := rpmOf(base, map[uint32]uint32{1006: 1700000000}, payload)
	for name, tc := range map[string]struct {
		b      []byte
		causes []string
		left   diff.Residue
	}{
		"time and host": {rpmOf(map[uint32]string{1000: "x", 1007: "a longer host", 1005: "text"}, map[uint32]uint32{1006: 1700000099}, payload),
			[]string{"D1b proved", "D2c proved", "D5h derived"}, diff.ResidueNone},
		"text":    {rpmOf(map[uint32]string{1000: "x", 1007: "alpha", 1005: "texts"}, map[uint32]uint32{1006: 1700000000}, payload), nil, diff.ResidueKnown},
		"payload": {rpmOf(base, map[uint32]uint32{1006: 1700000000}, gzipped(cpioOf("070701", cpioFile{name: "usr/x", body: "same", mtime: 2}))), []string{"B1 proved", "D5h derived"}, diff.ResidueNone},
	} {
		n := classified(t, a, tc.b)
		if n.Kind != KindRpm || n.Residue != tc.left {
			t.Errorf("%s: %s", name, sketch(n))
		}
		if d := cmp.Diff(tc.causes, allCauses(n)); tc.causes != nil && d != "" {
			t.Errorf("%s: %s\n%s", name, d, sketch(n))
		}
	}
	// A checksum that does not fit explains nothing.
	wrong := bytes.Clone(a)
	at := bytes.Index(wrong, []byte("alpha"))
	copy(wrong[at:], "omega")
	if n := classified(t, a, wrong); n.Residue != diff.ResidueNone {
		t.Errorf("the host alone: %s", sketch(n))
	}
	i := bytes.Index(wrong, fmt.Appendf(nil, "%x", sha256.Sum256(payload)))
	wrong[i] ^= 1
	if n := classified(t, a, wrong); n.Residue == diff.ResidueNone {
		t.Errorf("a checksum that does not fit: %s", sketch(n))
	}
}

func TestSignedModule(t *testing.T) {
	mod := func(body, sig string) []byte {
		info := append(make([]byte, 8), binary.BigEndian.AppendUint32(nil, uint32(len(sig)))...)
		return []byte(body + sig + string(info) + signedMagic)
	}
	n := classified(t, mod("a module\n", "\x30\x82sig one"), mod("a module\n", "\x30\x82sig two is longer"))
	if n.Kind != KindSigned || n.Residue != diff.ResidueKnown || len(n.Children) != 2 || n.Equal != 2 {
		t.Error(sketch(n))
	}
	if got := allCauses(n.Children[0]); len(got) != 1 || got[0] != "D5i likely" {
		t.Error(got)
	}
}

// TestLists: wheels and jars list their own files' checksums.
func TestLists(t *testing.T) {
	at := time.Date(2024, 2, 3, 4, 5, 6, 0, time.UTC)
	wheel := func(date string) []byte {
		body := "made " + date + "\n"
		sum := sha256.Sum256([]byte(body))
		record := fmt.Sprintf("x/a.py,sha256=%s,%d\nx-1.dist-info/RECORD,,\n", base64.RawURLEncoding.EncodeToString(sum[:]), len(body))
		manifest := fmt.Sprintf("Manifest-Version: 1.0\r\n\r\nName: x/a.py\r\nSHA-256-Digest: %s\r\n\r\n", base64.StdEncoding.EncodeToString(sum[:]))
		return zipped(t, zfile{"x/a.py", body, zip.Deflate, at}, zfile{"x-1.dist-info/RECORD", record, zip.Deflate, at}, zfile{"META-INF/MANIFEST.MF", manifest, zip.Deflate, at})
	}
	n := classified(t, wheel("2026-01-02"), wheel("2026-01-02 10:11"))
	if n.Kind != KindZip || !strings.Contains(fmt.Sprint(allCauses(n)), "D5h proved") {
		t.Error(sketch(n))
	}
	for _, c := range n.Children {
		if c.Name != "x/a.py" && c.Name != "end of the archive" && c.Residue != diff.ResidueNone {
			t.Errorf("%s: %s", c.Name, sketch(c))
		}
	}
}

func TestBrokenPackages(t *testing.T) {
	good := cpioOf("070701", cpioFile{name: "a", body: "one"})
	name := bytes.Clone(good)
	copy(name[94:], "FFFFFFFF")
	size := bytes.Clone(good)
	copy(size[54:], "7FFFFFFF")
	digit := bytes.Clone(good)
	digit[20] = 'x'
	rpm := rpmOf(map[uint32]string{1000: "x"}, map[uint32]uint32{1006: 1}, []byte("p"))
	tags := bytes.Clone(rpm)
	copy(tags[rpmLead+8:], "\xff\xff\xff\xff")
	off := bytes.Clone(rpm)
	copy(off[rpmLead+16+8:], "\x7f\xff\xff\xff")
	for i, p := range [][2][]byte{{good, name}, {good, size}, {good, digit}, {good, good[:100]}, {rpm, tags}, {rpm, off}, {rpm, rpm[:110]}} {
		n := classified(t, p[0], p[1])
		if n.Status != diff.Differs || n.Residue == diff.ResidueNone || n.Note == "" || (n.Kind == KindCpio || n.Kind == KindRpm) && !n.Capped {
			t.Errorf("%d: %s", i, sketch(n))
		}
	}
}

func FuzzCpio(f *testing.F) {
	a := cpioOf("070701", cpioFile{name: "a", body: "one", mtime: 1})
	f.Add(a, cpioOf("070701", cpioFile{name: "a", body: "one", mtime: 2}))
	f.Add(cpioOf("070702", cpioFile{name: "a", body: "one"}), append(cpioOf("070707", cpioFile{name: "b", body: "x"}), gzipped(a)...))
	f.Fuzz(fuzz)
}

func FuzzRpm(f *testing.F) {
	a := rpmOf(map[uint32]string{1000: "x", 1007: "h"}, map[uint32]uint32{1006: 1}, gzipped(cpioOf("070701")))
	f.Add(a, rpmOf(map[uint32]string{1000: "x", 1007: "host"}, map[uint32]uint32{1006: 2}, []byte("x")))
	f.Add(a[:len(a)-1], []byte("\x00\x01x"+"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"+signedMagic))
	f.Fuzz(fuzz)
}
