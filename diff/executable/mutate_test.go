package executable_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/diff/executable"
	"github.com/stagescope/stagescope/diff/internal/mutate"
)

func TestMutated(t *testing.T) {
	code := []byte("\x55\x48\x89\xe5\xb8\x01\x00\x00\x00\x5d\xc3")
	stamped := func(c mutate.Change) bool {
		// The time stamp and the checksum.
		if len(c.Old) != len(c.New) {
			return false
		}
		at := int(binary.LittleEndian.Uint32(c.Old[60:]))
		for i := range c.Old {
			if c.Old[i] != c.New[i] && (i < at+8 || i >= at+12) && (i < at+88 || i >= at+92) {
				return false
			}
		}
		return true
	}
	compiler := func(c mutate.Change) bool {
		// What compilers say of themselves is not loaded, and the last but one section.
		if header := len(c.Old) - 128; len(c.Old) == len(c.New) && c.Off >= header && c.Off < header+64 {
			return true
		}
		at := bytes.Index(c.Old, []byte("GCC: "))
		return len(c.Old) == len(c.New) && bytes.Equal(c.Old[:at], c.New[:at]) && bytes.Equal(c.Old[at+6:], c.New[at+6:])
	}
	for name, c := range map[string]mutate.Case{
		"ELF":                {Name: "x", Plain: executable.Sectioned(binary.LittleEndian), Harmless: compiler},
		"ELF, big":           {Name: "x", Plain: executable.Sectioned(binary.BigEndian), Harmless: compiler},
		"PE":                 {Name: "x.exe", Plain: executable.PEProgram(1_700_000_000, code, "ReadFile"), Also: [][]byte{executable.PEProgram(1_700_009_999, code, "ReadFile")}, Harmless: stamped},
		"wasm":               {Name: "x.wasm", Plain: executable.WasmModule("\x01\x01", "read"), Pieces: wasmSections},
		"PE with an overlay": {Name: "x.exe", Plain: append(executable.PEProgram(1_700_000_000, code, "ReadFile"), "MSCF what an installer unpacks"...), Also: [][]byte{append(executable.PEProgram(1_700_009_999, code, "ReadFile"), "MSCF what an installer unpacks"...)}, Harmless: stamped},
		"Java class":         {Name: "X.class", Plain: executable.ClassFile(52, "exec", strings.Repeat("text", 3))},
	} {
		t.Run(name, func(t *testing.T) { mutate.Run(t, c) })
	}
}

// wasmSections are the header and the sections of a module whose sizes have one byte.
func wasmSections(p []byte) [][]byte {
	out := [][]byte{p[:8]}
	for p = p[8:]; len(p) > 1; {
		n := min(2+int(p[1]), len(p))
		out, p = append(out, p[:n]), p[n:]
	}
	return out
}

// TestBorrowedCause changes a module beside a date that differs and has a cause,
// which must not account for both.
func TestBorrowedCause(t *testing.T) {
	custom := func(name, text string) []byte {
		body := append([]byte{byte(len(name))}, name+text...)
		return append([]byte{0, byte(len(body))}, body...)
	}
	module := func(sections ...[]byte) []byte {
		return append(executable.WasmModule("\x01\x01", "read"), bytes.Join(sections, nil)...)
	}
	one, other := custom("one", "x"), custom("other", "y")
	a, b := module(custom("built", "\x00\x002026-01-02\x00"), one, other), module(custom("built", "\x00\x002026-01-03\x00"), other, one)
	if n := mutate.Compare(t, "x.wasm", a, b); n.Residue == diff.ResidueNone {
		t.Error(mutate.Sketch(n))
	}
	a, b = module(custom("built", "\x00\x002026-01-02\x00")), module(custom("built", "\x00\x002026-01-03\x00"))
	if n := mutate.Compare(t, "x.wasm", a, b); n.Residue != diff.ResidueNone {
		t.Error(mutate.Sketch(n))
	}
}

// TestBorrowedLayout loads code elsewhere, beside a section that is longer for a date.
func TestBorrowedLayout(t *testing.T) {
	made := func(day string, addr uint32, grow int) []byte {
		p := executable.PEProgram(1, []byte("\x55\x48\x89\xe5\xb8\x01\x00\x00\x00\x5d\xc3"), "ReadFile")
		copy(p[0x600+0x1d0:], "\x00 "+day+" \x00")
		p = append(p, make([]byte, grow)...)
		const headers = 64 + 24 + 240
		binary.LittleEndian.PutUint32(p[headers+12:], addr)
		binary.LittleEndian.PutUint32(p[headers+40+16:], uint32(0x200+grow))
		return p
	}
	plain := made("Jan 2 2026", 0x1000, 0)
	if n := mutate.Compare(t, "x.exe", plain, made("Jan 12 2026", 0x5000, 1)); n.Residue == diff.ResidueNone {
		t.Error(mutate.Sketch(n))
	}
	if n := mutate.Compare(t, "x.exe", plain, made("Jan 12 2026", 0x1000, 1)); n.Residue != diff.ResidueNone {
		t.Error(mutate.Sketch(n))
	}
}

// TestBorrowedNote changes a note beside the build ID that it holds, which must not
// account for that.
func TestBorrowedNote(t *testing.T) {
	plain := executable.Sectioned(binary.LittleEndian)
	id := "GNU\x00\x07\x00\x00\x00"
	replaced := func(with string) []byte {
		if !bytes.Contains(plain, []byte(id)) {
			t.Fatal("there is no build ID")
		}
		return bytes.Replace(plain, []byte(id), []byte(with), 1)
	}
	for _, with := range []string{"GMU\x00\x07\x00\x00\x00", "GNU\x01\x08\x00\x00\x00"} {
		if n := mutate.Compare(t, "x", plain, replaced(with)); n.Residue == diff.ResidueNone {
			t.Errorf("%q: %s", with, mutate.Sketch(n))
		}
	}
	if n := mutate.Compare(t, "x", plain, bytes.Replace(plain, []byte("GCC: 1"), []byte("GCC: \x1b"), 1)); n.Residue == diff.ResidueNone {
		t.Errorf("an escape is a compiler's: %s", mutate.Sketch(n))
	}
	if n := mutate.Compare(t, "x", plain, bytes.Replace(plain, []byte("GCC: 1"), []byte("GCC: 2"), 1)); n.Residue != diff.ResidueNone {
		t.Error(mutate.Sketch(n))
	}
	if n := mutate.Compare(t, "x", plain, replaced("GNU\x00\x09\x00\x00\x00")); n.Residue != diff.ResidueNone {
		t.Error(mutate.Sketch(n))
	}
}
