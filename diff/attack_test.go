package diff

import (
	"archive/tar"
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
)

// rawEntry writes the header of an entry with its content, as an attacker can:
// change gets the last header block before its checksum is computed.
func rawEntry(t testing.TB, h tar.Header, body string, change func(block []byte)) []byte {
	t.Helper()
	if h.Typeflag == 0 {
		h.Typeflag = tar.TypeReg
	}
	if h.Mode == 0 {
		h.Mode = 0o644
	}
	h.Size = int64(len(body))
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&h); err != nil {
		t.Fatal(err)
	}
	p := b.Bytes()
	if change != nil {
		block := p[len(p)-512:]
		change(block)
		checksum(block)
	}
	p = append(p, body...)
	return append(p, make([]byte, -len(p)&511)...)
}

func checksum(block []byte) {
	copy(block[148:156], "        ")
	sum := 0
	for _, c := range block[:512] {
		sum += int(c)
	}
	copy(block[148:156], fmt.Sprintf("%06o\x00 ", sum))
}

var ending = make([]byte, 1024)

func joinBytes(ps ...[]byte) []byte { return bytes.Join(ps, nil) }

// compareTars compares two archives as files, and tells whether nothing is left
// unexplained.
func compareTars(t testing.TB, a, b []byte) *Node {
	t.Helper()
	x := NewExaminer(Options{})
	n, err := x.Pair(t.Context(), "", "a.tar", bytesInput(a), bytesInput(b))
	if err != nil {
		t.Fatal(err)
	}
	n.Settle()
	return n
}

func bytesInput(p []byte) *Input {
	return &Input{ReaderAt: bytes.NewReader(p), Name: "a.tar", Size: int64(len(p))}
}

// attackHeader is a header of which an attacker changes the time, which is
// benign, and something beside it.
func attackHeader(at int64, pax map[string]string) tar.Header {
	return tar.Header{Name: "bin/tool", ModTime: time.Unix(at, 0), PAXRecords: pax, Format: map[bool]tar.Format{true: tar.FormatPAX, false: tar.FormatUSTAR}[pax != nil]}
}

// TestBesideTheTime hides a change of a header behind a change of the time, which
// alone is proved.
func TestBesideTheTime(t *testing.T) {
	plain := func(at int64, change func([]byte)) []byte {
		return joinBytes(rawEntry(t, attackHeader(at, nil), "content", change), ending)
	}
	if n := compareTars(t, plain(1, nil), plain(2, nil)); n.Residue != ResidueNone {
		t.Fatalf("the time alone is not explained:\n%s", sketch(n, ""))
	}
	sized := func(at int64, size string) []byte {
		h := attackHeader(at, map[string]string{"comment": "c"})
		p := joinBytes(rawEntry(t, h, "content", func(b []byte) { copy(b[124:136], size) }), ending)
		// The record "comment=c" becomes one of the size.
		return bytes.Replace(p, []byte("13 comment=c\n"), []byte("13 size=0007\n"), 1)
	}
	for name, pair := range map[string][2][]byte{
		"bytes after the mode":           {plain(1, nil), plain(2, func(b []byte) { copy(b[100:108], "644\x00evil") })},
		"bytes after the time":           {plain(1, nil), plain(2, func(b []byte) { copy(b[136:148], "2\x00evil-bytes") })},
		"bytes after the link":           {plain(1, nil), plain(2, func(b []byte) { copy(b[200:], "evil") })},
		"bytes after the user":           {plain(1, func(b []byte) { copy(b[265:], "root") }), plain(1, func(b []byte) { copy(b[265:], "user\x00evil") })},
		"a size that PAX overrides":      {sized(1, "00000000007\x00"), sized(2, "00000000777\x00")},
		"a symlink that states a size":   {symlink(t, 1, "00000000000\x00"), symlink(t, 2, "00000001000\x00")},
		"a size in another form":         {plain(1, nil), plain(2, func(b []byte) { copy(b[124:136], "\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x07") })},
		"bytes in the padding":           {plain(1, nil), withBytes(plain(2, nil), 520, "evil")},
		"bytes in the last padding only": {plain(1, nil), withBytes(plain(1, nil), 1000, "evil")},
		"a byte after the end":           {joinBytes(plain(1, nil), make([]byte, 10240-1024)), joinBytes(plain(2, nil), []byte("0"))},
	} {
		n := compareTars(t, pair[0], pair[1])
		if n.Status != Differs || n.Residue == ResidueNone {
			t.Errorf("%s: %s, residue %s\n%s", name, n.Status, n.Residue, sketch(n, ""))
		}
	}
}

