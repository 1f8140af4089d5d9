package system

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/diff/internal/mutate"
)

var (
	le = binary.LittleEndian
	be = binary.BigEndian
)

// cacheOf writes a loader's cache as ldconfig does. Names are laid out in the order
// that turned says.
func cacheOf(generator string, turned bool, libs ...library) []byte {
	at := map[string]uint32{}
	var names []string
	for _, l := range libs {
		names = append(names, l.path, l.name)
	}
	if turned {
		slices.Reverse(names)
	}
	var strs []byte
	base := uint32(newCacheHead + newCacheEntry*len(libs))
	for _, s := range names {
		if _, ok := at[s]; !ok {
			at[s] = base + uint32(len(strs))
			strs = append(append(strs, s...), 0)
		}
	}
	end := (base + uint32(len(strs)) + 3) &^ 3
	out := append([]byte(newCache), le.AppendUint32(le.AppendUint32(nil, uint32(len(libs))), uint32(len(strs)))...)
	out = le.AppendUint32(append(out, 2, 0, 0, 0), end)
	out = append(out, make([]byte, 12)...)
	for _, l := range libs {
		for _, w := range []uint32{0x303, at[l.name], at[l.path], 0, 0, 0} {
			out = le.AppendUint32(out, w)
		}
	}
	out = append(out, strs...)
	out = append(out, make([]byte, int(end)-len(out))...)
	for _, w := range []uint32{cacheExtra, 1, tagGenerator, 0, end + 24, uint32(len(generator))} {
		out = le.AppendUint32(out, w)
	}
	return append(out, generator...)
}

// auxOf writes what ldconfig remembers; seed is of the disk.
func auxOf(seed uint64, libs ...string) []byte {
	out := append([]byte(auxMagic+"2.0"), le.AppendUint32(nil, uint32(len(libs)))...)
	strs := []byte{0}
	var entries []byte
	for i, l := range libs {
		for _, w := range []uint64{seed + uint64(i), 1_700_000_000 + seed, uint64(1000 * len(l)), seed % 7} {
			entries = le.AppendUint64(entries, w)
		}
		for _, w := range []uint32{0x303, uint32(len(strs)), 0, uint32(seed) * 0x01010101} {
			entries = le.AppendUint32(entries, w)
		}
		strs = append(append(strs, l...), 0)
	}
	return slices.Concat(out, le.AppendUint32(nil, uint32(len(strs))), entries, strs)
}

// storeOf writes a keystore with certificates of these names.
func storeOf(password string, at time.Time, certs map[string][]byte, names ...string) []byte {
	out := append([]byte(keystoreMagic), be.AppendUint32(be.AppendUint32(nil, 2), uint32(len(names)))...)
	text := func(s string) { out = append(be.AppendUint16(out, uint16(len(s))), s...) }
	for _, name := range names {
		out = be.AppendUint32(out, certEntry)
		text(name)
		out = be.AppendUint64(out, uint64(at.UnixMilli()))
		text("X.509")
		out = append(be.AppendUint32(out, uint32(len(certs[name]))), certs[name]...)
	}
	return append(out, keystoreSum(password, out)...)
}

func mendStore(p []byte) []byte {
	if len(p) < 32 {
		return nil
	}
	return append(p[:len(p)-20], keystoreSum("changeit", p[:len(p)-20])...)
}

func certOf(t *testing.T, name string) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// fontsOf writes a cache of fonts of a directory that was changed at a time.
func fontsOf(at int64, nanos uint64, fonts string) []byte {
	out := append([]byte(fontMagic), le.AppendUint32(nil, 8)...)
	out = le.AppendUint64(out, uint64(fontHead+len(fonts)))
	out = append(out, make([]byte, fontSeconds-len(out))...)
	out = le.AppendUint64(le.AppendUint64(out, uint64(at)), nanos)
	return append(out, fonts...)
}

var libz, libm = library{name: "libz.so.1", path: "/lib/libz.so.1"}, library{name: "libm.so.6", path: "/lib/libm.so.6"}

