package cause

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/diff/internal/realtool"
)

// builtIn compiles two files of C in a directory that is mapped to another name, as
// if it lay there, into a program or, with -c, into an object.
func builtIn(t *testing.T, as, when, command string, args ...string) []byte {
	t.Helper()
	gcc := realtool.Find(t, "gcc", "nothing is tried on what it writes")
	dir := t.TempDir()
	for name, text := range map[string]string{
		"main.c":   "#include <stdio.h>\nint helper(int);\nint main(int c, char **v) { printf(\"%s %s %s %d\\n\", WHEN, __FILE__, COMMAND, helper(c)); return v == 0; }\n",
		"helper.c": "#include <assert.h>\nint helper(int x) { assert(x > 0); int s = 0; for (int i = 0; i < x; i++) s += i * x; return s; }\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	args = append([]string{"-g", "-O2", "-ffile-prefix-map=" + dir + "=" + as, `-DWHEN="` + when + `"`, `-DCOMMAND="` + command + `"`, "-o", "out"}, args...)
	args = append(args, filepath.Join(dir, "helper.c"))
	if !slices.Contains(args, "-c") {
		args = append(args, filepath.Join(dir, "main.c"))
	}
	cmd := exec.Command(gcc, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	p, err := os.ReadFile(filepath.Join(dir, "out"))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestBuiltElsewhere builds a program and an object in two directories whose names
// are not of one length, at two times: all that differs is explained, the debug
// information and the code that uses the strings too, and nothing is suspicious.
func TestBuiltElsewhere(t *testing.T) {
	const one, two = "Nov 24 2026 23:26:33", "Nov 25 2026 08:27:15"
	for what, args := range map[string][]string{"program": nil, "object": {"-c"}} {
		a, b := builtIn(t, "/home/alice/w", one, "true", args...), builtIn(t, "/home/bob/src/longer", two, "true", args...)
		if n := pairOf(t, a, b); n.Residue != diff.ResidueNone || n.Suspicious != 0 || !has(n, "D2a", diff.Proved) {
			t.Errorf("%s: residue %s, %d suspicions\n%s", what, n.Residue, n.Suspicious, tree(n, ""))
		}
	}
}

// TestPlantedElsewhere changes something else beside the directory and the time: a
// string that is run, and what debug information says.
func TestPlantedElsewhere(t *testing.T) {
	const one, two = "Nov 24 2026 23:26:33", "Nov 25 2026 08:27:15"
	a := builtIn(t, "/home/alice/w", one, "/bin/true")
	if n := pairOf(t, a, builtIn(t, "/home/bob/src/longer", two, "/bin/sh -c evil")); n.Residue == diff.ResidueNone || n.Suspicious == 0 {
		t.Errorf("another command: residue %s, %d suspicions\n%s", n.Residue, n.Suspicious, tree(n, ""))
	}
	good := builtIn(t, "/home/bob/src/longer", two, "/bin/true")
	for what, change := range map[string][2]string{
		"name of a source":    {"/home/bob/src/longer/helper.c\x00", "/home/bob/src/longer/hacker.c\x00"},
		"a format of printf":  {"%s %s %s %d\n", "%s %s %n %d\n"},
		"a name of a library": {"libc.so.6\x00", "libe.so.6\x00"},
	} {
		if !bytes.Contains(good, []byte(change[0])) {
			t.Fatalf("%s: nothing to change", what)
		}
		// One of several places, so that the others say otherwise.
		b := bytes.Replace(good, []byte(change[0]), []byte(change[1]), 1)
		if n := pairOf(t, a, b); n.Residue == diff.ResidueNone {
			t.Errorf("%s: explained\n%s", what, tree(n, ""))
		}
	}
}

// TestTablesOfStrings: strings of a section are explained together only where nothing
// but a directory is another one, and only in debug information.
func TestTablesOfStrings(t *testing.T) {
	text := tinySection{name: ".text", typ: 1, data: bytes.Repeat([]byte{0x90}, 64), load: true}
	build := func(load bool, ss ...string) []byte {
		return tinyELF(text, tinySection{name: ".debug_line_str", typ: 1, data: []byte(strings.Join(ss, "\x00") + "\x00"), load: load})
	}
	a := []string{"main.c", "/usr/include", "/home/alice/w/main.c", "/home/alice/w"}
	for what, tc := range map[string]struct {
		b         []string
		load      bool
		explained bool
	}{
		"directory and order":           {[]string{"/usr/include", "/home/bob/x", "main.c", "/home/bob/x/main.c"}, false, true},
		"the same where it is loaded":   {[]string{"/usr/include", "/home/bob/x", "main.c", "/home/bob/x/main.c"}, true, false},
		"a name as well":                {[]string{"/usr/include", "/home/bob/x", "evil.c", "/home/bob/x/main.c"}, false, false},
		"one string more":               {[]string{"/usr/include", "/home/bob/x", "main.c", "/home/bob/x/main.c", "/home/bob/x/evil.c"}, false, false},
		"two directories for one":       {[]string{"/usr/include", "/home/bob/x", "main.c", "/home/eve/x/main.c"}, false, false},
		"a directory that begins alike": {[]string{"/usr/include", "/home/bob/x", "main.c", "/home/bob/xy/main.c"}, false, false},
	} {
		n := pairOf(t, build(tc.load, a...), build(tc.load, tc.b...))
		if got := n.Residue == diff.ResidueNone; got != tc.explained {
			t.Errorf("%s: residue %s\n%s", what, n.Residue, tree(n, ""))
		}
	}
}

// TestModesOnDisk: modes of files in directories are explained as those in archives
// are, and what gives power is not.
func TestModesOnDisk(t *testing.T) {
	for mode, explained := range map[os.FileMode]bool{0o664: true, 0o600: true, 0o644 | os.ModeSetuid: false, 0o666: false} {
		var roots [2]string
		for i, m := range []os.FileMode{0o644, mode} {
			roots[i] = t.TempDir()
			p := filepath.Join(roots[i], "f")
			if err := os.WriteFile(p, []byte("x"), 0o644); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(p, m); err != nil {
				t.Fatal(err)
			}
		}
		n, err := diff.NewExaminer(diff.Options{}).Paths(t.Context(), roots[0], roots[1])
		if err != nil {
			t.Fatal(err)
		}
		if err := Classify(t.Context(), n, Known{}); err != nil {
			t.Fatal(err)
		}
		if got := n.Residue == diff.ResidueNone; got != explained || has(n, "B4", diff.Proved) != explained {
			t.Errorf("%s: residue %s\n%s", mode, n.Residue, tree(n, ""))
		}
	}
}
