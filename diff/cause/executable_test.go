package cause

import (
	"bytes"
	"testing"

	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/diff/executable"
	"github.com/stagescope/stagescope/diff/internal/realtool"
)

// linked compiles C with gcc, or skips the test.
func linked(t *testing.T, source string, args ...string) []byte {
	t.Helper()
	return realtool.Compile(t, source, args...)
}

// has reports whether a node or one below it has a reason with a cause.
func has(n *diff.Node, id string, c diff.Confidence) bool {
	for _, r := range n.Reasons {
		if r.Cause != nil && r.Cause.ID == id && r.Cause.Confidence == c {
			return true
		}
	}
	for _, k := range n.Children {
		if has(k, id, c) {
			return true
		}
	}
	return false
}

const (
	sumC  = "int puts(const char *); double a[64]; int main(int c, char **v) { double s = 0; for (int i = 0; i < 64; i++) s += a[i] * c; puts(v[0]); return s > 3; }\n"
	doorC = "int puts(const char *); int system(const char *); int door(void) { return system(\"/bin/sh\"); } double a[64]; int main(int c, char **v) { double s = 0; for (int i = 0; i < 64; i++) s += a[i] * c; puts(v[0]); if (c == 7) door(); return s > 3; }\n"
)

func TestPrograms(t *testing.T) {
	for _, tc := range []struct {
		name       string
		a, b       string
		fa, fb     []string
		id         string
		confidence diff.Confidence
		residue    diff.Residue
		suspicious bool
	}{
		{"build ID only", sumC, sumC, []string{"-Wl,--build-id=0x0102030405060708"}, []string{"-Wl,--build-id=0x1112131415161718"}, "D5c", diff.Proved, diff.ResidueNone, false},
		{"build ID as a symptom", sumC, doorC, nil, nil, "D5c", diff.Likely, diff.ResidueKnown, true},
		{"directory", sumC, sumC, []string{"-g", "-fdebug-prefix-map=$PWD=/build/one"}, []string{"-g", "-fdebug-prefix-map=$PWD=/home/somebody/else"}, "D2a", diff.Proved, diff.ResidueNone, false},
		{"debug only", sumC, sumC, []string{"-g1"}, []string{"-g2"}, "D5g", diff.Proved, diff.ResidueKnown, false},
		{"path of libraries", sumC, sumC, []string{"-Wl,-rpath,/build/one/lib"}, []string{"-Wl,-rpath,/build/two/lib"}, "D2d", diff.Likely, diff.ResidueKnown, true},
		{"processor", sumC, sumC, []string{"-O3", "-ffast-math"}, []string{"-O3", "-ffast-math", "-mavx2"}, "D3b", diff.Likely, diff.ResidueKnown, true},
		{"compiler", sumC + "__asm__(\".ident \\\"GCC: 1\\\"\");", sumC + "__asm__(\".ident \\\"GCC: 2\\\"\");", []string{"-Wl,--build-id=none"}, []string{"-Wl,--build-id=none"}, "D5b", diff.Proved, diff.ResidueNone, false},
		{"random name", sumC + "__attribute__((section(\".gnu.lto_.inline.0123456789abcdef\"))) int z = 5;", sumC + "__attribute__((section(\".gnu.lto_.inline.fedcba9876543210\"))) int z = 5;", []string{"-c"}, []string{"-c"}, "D4f", diff.Proved, diff.ResidueKnown, false},
		{"back door", sumC, doorC, nil, nil, "D7a", diff.Likely, diff.ResidueKnown, true},
		{"date in data", sumC + "const char d[] = \"Mar  4 2026 10:11:12\";", sumC + "const char d[] = \"Mar  5 2026 11:12:13\";", []string{"-Wl,--build-id=none"}, []string{"-Wl,--build-id=none"}, "D1a", diff.Proved, diff.ResidueNone, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			n := pairOf(t, linked(t, tc.a, tc.fa...), linked(t, tc.b, tc.fb...))
			if !has(n, tc.id, tc.confidence) || n.Residue != tc.residue || (n.Suspicious > 0) != tc.suspicious {
				t.Errorf("residue %s, %d suspicions; want %s %s, residue %s\n%s", n.Residue, n.Suspicious, tc.id, tc.confidence, tc.residue, tree(n, ""))
			}
		})
	}
}

// tree writes a tree for a failure's message.
func tree(n *diff.Node, in string) string {
	s := in + string(n.Kind) + " " + n.Name + ": " + n.Status.String() + ", residue " + n.Residue.String() + " " + n.Note + "\n"
	for _, r := range n.Reasons {
		s += in + "  - " + r.Field + ": " + r.A + " -> " + r.B
		if r.Cause != nil {
			s += " (" + r.Cause.ID + " " + r.Cause.Confidence.String() + ")"
		}
		s += "\n"
	}
	for _, q := range n.Suspicions {
		s += in + "  ! " + string(q.Kind) + ": " + q.What + "\n"
	}
	for _, c := range n.Children {
		s += tree(c, in+"  ")
	}
	return s
}

// TestBuildIDIsNotAll: a build ID beside one byte of code is a symptom, however
// small the rest is.
func TestBuildIDIsNotAll(t *testing.T) {
	a := linked(t, sumC, "-Wl,--build-id=0x0102030405060708")
	b := bytes.Replace(a, []byte{1, 2, 3, 4, 5, 6, 7, 8}, []byte{8, 7, 6, 5, 4, 3, 2, 1}, 1)
	i := bytes.Index(b, []byte("\x0f\x1f\x44\x00\x00"))
	if i < 0 {
		i = bytes.Index(b, []byte("\x55\x48\x89\xe5"))
	}
	b[i] ^= 0x40
	if n := pairOf(t, a, b); has(n, "D5c", diff.Proved) || n.Residue == diff.ResidueNone {
		t.Error(tree(n, ""))
	}
}

// TestUsedDate has code print a date that differs: who uses the date is no
// difference beside it, and the date is not suspicious as a string.
func TestUsedDate(t *testing.T) {
	const source = "int puts(const char *); const char when[] = \"built \" T; int main(void) { return puts(when); }\n"
	built := func(at string) []byte {
		return linked(t, source, "-Wl,--build-id=none", `-DT="Nov 24 2026 `+at+`"`)
	}
	n := pairOf(t, built("10:20:31"), built("10:20:32"))
	used := false
	var walk func(*diff.Node)
	walk = func(k *diff.Node) {
		for _, r := range k.Reasons {
			used = used || r.Field == executable.FieldUsed
		}
		for _, c := range k.Children {
			walk(c)
		}
	}
	walk(n)
	if !used || n.Residue != diff.ResidueNone || n.Suspicious != 0 || !has(n, "D1a", diff.Proved) {
		t.Errorf("use is said: %v; residue %s, %d suspicions", used, n.Residue, n.Suspicious)
	}
	if n := pairOf(t, built("10:20:31"), built("rm -rf /")); n.Residue != diff.ResidueKnown || n.Suspicious == 0 {
		t.Errorf("a text that is no date: residue %s, %d suspicions", n.Residue, n.Suspicious)
	}
}