func TestLoaderCache(t *testing.T) {
	const release = "ldconfig (GNU libc) stable release version 2.36"
	plain := cacheOf(release, false, libz, libm)
	evil := library{name: "libz.so.1", path: "/opt/x/libz.so.1"}
	for what, c := range map[string]struct {
		b        []byte
		residue  diff.Residue
		suspects []string
		says     string
	}{
		"places":     {cacheOf(release, true, libz, libm), diff.ResidueNone, nil, "D5b"},
		"elsewhere":  {cacheOf(release, false, evil, libm), diff.ResidueKnown, []string{"programs get libz.so.1 from /lib/libz.so.1 in A, from /opt/x/libz.so.1 in B", "side B has libraries of a directory that the other has none of: /opt/x"}, "libz.so.1"},
		"in front":   {cacheOf(release, false, evil, libz, libm), diff.ResidueKnown, []string{"programs get libz.so.1 from /lib/libz.so.1 in A, from /opt/x/libz.so.1 in B", "side B has libraries of a directory that the other has none of: /opt/x"}, "libz.so.1"},
		"behind":     {cacheOf(release, false, libz, evil, libm), diff.ResidueKnown, []string{"side B has libraries of a directory that the other has none of: /opt/x"}, "libz.so.1"},
		"one more":   {cacheOf(release, false, libz, libm, library{name: "libq.so", path: "/lib/libq.so"}), diff.ResidueKnown, nil, "libq.so"},
		"order":      {cacheOf(release, false, libm, libz), diff.ResidueKnown, nil, "order of the libraries"},
		"release":    {cacheOf(release+" of me", false, libz, libm), diff.ResidueKnown, nil, "D5b likely"},
		"build path": {cacheOf(release, false, library{name: "libz.so.1", path: "/build/b/libz.so.1"}, libm), diff.ResidueKnown, []string{"programs get libz.so.1 from /lib/libz.so.1 in A, from /build/b/libz.so.1 in B", "side B has libraries of a directory that the other has none of: /build/b"}, "libz.so.1"},
	} {
		n := mutate.Compare(t, "ld.so.cache", plain, c.b)
		sketch := mutate.Sketch(n)
		if n.Kind != KindLoaderCache || n.Residue != c.residue || len(n.Children) != 1 || !strings.Contains(sketch, c.says) {
			t.Fatalf("%s: %s\n%s", what, n.Residue, sketch)
		}
		var got []string
		for _, s := range n.Children[0].Suspicions {
			got = append(got, s.What)
		}
		if !slices.Equal(got, c.suspects) {
			t.Errorf("%s: %q", what, got)
		}
	}
	mutate.Run(t, mutate.Case{Name: "ld.so.cache", Plain: plain, Also: [][]byte{cacheOf(release, true, libz, libm)},
		Harmless: func(c mutate.Change) bool { return len(c.Old) == len(c.New) && samePart(c, 24, 28) }}) // the length of the names, which nobody needs
}

// samePart reports whether a change is between two offsets alone.
func samePart(c mutate.Change, from, to int) bool {
	return len(c.Old) == len(c.New) && bytes.Equal(c.Old[:from], c.New[:from]) && bytes.Equal(c.Old[to:], c.New[to:])
}

func TestAuxCache(t *testing.T) {
	plain := auxOf(1, "liba.so.1", "libbb.so.2", "libccc.so.3")
	harmless := func(c mutate.Change) bool {
		if len(c.Old) != len(c.New) {
			return false
		}
		mask := func(p []byte) []byte {
			p = bytes.Clone(p)
			for at := auxHead; at+auxEntry <= len(p); at += auxEntry {
				if e := p[at:]; at < auxHead+3*auxEntry {
					clear(e[:16])
					clear(e[24:32])
					clear(e[44:48])
				}
			}
			return p
		}
		return bytes.Equal(mask(c.Old), mask(c.New))
	}
	mutate.Run(t, mutate.Case{Name: "aux-cache", Plain: plain, Also: [][]byte{auxOf(5000, "libccc.so.3", "liba.so.1", "libbb.so.2")}, Harmless: harmless})
	if n := mutate.Compare(t, "aux-cache", plain, auxOf(9, "liba.so.1", "libbb.so.2")); n.Kind != KindAuxCache || n.Residue != diff.ResidueKnown {
		t.Error(mutate.Sketch(n))
	}
}

