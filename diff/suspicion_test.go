package diff

import (
	"testing"
)

// TestPower: a set-id bit or a capability on one side is suspicious in itself,
// counted upwards, and not folded with entries whose mode changed otherwise.
func TestPower(t *testing.T) {
	var fa, fb []file
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		fa = append(fa, file{name: name, body: name, mode: 0o755})
		f := file{name: name, body: name, mode: 0o775}
		if name == "c" {
			f.mode = 0o4755
		}
		fb = append(fb, f)
	}
	fa = append(fa, file{name: "ping", body: "x", mode: 0o755})
	fb = append(fb, file{name: "ping", body: "x", mode: 0o755, xattrs: map[string]string{"security.capability": "\x01\x00"}})
	fb = append(fb, file{name: "su", body: "y", mode: 0o6755})
	root := compare(t, imageSpec{layers: [][]byte{tarBytes(t, fa...)}}, imageSpec{layers: [][]byte{tarBytes(t, fb...)}}, Options{})
	for name, kind := range map[string]SuspicionKind{"c": SuspectPower, "ping": SuspectPower, "su": SuspectPower} {
		n := mustFind(t, root, name)
		if len(n.Suspicions) != 1 || n.Suspicions[0].Kind != kind {
			t.Errorf("%s: %+v", name, n.Suspicions)
		}
	}
	// The effective file system says it once more.
	if l := mustFind(t, root, "manifest linux/amd64"); l.Suspicious < 3 || root.Suspicious < l.Suspicious {
		t.Errorf("%d suspicions in the manifest, %d in all", l.Suspicious, root.Suspicious)
	}
	for _, name := range []string{"a", "b"} {
		if n := mustFind(t, root, name); len(n.Suspicions) != 0 {
			t.Errorf("%s: %+v", name, n.Suspicions)
		}
	}
}

func TestSetID(t *testing.T) {
	for mode, want := range map[string]string{"": "", "0755": "", "1777": "", "4755": "4", "2755": "2", "7755": "6", "100644": "", "755": ""} {
		if got := setID(mode); got != want {
			t.Errorf("%q gives %q, want %q", mode, got, want)
		}
	}
}

func TestClearTakesBackOnlyItsKinds(t *testing.T) {
	n := &Node{Status: Differs}
	n.Suspect(Suspicion{Kind: SuspectString})
	n.Suspect(Suspicion{Kind: SuspectNewCode})
	n.Clear(SuspectString)
	n.Settle()
	if n.Suspicious != 1 || n.Suspicions[0].Kind != SuspectNewCode {
		t.Errorf("%+v", n.Suspicions)
	}
}

// TestSuspicionWeight: a new import of a function that an attack needs comes before
// new code, as every release has it, and after what gives power or runs before main.
func TestSuspicionWeight(t *testing.T) {
	order := []Suspicion{{Kind: SuspectPower}, {Kind: SuspectStart}, {Kind: SuspectNewCode, Telling: true}, {Kind: SuspectImport, Telling: true}, {Kind: SuspectNewCode},
		{Kind: SuspectImport}, {Kind: SuspectChangedCode, Telling: true}, {Kind: SuspectString, Telling: true}, {Kind: SuspectProgram}, {Kind: SuspectPath}, {Kind: SuspectChangedCode}, {Kind: SuspectString}}
	for i := 1; i < len(order); i++ {
		if order[i].Weight() >= order[i-1].Weight() {
			t.Errorf("%+v is as heavy as %+v", order[i], order[i-1])
		}
	}
}

// TestHoldsFiles: what lies in an archive or a layer is a file, what lies in a file is
// a part of it.
func TestHoldsFiles(t *testing.T) {
	for k, want := range map[Kind]bool{KindLayer: true, KindTar: true, KindDir: true, KindText: false, KindCode: false, KindFile: false, "": false} {
		if HoldsFiles(k) != want {
			t.Errorf("%q: %v", k, !want)
		}
	}
}
