package executable_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

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
		"ELF":        {Name: "x", Plain: executable.Sectioned(binary.LittleEndian), Harmless: compiler},
		"ELF, big":   {Name: "x", Plain: executable.Sectioned(binary.BigEndian), Harmless: compiler},
		"PE":         {Name: "x.exe", Plain: executable.PEProgram(1_700_000_000, code, "ReadFile"), Also: [][]byte{executable.PEProgram(1_700_009_999, code, "ReadFile")}, Harmless: stamped},
		"wasm":       {Name: "x.wasm", Plain: executable.WasmModule("\x01\x01", "read")},
		"Java class": {Name: "X.class", Plain: executable.ClassFile(52, "exec", strings.Repeat("text", 3))},
	} {
		t.Run(name, func(t *testing.T) { mutate.Run(t, c) })
	}
}