func symlink(t testing.TB, at int64, size string) []byte {
	h := attackHeader(at, nil)
	h.Typeflag, h.Linkname = tar.TypeSymlink, "sh"
	return joinBytes(rawEntry(t, h, "", func(b []byte) { copy(b[124:136], size) }), rawEntry(t, tar.Header{Name: "other"}, "x", nil), ending)
}

func withBytes(p []byte, at int, s string) []byte {
	p = bytes.Clone(p)
	copy(p[at:], s)
	return p
}

// TestEndsAreNotOne keeps apart ends that only their parts' lengths tell apart.
func TestEndsAreNotOne(t *testing.T) {
	e := rawEntry(t, attackHeader(1, nil), "content", nil)
	long := joinBytes(e, make([]byte, 10240))
	odd := joinBytes(e, ending, []byte("0"))
	n := compareTars(t, long, odd)
	if find(n, "end of the archive") == nil {
		t.Errorf("the ends count as one:\n%s", sketch(n, ""))
	}
	same := compareTars(t, joinBytes(e, ending, []byte("aaaa")), joinBytes(e, ending, make([]byte, 512), []byte("bbbb")))
	if f := mustFind(t, same, "end of the archive"); len(f.Reasons) < 2 {
		t.Errorf("what follows the end is not told:\n%s", sketch(same, ""))
	}
}

// TestPower looks for what gives somebody power, beside what is benign: it is
// suspicious, folded by nothing, and explained by nothing.
func TestPowerInArchives(t *testing.T) {
	many := func(f file) []byte {
		var fs []file
		for i := range 6 {
			f.name = fmt.Sprintf("f%d", i)
			fs = append(fs, f)
		}
		return tarBytes(t, fs...)
	}
	acl := func(v string) []byte {
		h := tar.Header{Name: "f", Format: tar.FormatPAX, PAXRecords: map[string]string{"SCHILY.acl.access": v}}
		return joinBytes(rawEntry(t, h, "x", nil), ending)
	}
	device := func(minor int64) []byte {
		return joinBytes(rawEntry(t, tar.Header{Name: "dev/x", Typeflag: tar.TypeChar, Devmajor: 1, Devminor: minor}, "", nil), ending)
	}
	for name, pair := range map[string][2][]byte{
		"owner of what is set-id":        {many(file{body: "x", mode: 0o4755, uid: 1000}), many(file{body: "x", mode: 0o4755})},
		"set-id":                         {many(file{body: "x", mode: 0o755}), many(file{body: "x", mode: 0o4755})},
		"anyone may write":               {many(file{body: "x", mode: 0o644}), many(file{body: "x", mode: 0o666})},
		"access list":                    {acl("user::rw-"), acl("user::rwx")},
		"device":                         {device(3), device(1)},
		"attribute of overlayfs":         {many(file{body: "x", xattrs: map[string]string{"trusted.overlay.redirect": "/a"}}), many(file{body: "x", xattrs: map[string]string{"trusted.overlay.redirect": "/b"}})},
		"capability that both have":      {many(file{body: "x", xattrs: map[string]string{"security.capability": "\x01"}}), many(file{body: "x", xattrs: map[string]string{"security.capability": "\x02"}})},
		"owner of a set-id file, folded": {many(file{body: "x", mode: 0o2755, uid: 5, at: time.Unix(9, 0)}), many(file{body: "x", mode: 0o2755, uid: 6, at: time.Unix(8, 0)})},
	} {
		n := compareTars(t, pair[0], pair[1])
		if n.Suspicious == 0 || n.Residue == ResidueNone {
			t.Errorf("%s: %d suspicions, residue %s\n%s", name, n.Suspicious, n.Residue, sketch(n, ""))
		}
		for _, c := range n.Children {
			if c.Kind == KindGroup {
				t.Errorf("%s: folded", name)
			}
		}
	}
	// The mode of a link and a directory of names for all say nothing.
	link := func(mode int64) []byte {
		return joinBytes(rawEntry(t, tar.Header{Name: "l", Typeflag: tar.TypeSymlink, Linkname: "x", Mode: mode}, "", nil), ending)
	}
	if n := compareTars(t, link(0o777), link(0o755)); n.Suspicious > 0 {
		t.Errorf("the mode of a symlink is suspicious:\n%s", sketch(n, ""))
	}
}

