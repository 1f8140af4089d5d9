package cause

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/stagescope/stagescope/diff"
)

// TestManyNumbers: what differs at many places of a binary is no time, though each
// of the numbers could be one; and a date among bytes that are no text is one.
func TestManyNumbers(t *testing.T) {
	compare := func(n int, date bool) *diff.Node {
		var sides [2][]byte
		for i := range sides {
			for k := range n {
				block := bytes.Repeat([]byte{byte(k), 0, 7}, 20)
				binary.LittleEndian.PutUint32(block[8:], uint32(1_700_000_000+1000*i+k))
				sides[i] = append(sides[i], block...)
			}
			if date {
				// What is around it is text on neither side.
				sides[i] = append(sides[i], []string{"2026-03-04T10:11:12Z\x00\x01", "2026-03-05T09:08:07Z\x00\x01"}[i]...)
			}
		}
		dir := t.TempDir()
		pa, pb := filepath.Join(dir, "a"), filepath.Join(dir, "b")
		for p, b := range map[string][]byte{pa: sides[0], pb: sides[1]} {
			if err := os.WriteFile(p, b, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		root, err := diff.NewExaminer(diff.Options{}).Paths(t.Context(), pa, pb)
		if err != nil {
			t.Fatal(err)
		}
		if err := Classify(t.Context(), root, Known{}); err != nil {
			t.Fatal(err)
		}
		return root
	}
	if !has(compare(4, false), "D1b", diff.Likely) {
		t.Error("four times are not found")
	}
	if has(compare(40, false), "D1b", diff.Likely) {
		t.Error("forty numbers are said to be times")
	}
	if !has(compare(40, true), "D1a", diff.Proved) {
		t.Error("the date is not proved")
	}
}
