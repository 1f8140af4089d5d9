package diff

import (
	"archive/tar"
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
)

// globalBlock is a block of records for all entries that follow, as git archive
// writes it.
func globalBlock(t testing.TB, record string, at int64, change func([]byte)) []byte {
	t.Helper()
	text := fmt.Sprintf("%d %s\n", len(record)+4, record)
	block := make([]byte, 512)
	copy(block, "pax_global_header")
	copy(block[100:], "0000666\x000000000\x000000000\x00")
	copy(block[124:], fmt.Sprintf("%011o\x00%011o\x00", len(text), at))
	block[156] = tar.TypeXGlobalHeader
	copy(block[257:], "ustar\x0000")
	if change != nil {
		change(block)
	}
	checksum(block)
	return append(block, append([]byte(text), make([]byte, 512-len(text))...)...)
}

// TestCommitOfArchive: the commit that git archive writes, and its time, are told for
// what they are; other records, and bytes beside them, are not.
func TestCommitOfArchive(t *testing.T) {
	one, two := strings.Repeat("0123456789", 4), strings.Repeat("fedcba9876", 4)
	build := func(record string, at int64, change func([]byte)) []byte {
		return joinBytes(globalBlock(t, record, at, change), rawEntry(t, tar.Header{Name: "f", ModTime: time.Unix(1, 0)}, "x", nil), ending)
	}
	a := build("comment="+one, 1_700_000_000, nil)
	n := compareTars(t, a, build("comment="+two, 1_700_009_999, nil))
	h := mustFind(t, n, "pax_global_header")
	ids := map[string]bool{}
	for _, r := range h.Reasons {
		if r.Cause != nil && r.Cause.Confidence == Proved {
			ids[r.Cause.ID] = true
		}
	}
	if n.Residue != ResidueNone || !ids["D5f"] || !ids["B1"] {
		t.Errorf("not explained:\n%s", sketch(n, ""))
	}
	for what, b := range map[string][]byte{
		"a byte beside the time":    build("comment="+two, 1_700_009_999, func(p []byte) { copy(p[136:148], "0123456\x00evil") }),
		"a byte at the block's end": build("comment="+two, 1_700_009_999, func(p []byte) { p[511] = 1 }),
		"bytes behind the records":  bytes.Replace(build("comment="+two, 1_700_009_999, nil), append([]byte(two+"\n"), 0), append([]byte(two+"\n"), 1), 1),
		"a path for all entries":    build("path=evil", 1_700_009_999, nil),
	} {
		if n := compareTars(t, a, b); n.Residue == ResidueNone {
			t.Errorf("%s: explained\n%s", what, sketch(n, ""))
		}
	}
	for _, r := range mustFind(t, compareTars(t, a, build("comment=run this", 1_700_000_000, nil)), "pax_global_header").Reasons {
		if r.Cause != nil && r.Cause.ID == "D5f" {
			t.Error("a comment that is no commit counts as one")
		}
	}
}
