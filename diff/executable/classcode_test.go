package executable

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/stagescope/stagescope/diff"
)

// withCode is a class of classFile whose one method has this code.
func withCode(code string) []byte {
	p := classFile(61, "exec", "text")
	old := "\x00\x00\x00\x03\x2a\xb7\xb1"
	at := bytes.LastIndex(p, []byte(old))
	length := binary.BigEndian.AppendUint32(nil, uint32(len(code)))
	attribute := append(append([]byte{0, 1, 0, 2}, length...), code...) // stack and locals
	attribute = append(attribute, 0, 1, 0, 0, 0, 1, 0, 1, 0, 2, 0, 0)   // an exception that is caught, and no attributes
	out := append(bytes.Clone(p[:at]), binary.BigEndian.AppendUint32(nil, uint32(len(attribute)))...)
	return append(append(out, attribute...), p[at+len(old):]...)
}

// TestBytecode reads the code of a method, instruction by instruction.
func TestBytecode(t *testing.T) {
	if len(javaTable) != 202 || javaTable[201].name != "jsr_w" || javaTable[172].name != "ireturn" || javaTable[26].name != "iload_0" || javaTable[96].name != "iadd" || javaTable[153].name != "ifeq" {
		t.Fatalf("%d instructions", len(javaTable))
	}
	for code, want := range map[string]string{
		"\x10\x2a\xac":                 "bipush 42; ireturn",
		"\x02\xac":                     "iconst_m1; ireturn",
		"\xb8\x00\x08\xb1":             "invokestatic java/lang/Runtime.exec ()V; return",
		"\x12\x0a\xb1":                 `ldc "text"; return`,
		"\x11\xff\x00\xac":             "sipush -256; ireturn",
		"\x99\x00\x04\x00\xb1":         "ifeq +2 instructions; nop; return",
		"\xa7\xff\xff":                 "goto into an instruction at byte -1",
		"\xc4\x84\x01\x00\x00\x05\xb1": "wide iinc 256 5; return",
		"\x84\x01\xff\xb1":             "iinc 1 -1; return",
		"\xbc\x0a\xb0":                 "newarray int; areturn",
		"\xbb\x00\x02\xb0":             "new A; areturn",
		"\xab\x00\x00\x00\x00\x00\x00\x10\x00\x00\x00\x01\x00\x00\x00\x07\x00\x00\x00\x10\xb1": "lookupswitch default +16, 7 +16; return",
		"\xaa\x00\x00\x00\x00\x00\x00\x10\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x10\xb1": "tableswitch default +16, 1 +16; return",
		"\xaa\x00\x00\x00\x00\x00\x00\x10\x00\x00\x00\x00\x7f\xff\xff\xff":                     "no instruction: aa00000000000010",
		"\xb1\xff":     "return; no instruction: ff",
		"\x10":         "no instruction: 10",
		"\xb2\x00\x63": "getstatic constant 99",
	} {
		c, err := readClass(&diff.Input{ReaderAt: bytes.NewReader(withCode(code)), Size: int64(len(withCode(code)))})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range c.parts {
			if strings.HasPrefix(p.Name, "method ") {
				var around []string
				got, around = c.codeOf(c.p[p.Off : p.Off+p.Len])
				if !slices.Contains(around, "stack 1, locals 2") || !slices.Contains(around, "bytes 0 to 1: A is caught at 1") {
					t.Errorf("%q", around)
				}
			}
		}
		if s := strings.Join(got, "; "); s != want {
			t.Errorf("%x: %s, want %s", code, s, want)
		}
	}
	// A name that leads to itself ends.
	p := withCode("\xb8\x00\x08\xb1")
	p = bytes.Replace(p, []byte{10, 0, 4, 0, 7}, []byte{10, 0, 8, 0, 8}, 1)
	n := compareFiles(t, p, withCode("\xb8\x00\x08\xb1"))
	if n.Kind != KindClass || n.Status != diff.Differs || n.Residue != diff.ResidueKnown {
		t.Error(sketch(n, ""))
	}
}

// TestOtherBytecode: a method that does something else is suspicious, and its
// instructions are listed.
func TestOtherBytecode(t *testing.T) {
	n := compareFiles(t, withCode("\x10\x2a\xac"), withCode("\x02\xac"))
	m := child(t, n, "method run ()V")
	if !said(m, diff.SuspectChangedCode, "instruction 1: bipush 42 → iconst_m1") || m.Residue != diff.ResidueKnown {
		t.Fatal(sketch(n, ""))
	}
	a, b := content(t, child(t, m, "bytecode"))
	if !strings.Contains(a, "bipush 42\nireturn") || !strings.Contains(b, "iconst_m1\nireturn") {
		t.Errorf("%s\n%s", a, b)
	}
}