func TestKeystore(t *testing.T) {
	certs := map[string][]byte{"a": certOf(t, "A"), "b": certOf(t, "B"), "evil": certOf(t, "Evil")}
	day := time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC)
	store := func(password string, more time.Duration, names ...string) []byte {
		return storeOf(password, day.Add(more), certs, names...)
	}
	plain := store("changeit", 0, "a", "b")
	other := func() []byte { // another certificate under a known name
		swapped := map[string][]byte{"a": certs["a"], "b": certs["evil"]}
		return storeOf("changeit", day, swapped, "a", "b")
	}()
	for what, c := range map[string]struct {
		b        []byte
		residue  diff.Residue
		suspect  string
		settings string
	}{
		"times":            {store("changeit", time.Hour, "a", "b"), diff.ResidueNone, "", "times of 2 entries"},
		"order":            {store("changeit", time.Hour, "b", "a"), diff.ResidueNone, "", "order of the entries"},
		"another":          {other, diff.ResidueKnown, `the certificate "b" is another: of CN=B`, "entry b"},
		"one more":         {store("changeit", 0, "a", "b", "evil"), diff.ResidueKnown, `side B trusts a certificate that the other does not, or not once: "evil", of CN=Evil`, "entry evil"},
		"one with a name":  {store("changeit", 0, "a", "b", "b"), diff.ResidueKnown, "side B trusts", "entry b"},
		"unknown password": {store("mine", time.Hour, "a", "b"), diff.ResidueKnown, "connections are trusted by it", "checksum"},
	} {
		n := mutate.Compare(t, "etc/ssl/certs/java/cacerts", plain, c.b)
		sketch := mutate.Sketch(n)
		var said []string
		for _, m := range append([]*diff.Node{n}, n.Children...) {
			for _, s := range m.Suspicions {
				said = append(said, s.What)
			}
		}
		if n.Kind != KindKeystore || n.Residue != c.residue || !strings.Contains(sketch, c.settings) || (c.suspect == "") != (len(said) == 0) || len(said) > 1 && slices.Contains(said, "connections are trusted by it; its content differs") || !strings.Contains(strings.Join(said, "\n"), c.suspect) {
			t.Errorf("%s: %s %q\n%s", what, n.Residue, said, sketch)
		}
	}
	pieces := func(p []byte) (out [][]byte) {
		s, err := parseKeystore(p)
		if err != nil {
			return nil
		}
		at := 0
		for _, k := range s.keys {
			out, at = append(out, p[at:k.from], p[k.from:k.to]), k.to
		}
		return append(out, p[at:])
	}
	mutate.Run(t, mutate.Case{Name: "cacerts", Plain: plain, Also: [][]byte{store("changeit", time.Hour, "a", "b")}, Mend: mendStore, Pieces: pieces,
		Harmless: func(c mutate.Change) bool {
			// Times and the order, where the checksum was made anew.
			s, err := parseKeystore(c.New)
			return err == nil && s.proved && len(s.keys) == 2 && sameKeys(t, s, plain)
		}})
}

// sameKeys reports whether a keystore holds what another one does, but for times.
func sameKeys(t *testing.T, s *keystore, plain []byte) bool {
	t.Helper()
	o, err := parseKeystore(plain)
	if err != nil {
		t.Fatal(err)
	}
	says := func(s *keystore) (out []string) {
		for _, k := range s.keys {
			out = append(out, k.says)
		}
		slices.Sort(out)
		return out
	}
	return slices.Equal(says(s), says(o))
}

func TestFontCache(t *testing.T) {
	plain := fontsOf(1_600_000_000, 5, "all that is known of fonts")
	name := "var/cache/fontconfig/3830d5c3ddfd5cd38a049b759396e72e-le64.cache-8"
	if n := mutate.Compare(t, name, plain, fontsOf(1_600_000_000, 5, "all that is known of Fonts")); n.Kind != KindFontCache || n.Residue != diff.ResidueKnown {
		t.Error(mutate.Sketch(n))
	}
	mutate.Run(t, mutate.Case{Name: name, Plain: plain, Also: [][]byte{fontsOf(1_700_000_000, 9, "all that is known of fonts")},
		Harmless: func(c mutate.Change) bool {
			mask := func(p []byte) []byte {
				p = bytes.Clone(p)
				clear(p[fontSeconds : fontSeconds+4])
				clear(p[fontNanos:fontHead])
				return p
			}
			return len(c.Old) == len(c.New) && len(c.New) > fontHead && bytes.Equal(mask(c.Old), mask(c.New))
		}})
}

