package cause

import (
	"bytes"
	"fmt"
	"path"
	"slices"

	"github.com/stagescope/stagescope/diff"
)

// mappedStrings: strings of debug information, which nothing opens, are the same on
// both sides, in another order, once one directory is replaced by another.
func mappedStrings(p *pair) *explained {
	if !p.idle || len(p.a) == 0 || len(p.b) == 0 || p.a[len(p.a)-1] != 0 || p.b[len(p.b)-1] != 0 {
		return nil
	}
	onlyA, onlyB := without(p.a, p.b), without(p.b, p.a)
	if len(onlyA) == 0 || len(onlyA) != len(onlyB) {
		return nil
	}
	dirA, dirB := slices.MinFunc(onlyA, shorter), slices.MinFunc(onlyB, shorter)
	for path.Base(dirA) == path.Base(dirB) && len(dirA) > 1 && len(dirB) > 1 {
		dirA, dirB = path.Dir(dirA), path.Dir(dirB)
	}
	if len(dirA) < 2 || len(dirB) < 2 || dirA[0] != '/' || dirB[0] != '/' {
		return nil
	}
	if !equalHash(mapStrings(p.a, dirA), mapStrings(p.b, dirB)) {
		return nil
	}
	return &explained{a: dirA, b: dirB, cause: diff.Cause{ID: "D2a", Name: "path of the build", Confidence: diff.Proved,
		Evidence: fmt.Sprintf("the %d strings are the same, in another order, once the one directory is replaced by the other, hashed", bytes.Count(p.a, []byte{0})), Fix: "-ffile-prefix-map, -trimpath, or build in one fixed directory"}}
}

func shorter(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return bytes.Compare([]byte(a), []byte(b))
}

// without gives the strings of a table that are not in another.
func without(a, b []byte) (out []string) {
	in := map[string]bool{}
	for s := range bytes.SplitSeq(b, []byte{0}) {
		in[string(s)] = true
	}
	for s := range bytes.SplitSeq(a, []byte{0}) {
		if !in[string(s)] {
			out = append(out, string(s))
		}
	}
	return out
}

// mapStrings sorts the strings of a table in which a directory is taken out.
func mapStrings(table []byte, dir string) []byte {
	list := bytes.Split(table, []byte{0})
	for i, s := range list {
		if rest, ok := bytes.CutPrefix(s, []byte(dir)); ok && (len(rest) == 0 || rest[0] == '/') {
			list[i] = append([]byte("\x01directory\x01"), rest...)
		}
	}
	slices.SortFunc(list, bytes.Compare)
	return bytes.Join(list, []byte{0})
}
