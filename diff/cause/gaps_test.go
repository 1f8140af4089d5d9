package cause

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stagescope/stagescope/diff"
)

// causesOf are the causes of a node's own reasons.
func causesOf(n *diff.Node) (out []string) {
	for _, r := range n.Reasons {
		if r.Cause != nil {
			out = append(out, fmt.Sprintf("%s %s", r.Cause.ID, r.Cause.Confidence))
		}
	}
	return out
}

func TestContextRules(t *testing.T) {
	const pem = "-----BEGIN %s-----\n%s\n-----END %s-----\n"
	block := func(kind, body string) string { return "x\n" + fmt.Sprintf(pem, kind, body, kind) }
	for _, tc := range []struct{ name, a, b, want string }{
		{"a year of copyright", "Copyright (C) 1999-2025 Someone\n", "Copyright (C) 1999-2026 Someone\n", "D1e proved"},
		{"manual page", ".TH LS 1 \"March 2026\" \"GNU\" \"User\"\n", ".TH LS 1 \"April 2026\" \"GNU\" \"User\"\n", "D1e proved"},
		{"manual page by day", ".TH X 1 \"2026-03-04\"\n", ".TH X 1 \"2026-11-24\"\n", "D1e proved"},
		{"last updated", "Last updated on Mar 4, 2026.\n", "Last updated on Nov 24, 2026.\n", "D1e proved"},
		{"time zone", "built 2026-03-04 10:11:12 here\n", "built 2026-03-04 15:41:12 here\n", "D1f proved"},
		{"one instant", "at 2026-03-04T10:11:12Z.\n", "at 2026-03-04T12:11:12+02:00.\n", "D1f proved"},
		{"elapsed", "Tests completed in 12.31 s\n", "Tests completed in 9.07 s\n", "D1g proved"},
		{"time(1)", "real 0m1.234s\n", "real 0m1.301s\n", "D1g proved"},
		{"jar", "Bnd-LastModified: 1700000000123\n", "Bnd-LastModified: 1700000001456\n", "D1c proved"},
		{"uname", "Linux host 6.1.0-18-amd64 x86_64\n", "Linux host 5.10.0-21-amd64 x86_64\n", "D3a proved"},
		{"put before", "Tests completed in 2.31 s\n", "Tests completed in 12.31 s\n", "D1g proved"},
		{"jobs", "make -j8 all\n", "make -j16 all\n", "D3c likely"},
		{"a host", "hostname=alpha\n", "hostname=beta7\n", "D2c likely"},
		{"jar's builder", "Built-By: alice\n", "Built-By: bob\n", "D2c likely"},
		{"two strangers", "mail a@good.example\n", "mail b@evil.example\n", "D2c likely"},
		{"commit", "vcs.revision=0123456789abcdef0123456789abcdef01234567\n", "vcs.revision=fedcba9876543210fedcba9876543210fedcba98\n", "D5f proved"},
		{"description", "v1.2-3-gabcdef0\n", "v1.2-14-g0fedcba\n", "D5f proved"},
		{"dirty", "commit abcdef0\n", "commit abcdef0-dirty\n", "D5f proved"},
		{"export-subst", "node: $Format:%H$\n", "node: 0123456789abcdef0123456789abcdef01234567\n", "D5d proved"},
		{"PDF", "<< /ID [<0123456789abcdef0123456789abcdef> <0123456789abcdef0123456789abcdef>] >>\n", "<< /ID [<fedcba9876543210fedcba9876543210> <fedcba9876543210fedcba9876543210>] >>\n", "D4e proved"},
		{"PDF's font", "/BaseFont /ABCDEF+Times\n", "/BaseFont /GHIJKL+Times\n", "D4e proved"},
		{"signature", block("PGP SIGNATURE", "iQEz"), block("PGP SIGNATURE", "iQXzAB"), "D5i proved"},
		{"certificate", block("CERTIFICATE", "MIIB"), block("CERTIFICATE", "MIIC"), "D5i likely"},
		{"French", "sh: foo: command not found\n", "sh: foo: commande introuvable\n", "D6a proved"},
		{"encoding", "caf\xe9\n", "café\n", "D6a proved"},
		{"collation", "B\nC\na\nd\n", "a\nB\nC\nd\n", "D6a proved"},
		{"a log of make", "  CC a.o\n  CC b.o\n  LD ab\nmake[1]: done\n", "  CC b.o\n  CC a.o\n  LD ab\nmake[1]: done\n", "D4g proved"},
		{"a listing", "b.c\nlib/z.c\na.c\n", "a.c\nb.c\nlib/z.c\n", "D3f proved"},
		{"lines", "b y\na x\nc z\n", "c z\na x\nb y\n", "D4a proved"},
		{"another file", "run /usr/bin/good\n", "run /opt/x/evil\n", "D2a likely"},
		{"a temporary path that is another", "sh /tmp/a/good.sh\n", "sh /tmp/b/evil.py\n", "D2b likely"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			n := pairOf(t, []byte(tc.a), []byte(tc.b))
			got := causesOf(n)
			if len(got) != 1 || got[0] != tc.want {
				t.Fatalf("causes %q, want %q", got, tc.want)
			}
			if proved := strings.HasSuffix(tc.want, "proved"); proved != (n.Residue == diff.ResidueNone) {
				t.Errorf("the residue is %s", n.Residue)
			}
		})
	}
}