// TestBroken: what cannot be read is compared as bytes, and that is said.
func TestBroken(t *testing.T) {
	cert := map[string][]byte{"a": []byte("no certificate")}
	for name, p := range map[string][]byte{
		"ld.so.cache": cacheOf("x", false, libz), "aux-cache": auxOf(3, "liba.so"), "cacerts": storeOf("changeit", time.Unix(0, 0), cert, "a"),
	} {
		for _, cut := range []int{len(p) - 1, len(p) / 2, 24} {
			n := mutate.Compare(t, name, p, p[:cut])
			if n.Residue == diff.ResidueNone || n.Status != diff.Differs {
				t.Errorf("%s cut at %d: %s %s", name, cut, n.Status, n.Residue)
			}
		}
	}
}

func FuzzSystem(f *testing.F) {
	libs := []library{libz, libm}
	cert := map[string][]byte{"a": []byte("no certificate")}
	for _, p := range [][2][]byte{
		{cacheOf("x", false, libs...), cacheOf("x", true, libs...)}, {auxOf(3, "liba.so", "libb.so"), auxOf(7, "libb.so", "liba.so")},
		{storeOf("changeit", time.Unix(9, 0), cert, "a"), storeOf("", time.Unix(8, 0), cert, "a", "a")}, {fontsOf(1, 2, "f"), fontsOf(3, 4, "g")},
		{databaseOf(1, 2, 3, "one"), databaseOf(4, 5, 6, "two")},
	} {
		f.Add(p[0], p[1])
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		n := mutate.Compare(t, "x", a, b)
		if bytes.Equal(a, b) != (n.Status == diff.Same) {
			t.Fatal(n.Status)
		}
		if what := mutate.Accounted(n); what != "" {
			t.Fatal(what)
		}
	})
}

// databaseOf is a database of two pages, with its counters.
func databaseOf(changes, tables, release uint32, rows string) []byte {
	p := make([]byte, 2*512)
	copy(p, sqliteMagic)
	be.PutUint16(p[16:], 512)
	be.PutUint32(p[sqliteChanges:], changes)
	be.PutUint32(p[28:], 2)
	be.PutUint32(p[sqliteCookie:], tables)
	be.PutUint32(p[sqliteFor:], changes)
	be.PutUint32(p[sqliteRelease:], release)
	p[sqliteHead], p[512] = 13, 13
	// One row: its length, its number, and a record of a text and a number.
	cell := slices.Concat([]byte{byte(len(rows) + 4), 7, 3, byte(13 + 2*len(rows)), 1}, []byte(rows), []byte{0xfe})
	be.PutUint16(p[512+3:], 1)
	be.PutUint16(p[512+8:], uint16(512-len(cell)))
	copy(p[1024-len(cell):], cell)
	return p
}

func TestSQLite(t *testing.T) {
	plain := databaseOf(3, 1, 3040001, "INSTALLED bash 5.2")
	n := mutate.Compare(t, "usr/lib/sysimage/rpm/rpmdb.sqlite", plain, databaseOf(9, 1, 3040001, "INSTALLED bash 5.3"))
	if sketch := mutate.Sketch(n); n.Kind != KindSQLite || n.Residue != diff.ResidueKnown || !strings.Contains(sketch, "page 2 (rows of a table)") || !strings.Contains(sketch, "number of changes") {
		t.Error(sketch)
	}
	if got := rowsOf(&diff.Input{ReaderAt: bytes.NewReader(plain), Size: int64(len(plain))}, 512, 512); !slices.Equal(got, []string{`row 7: "INSTALLED bash 5.2", -2`}) {
		t.Errorf("%q", got)
	}
	mutate.Run(t, mutate.Case{Name: "x.sqlite", Plain: plain, Also: [][]byte{databaseOf(9, 4, 3041002, "INSTALLED bash 5.2")},
		Harmless: func(c mutate.Change) bool {
			mask := func(p []byte) []byte {
				p = bytes.Clone(p)
				for _, at := range []int{sqliteChanges, sqliteCookie, sqliteFor, sqliteRelease} {
					clear(p[at : at+4])
				}
				return p
			}
			return len(c.Old) == len(c.New) && bytes.Equal(mask(c.Old), mask(c.New))
		}})
}
