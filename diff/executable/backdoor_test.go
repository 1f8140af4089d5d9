package executable

import (
	"strings"
	"testing"

	"github.com/stagescope/stagescope/diff"
)

// TestBackdoor compares two builds of a program without sections or symbols, of
// which one has a function more: what was put in is found as that, and the code
// after it has only moved.
func TestBackdoor(t *testing.T) {
	n := compareFiles(t, bareELF(t, login(false)...), bareELF(t, login(true)...))
	if n.Kind != KindELF || n.Status != diff.Differs || n.Residue != diff.ResidueKnown {
		t.Fatal(sketch(n, ""))
	}
	code := child(t, n, "segment 0")
	if code.Kind != diff.KindCode {
		t.Fatal(sketch(n, ""))
	}
	door := len(enter) + 5 + 5 + len(check) + len(leave)
	var open int64
	for _, r := range code.UnexplainedB {
		open += r.Len
	}
	if want := int64(door + 5 + len(check)); open != want {
		t.Errorf("%d bytes of B are unexplained, want the %d that were put in\n%s", open, want, sketch(n, ""))
	}
	for _, r := range code.UnexplainedA {
		if r.Len != 0 {
			t.Errorf("bytes of A are unexplained: %+v", r)
		}
	}
	if !said(code, diff.SuspectNewCode, "side B has a function that A has not", "push rbp", "file offset") {
		t.Error("the function that was put in is not said")
	}
	if !said(code, diff.SuspectNewCode, "in func@0x", "B has", "call", "only B calls") {
		t.Error("its call is not said")
	}
	if len(code.Suspicions) != 2 {
		t.Errorf("%d suspicions, want two", len(code.Suspicions))
	}
	if s := child(t, n, "segment 1"); !said(s, diff.SuspectString, `"joshua"`) {
		t.Error("its string is not said")
	}
	_, b := content(t, child(t, code, "disassembly"))
	if !strings.Contains(b, `"joshua"`) || strings.Count(b, "push rbp") < 2 {
		t.Errorf("the disassembly is\n%s", b)
	}
	if n.Suspicious != len(code.Suspicions)+1 {
		t.Errorf("%d suspicions in all", n.Suspicious)
	}
	t.Log(sketch(n, ""))
}

// TestOneInstruction: programs of one size in which one instruction differs.
func TestOneInstruction(t *testing.T) {
	a := login(false)
	b := login(false)
	b[3].code[5] = []byte("\x85\xc0\x74\x02\x31\xff") // je instead of jne
	n := compareFiles(t, bareELF(t, a...), bareELF(t, b...))
	code := child(t, n, "segment 0")
	if len(code.UnexplainedB) != 1 || code.UnexplainedB[0].Len != 2 || !said(code, diff.SuspectChangedCode, "jnz", "→ jz") {
		t.Fatal(sketch(n, ""))
	}
	if n.Equal == 0 || len(n.Children) != 1 {
		t.Error(sketch(n, ""))
	}
}

// TestOtherCallee: a call that leads to another function is no move.
func TestOtherCallee(t *testing.T) {
	a := login(false)
	b := login(false)
	b[3].code[4] = callTo("hash")
	n := compareFiles(t, bareELF(t, a...), bareELF(t, b...))
	code := child(t, n, "segment 0")
	if !said(code, diff.SuspectChangedCode, "call") || len(code.UnexplainedB) != 1 {
		t.Fatal(sketch(n, ""))
	}
}

// TestOrder: the same functions in another order are proved to be that.
func TestOrder(t *testing.T) {
	a := login(false)
	b := login(false)
	b[1], b[3] = b[3], b[1]
	n := compareFiles(t, bareELF(t, a...), bareELF(t, b...))
	code := child(t, n, "segment 0")
	if code.Residue != diff.ResidueNone || n.Suspicious != 0 {
		t.Fatal(sketch(n, ""))
	}
	for _, r := range code.Reasons {
		if r.Field == FieldOrder && r.Cause.ID == "D4c" && r.Cause.Confidence == diff.Proved {
			return
		}
	}
	t.Error(sketch(n, ""))
}