// TestNeverExplained holds that what is fetched, run or trusted is not taken for
// a path or a time.
func TestNeverExplained(t *testing.T) {
	for name, p := range map[string][2]string{
		"a URL's host":          {"from https://good.example/x/a.tar\n", "from https://evil.example/x/a.tar\n"},
		"a number with a unit":  {"timeout_limit 30 apples\n", "timeout_limit 31 apples\n"},
		"a version":             {"needs 1.2.3\n", "needs 1.2.4\n"},
		"a key among the lines": {"-----BEGIN SIGNATURE-----\nAA\n-----END SIGNATURE-----\nallow no\n", "-----BEGIN SIGNATURE-----\nBB\n-----END SIGNATURE-----\nallow yes\n"},
		"a message's meaning":   {"it ended with error\n", "it ended with total\n"},
		"lines and one more":    {"b.c\na.c\n", "a.c\nb.c\nc.c\n"},
	} {
		t.Run(name, func(t *testing.T) {
			n := pairOf(t, []byte(p[0]), []byte(p[1]))
			if n.Residue != diff.ResidueKnown {
				t.Errorf("residue %s: %q", n.Residue, causesOf(n))
			}
		})
	}
}

// knownPair compares two texts whose builds are recorded.
func knownPair(t *testing.T, k Known, a, b string) *diff.Node {
	t.Helper()
	dir := t.TempDir()
	pa, pb := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	for p, c := range map[string]string{pa: a, pb: b} {
		if err := os.WriteFile(p, []byte(c), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	n, err := diff.NewExaminer(diff.Options{}).Paths(t.Context(), pa, pb)
	if err != nil {
		t.Fatal(err)
	}
	if err := ClassifyKnown(t.Context(), n, k); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestRecorded(t *testing.T) {
	start := time.Date(2026, 3, 4, 10, 0, 0, 0, time.UTC)
	k := Known{
		A: Environment{Host: "alpha", User: "builder", Home: "/home/builder", Kernel: "6.1.0", Paths: []string{"/b/1"}, Commit: "abc1234", CPUs: 4, Started: start, Finished: start.Add(time.Hour)},
		B: Environment{Host: "zebra9", User: "root", Home: "/root", Kernel: "5.10.3", Paths: []string{"/srv/two"}, Commit: "def5678", CPUs: 16, Started: start.Add(48 * time.Hour), Finished: start.Add(49 * time.Hour)},
	}
	for _, tc := range []struct{ name, a, b, want string }{
		{"host", "on alpha, at last\n", "on zebra9, at last\n", "D2c proved"},
		{"user", "made by builder\n", "made by root\n", "D2c proved"},
		{"kernel", "found 6.1.0 here\n", "found 5.10.3 here\n", "D3a proved"},
		{"path", "in /b/1 only\n", "in /srv/two only\n", "D2a proved"},
		{"commit", "of abc1234\n", "of def5678\n", "D5f proved"},
		{"processors", "shards: 4\n", "shards: 16\n", "D3c proved"},
		{"another number", "shards: 5\n", "shards: 16\n", ""},
		{"the other way round", "on zebra9, at last\n", "on alpha, at last\n", ""},
		{"a part of a word", "alphabet\n", "zebra9bet\n", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := strings.Join(causesOf(knownPair(t, k, tc.a, tc.b)), ", ")
			if got != tc.want {
				t.Errorf("%q, want %q", got, tc.want)
			}
		})
	}
	n := knownPair(t, k, "built 2026-03-04 10:11:12 here\n", "built 2026-03-06 10:20:13 here\n")
	if len(n.Reasons) != 1 || !strings.Contains(n.Reasons[0].Cause.Evidence, "each lies in the time of its build") {
		t.Errorf("%+v", n.Reasons)
	}
	if n := knownPair(t, k, "built 2025-03-04 10:11:12 here\n", "built 2026-03-06 10:20:13 here\n"); strings.Contains(n.Reasons[0].Cause.Evidence, "in the time of its build") {
		t.Errorf("%+v", n.Reasons[0].Cause)
	}
}

// dirs compares two directories with these files.
func dirs(t *testing.T, k Known, a, b map[string]string) *diff.Node {
	t.Helper()
	var roots [2]string
	for i, files := range []map[string]string{a, b} {
		roots[i] = t.TempDir()
		for name, text := range files {
			full := filepath.Join(roots[i], name)
			os.MkdirAll(filepath.Dir(full), 0o755)
			if err := os.WriteFile(full, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	n, err := diff.NewExaminer(diff.Options{}).Paths(t.Context(), roots[0], roots[1])
	if err != nil {
		t.Fatal(err)
	}
	if err := ClassifyKnown(t.Context(), n, k); err != nil {
		t.Fatal(err)
	}
	return n
}

// all gives every cause in a tree, by the node's name.
func all(n *diff.Node) map[string][]string {
	out := map[string][]string{}
	var walk func(*diff.Node)
	walk = func(n *diff.Node) {
		if cs := causesOf(n); len(cs) > 0 {
			out[n.Name] = cs
		}
		for _, c := range n.Children {
			walk(c)
		}
	}
	walk(n)
	return out
}

func TestFileSets(t *testing.T) {
	for _, tc := range []struct {
		name       string
		a, b       map[string]string
		k          Known
		file, want string
	}{
		{"cache", map[string]string{"x": "1"}, map[string]string{"x": "1", "lib/__pycache__/y": "2"}, Known{}, "lib/__pycache__", "C1 likely"},
		{"log", map[string]string{"x": "1"}, map[string]string{"x": "1", "config.log": "2"}, Known{}, "config.log", "C1 likely"},
		{"probed", map[string]string{"x": "1", "config.h": "#define HAVE_X 1\n"}, map[string]string{"x": "1", "config.h": "/* #undef HAVE_X */\n", "more": "2"}, Known{}, "more", "C2 likely"},
		{"locales", map[string]string{"x": "1"}, map[string]string{"x": "1", "locale-archive": "2"}, Known{}, "locale-archive", "C2 likely"},
		{"random name", map[string]string{"x": "1", "data.aB3xY9": "the content of it"}, map[string]string{"x": "1", "data.Zz0Qw7": "the content of it"}, Known{}, "data.aB3xY9", "C3 proved"},
		{"a name that people gave", map[string]string{"x": "1", "license": "the content of it"}, map[string]string{"x": "1", "copying": "the content of it"}, Known{}, "license", ""},
		{"lonely and random", map[string]string{"x": "1"}, map[string]string{"x": "1", "tmpAbC123xyz": "2"}, Known{}, "tmpAbC123xyz", "C3 likely"},
		{"race", map[string]string{"x": "1"}, map[string]string{"x": "1", "made": "2"}, Known{Repeat: true}, "made", "C4 likely"},
		{"nothing known", map[string]string{"x": "1"}, map[string]string{"x": "1", "made": "2"}, Known{}, "made", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			n := dirs(t, tc.k, tc.a, tc.b)
			found := strings.Join(all(n)[tc.file], ", ")
			if found != tc.want {
				t.Errorf("%q, want %q; all %v", found, tc.want, all(n))
			}
		})
	}
	// A file that is cut short between two builds on one machine is a race too.
	n := dirs(t, Known{Repeat: true}, map[string]string{"f": strings.Repeat("\x00data", 100)}, map[string]string{"f": strings.Repeat("\x00data", 40)})
	if got := all(n)["f"]; len(got) == 0 || got[len(got)-1] != "C4 likely" {
		t.Errorf("%v", all(n))
	}
}

func TestBinaryTimesOfEightBytes(t *testing.T) {
	a := append(bytes.Repeat([]byte{1, 0xff}, 64), 0x10, 0x20, 0x60, 0x69, 0, 0, 0, 0)
	b := append(bytes.Repeat([]byte{1, 0xff}, 64), 0x55, 0x31, 0x61, 0x69, 0, 0, 0, 0)
	if got := causesOf(pairOf(t, a, b)); len(got) != 1 || got[0] != "D1b likely" {
		t.Errorf("%q", got)
	}
}

// pe is a PE32+ file with one section that holds its debug directory.
func pe(stamp uint32, code byte) []byte {
	f := make([]byte, 0x400)
	copy(f, "MZ")
	le := binary.LittleEndian
	le.PutUint32(f[0x3c:], 0x80)
	copy(f[0x80:], "PE\x00\x00")
	le.PutUint16(f[0x86:], 1)
	le.PutUint32(f[0x88:], stamp)
	le.PutUint16(f[0x94:], 240)
	opt := f[0x98:]
	le.PutUint16(opt, 0x20b)
	le.PutUint32(opt[64:], stamp*3) // the checksum
	le.PutUint32(opt[112+8*6:], 0x1010)
	le.PutUint32(opt[112+8*6+4:], 28)
	s := f[0x98+240:]
	le.PutUint32(s[12:], 0x1000)
	le.PutUint32(s[16:], 0x100)
	le.PutUint32(s[20:], 0x300)
	le.PutUint32(f[0x314:], stamp)
	f[0x350] = code
	return f
}

func TestPE(t *testing.T) {
	n := pairOf(t, pe(1_700_000_000, 1), pe(1_700_009_999, 1))
	if got := causesOf(n); len(got) != 1 || got[0] != "D1d proved" || n.Residue != diff.ResidueNone {
		t.Errorf("%q, residue %s", got, n.Residue)
	}
	n = pairOf(t, pe(1_700_000_000, 1), pe(1_700_009_999, 2))
	if n.Residue != diff.ResidueKnown {
		t.Errorf("%q, residue %s", causesOf(n), n.Residue)
	}
}

func FuzzPE(f *testing.F) {
	f.Add(pe(1, 2))
	f.Add([]byte("MZ"))
	f.Fuzz(func(t *testing.T, p []byte) {
		n := len(p)
		if _, ok := stampless(p); ok && len(p) != n {
			t.Fatal("it has another length")
		}
	})
}
