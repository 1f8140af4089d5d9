package cause

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/stagescope/stagescope/diff"
)

// Places in a PE file, by Microsoft's "PE Format".
const (
	peOffsetAt    = 0x3c // where the file header's place stands
	peStampAt     = 8    // from "PE\0\0": TimeDateStamp
	peOptionalAt  = 24   // from "PE\0\0": the optional header
	peChecksumAt  = 64   // in the optional header
	peSectionsAt  = 6    // from "PE\0\0": NumberOfSections
	peOptionalLen = 20   // from "PE\0\0": SizeOfOptionalHeader
	peDebug       = 6    // data directory of debug entries
	debugEntry    = 28   // bytes of one
)

// peStamps: two PE files differ in their time stamps only: the header's, those
// of the debug directory, and the checksum over them.
func peStamps(p *pair) *explained {
	a, b := bytes.Clone(p.a), bytes.Clone(p.b)
	ta, okA := stampless(a)
	tb, okB := stampless(b)
	if !okA || !okB || !equalHash(a, b) {
		return nil
	}
	text := func(t uint32) string { return time.Unix(int64(t), 0).UTC().Format(time.RFC3339) }
	return &explained{a: text(ta), b: text(tb), cause: diff.Cause{ID: "D1d", Name: "time stamp of a PE file", Confidence: diff.Proved,
		Evidence: fmt.Sprintf("the files are equal without TimeDateStamp (%#x, %#x), its copies in the debug directory, and CheckSum", ta, tb), Fix: "/Brepro, or --no-insert-timestamp"}}
}

// stampless blanks the stamps and the checksum of a PE file and gives the stamp.
func stampless(f []byte) (stamp uint32, ok bool) {
	le := binary.LittleEndian
	if len(f) < peOffsetAt+4 || !bytes.HasPrefix(f, []byte("MZ")) {
		return 0, false
	}
	at := int64(le.Uint32(f[peOffsetAt:]))
	if at+peOptionalAt+peChecksumAt+4 > int64(len(f)) || !bytes.HasPrefix(f[at:], []byte("PE\x00\x00")) {
		return 0, false
	}
	h := f[at:]
	stamp = le.Uint32(h[peStampAt:])
	clear(h[peStampAt : peStampAt+4])
	size := int(le.Uint16(h[peOptionalLen:]))
	opt := h[peOptionalAt:]
	if size > len(opt) || size < peChecksumAt+4 {
		return stamp, true
	}
	opt = opt[:size]
	clear(opt[peChecksumAt : peChecksumAt+4])
	dirs := 96 // PE32
	if le.Uint16(opt) == 0x20b {
		dirs = 112 // PE32+
	}
	if entry := dirs + 8*peDebug; entry+8 <= len(opt) {
		sections := h[peOptionalAt+size:]
		blankDebug(f, sections, int(le.Uint16(h[peSectionsAt:])), le.Uint32(opt[entry:]), le.Uint32(opt[entry+4:]))
	}
	return stamp, true
}

// blankDebug blanks the stamps of the debug directory, which lies at a virtual
// address.
func blankDebug(f, sections []byte, n int, addr, size uint32) {
	const header = 40
	le := binary.LittleEndian
	for range n {
		if len(sections) < header {
			return
		}
		s := sections[:header]
		sections = sections[header:]
		va, raw, off := le.Uint32(s[12:]), le.Uint32(s[16:]), le.Uint32(s[20:])
		if addr < va || addr-va >= raw {
			continue
		}
		from := int64(off) + int64(addr-va)
		for k := int64(0); k+debugEntry <= int64(size) && k < 64*debugEntry; k += debugEntry {
			if from+k+8 > int64(len(f)) {
				return
			}
			clear(f[from+k+4 : from+k+8])
		}
		return
	}
}
