package archive

import (
	"archive/zip"
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/diff/internal/mutate"
)

// after is a zip archive after something else. Its offsets count that where counted
// says so.
func after(before string, counted bool, at int64, text string) []byte {
	b := bytes.NewBufferString(before)
	w := zip.NewWriter(b)
	if counted {
		w.SetOffset(int64(len(before)))
	}
	for _, name := range []string{"classes/module-info.class", "legal/COPYRIGHT"} {
		e, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store, Modified: time.Unix(at, 0)})
		if err != nil {
			panic(err)
		}
		e.Write([]byte(name + text))
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

const script = "#!/usr/bin/env python3\n"

// TestZipAfter takes modules of Java and zip applications apart, whether their
// offsets count what is before the archive or not.
func TestZipAfter(t *testing.T) {
	for what, c := range map[string][2][]byte{
		"module":                   {after(jmodMagic, false, 1_700_000_000, "one"), after(jmodMagic, false, 1_700_000_000, "two")},
		"script":                   {after(script, true, 1_700_000_000, "one"), after(script, true, 1_700_000_000, "two")},
		"script before an archive": {after(script, false, 1_700_000_000, "one"), after(script, false, 1_700_000_000, "two")},
	} {
		n := pair(t, c[0], c[1])
		if n.Kind != KindZipAfter || n.Status != diff.Differs || len(n.Children) != 1 || n.Children[0].Kind != KindZip || len(n.Children[0].Children) != 2 || n.Children[0].Children[0].Kind != diff.KindText || n.Capped {
			t.Errorf("%s: %s", what, sketch(n))
		}
	}
	script1 := after(script, true, 1_700_000_000, "one")
	for what, c := range map[string]struct {
		p       []byte
		residue diff.Residue
		part    string
	}{
		"another time":           {after(script, true, 1_700_009_998, "one"), diff.ResidueNone, "archive"},
		"another interpreter":    {after("#!/tmp/evil python3xx\n\n", true, 1_700_000_000, "one"), diff.ResidueKnown, "before the archive"},
		"another script, longer": {after(script+"# more\n", true, 1_700_000_000, "one"), diff.ResidueKnown, "before the archive"},
		"other offsets":          {after(script, false, 1_700_000_000, "one"), diff.ResidueKnown, ""},
	} {
		n := mutate.Compare(t, "x", script1, c.p)
		told := c.part == ""
		for _, k := range n.Children {
			told = told || k.Name == c.part
		}
		if n.Kind != KindZipAfter || n.Status != diff.Differs || n.Residue != c.residue || !told {
			t.Errorf("%s: %s", what, mutate.Sketch(n))
		}
	}
	// A script that only speaks of archives is a text.
	if n := pair(t, []byte("#!/bin/sh\necho PK\x03\x04 "+strings.Repeat("x", 99)), []byte("#!/bin/sh\necho PK\x03\x04 "+strings.Repeat("y", 99))); n.Kind == KindZipAfter {
		t.Error(sketch(n))
	}
}