// TestFoldedByCause keeps entries apart that differ in the same properties for
// causes that are not equally well known.
func TestFoldedByCause(t *testing.T) {
	var a, b []byte
	for i := range 8 {
		h := attackHeader(1, nil)
		h.Name = fmt.Sprintf("f%d", i)
		a = append(a, rawEntry(t, h, "x", nil)...)
		h.ModTime = time.Unix(2, 0)
		var change func([]byte)
		if i >= 4 {
			change = func(p []byte) { copy(p[480:], "evil") }
		}
		b = append(b, rawEntry(t, h, "x", change)...)
	}
	n := compareTars(t, append(a, ending...), append(b, ending...))
	for _, g := range n.Children {
		if g.Kind != KindGroup {
			continue
		}
		for _, c := range g.Children {
			for i, r := range c.Reasons {
				if got, want := g.Reasons[i].Cause, r.Cause; (got == nil) != (want == nil) || got != nil && got.Confidence != want.Confidence {
					t.Errorf("%s: %s counts as %+v in the group, and is %+v", c.Name, r.Field, got, want)
				}
			}
		}
	}
}

// TestOrderThatCounts puts entries into an order that makes another tree.
func TestOrderThatCounts(t *testing.T) {
	reg := func(name, body string) []byte { return rawEntry(t, tar.Header{Name: name}, body, nil) }
	dir := rawEntry(t, tar.Header{Name: "x/", Typeflag: tar.TypeDir, Mode: 0o755}, "", nil)
	link := func(name, to string) []byte {
		return rawEntry(t, tar.Header{Name: name, Typeflag: tar.TypeSymlink, Linkname: to}, "", nil)
	}
	hard := func(name, to string) []byte {
		return rawEntry(t, tar.Header{Name: name, Typeflag: tar.TypeLink, Linkname: to}, "", nil)
	}
	v1, v2 := reg("a", "one"), reg("a", "two")
	for name, c := range map[string]struct {
		a, b  [][]byte
		count bool
	}{
		"a sorted list":           {[][]byte{reg("a", "1"), reg("b", "2"), reg("c", "3")}, [][]byte{reg("c", "3"), reg("a", "1"), reg("b", "2")}, false},
		"behind a symlink":        {[][]byte{reg("x/passwd", "p"), link("x", "etc")}, [][]byte{link("x", "etc"), reg("x/passwd", "p")}, true},
		"deep behind a symlink":   {[][]byte{reg("x/y/z", "p"), link("x", "etc")}, [][]byte{link("x", "etc"), reg("x/y/z", "p")}, true},
		"directory before":        {[][]byte{dir, reg("x/y", "p")}, [][]byte{reg("x/y", "p"), dir}, false},
		"a link between versions": {[][]byte{v1, hard("h", "a"), v2}, [][]byte{v1, v2, hard("h", "a")}, true},
		"a link before its file":  {[][]byte{v1, hard("h", "a")}, [][]byte{hard("h", "a"), v1}, true},
		"a whiteout":              {[][]byte{reg(".wh.a", ""), v1}, [][]byte{v1, reg(".wh.a", "")}, true},
	} {
		n := compareTars(t, append(bytes.Join(c.a, nil), ending...), append(bytes.Join(c.b, nil), ending...))
		var got *Reason
		for i, r := range n.Reasons {
			if strings.HasPrefix(r.Field, "order of the members") {
				got = &n.Reasons[i]
			}
		}
		if got == nil {
			t.Errorf("%s: no order\n%s", name, sketch(n, ""))
			continue
		}
		// Without a cause of its own, package cause proves it.
		if counts := got.Cause != nil && got.Cause.Confidence < Derived; counts != c.count {
			t.Errorf("%s: the order counts: %v, want %v", name, counts, c.count)
		}
	}
}

// TestHardLinkToMore replaces a copy by a hard link to a file of equal content
// that may do more: the link is then that file.
func TestHardLinkToMore(t *testing.T) {
	build := func(mode int64, link bool) []byte {
		fs := []file{{name: "su", body: "program", mode: mode}}
		if link {
			return tarBytes(t, append(fs, file{name: "x", typ: tar.TypeLink, link: "su", mode: 0o755})...)
		}
		return tarBytes(t, append(fs, file{name: "x", body: "program", mode: 0o755})...)
	}
	for mode, want := range map[int64]Residue{0o755: ResidueNone, 0o4755: ResidueKnown} {
		n := mustFind(t, compareTars(t, build(mode, false), build(mode, true)), "x")
		if n.Residue != want {
			t.Errorf("target of mode %o: residue %s, want %s\n%s", mode, n.Residue, want, sketch(n, ""))
		}
	}
	// An empty file is no link to whatever has no content.
	empty := tarBytes(t, file{name: "d", typ: tar.TypeSymlink, link: "/etc/shadow"}, file{name: "x", body: ""})
	linked := tarBytes(t, file{name: "d", typ: tar.TypeSymlink, link: "/etc/shadow"}, file{name: "x", typ: tar.TypeLink, link: "d"})
	if n := mustFind(t, compareTars(t, empty, linked), "x"); n.Residue == ResidueNone {
		t.Errorf("a hard link to a symlink counts as an empty file\n%s", sketch(n, ""))
	}
}
