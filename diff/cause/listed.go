package cause

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
)

// checksum reports whether two tokens are the SHA-256, SHA-1 or MD5 of one file's two
// sides.
func (c *classifier) checksum(a, b []byte) (string, bool) {
	if len(a) != len(b) {
		return "", false
	}
	if len(a) == 64 {
		fa, okA := c.byDigest[0][string(a)]
		fb, okB := c.byDigest[1][string(b)]
		return fmt.Sprintf("it is the SHA-256 of %q", fa), okA && okB && fa == fb
	}
	sums := c.listSums()
	fa, okA := sums[0][string(a)]
	fb, okB := sums[1][string(b)]
	kind := "SHA-1"
	if len(a) == 32 {
		kind = "MD5"
	}
	return fmt.Sprintf("it is the %s of %q", kind, fa.name), okA && okB && fa.name == fb.name
}

// listSums are the files that differ, by what lists have of them.
func (c *classifier) listSums() *[2]map[string]listed {
	if c.sums == nil {
		c.sums = c.checksums()
	}
	return c.sums
}

// longestListed bounds a line of a list, in bytes: every number of a line is looked at
// with all of it.
const longestListed = 4096

// sizeRule explains sizes of files in lists that have more than these, such as
// .changes and .buildinfo of Debian: only on a line that has the file's checksum. A
// number alone that is the size of some file may be any number.
func (c *classifier) sizeRule() tokenRule {
	find := words(`\b[0-9]{1,15}\b`)
	find.fits = func(p []byte, from, to int) bool {
		begin, end := bytes.LastIndexByte(p[:from], '\n')+1, len(p)
		if k := bytes.IndexByte(p[to:], '\n'); k >= 0 {
			end = to + k
		}
		line := p[begin:end]
		return len(line) <= longestListed && longWord(line) && slices.ContainsFunc(digestWord.FindAll(line, -1), func(w []byte) bool {
			for _, known := range c.listSums() {
				if f, ok := known[string(w)]; ok && strconv.FormatInt(f.size, 10) == string(p[from:to]) {
					return true
				}
			}
			return false
		})
	}
	return tokenRule{id: "D5h", name: "size of a file that differs", fix: "mend the file; its size follows", find: find, same: (*classifier).sizes}
}

// sumRule explains a checksum and the size behind it where the two differ in one row
// of bytes.
func (c *classifier) sumRule() tokenRule {
	return tokenRule{id: "D5h", name: "checksum and size of a file that differs", fix: "mend the file; both follow", find: words(`\b[0-9a-f]{32,64}[ \t]+[0-9]{1,15}\b`), same: (*classifier).sumAndSize}
}

// sumAndSize reports whether two tokens are what lists have of one file's two sides.
func (c *classifier) sumAndSize(a, b []byte) (string, bool) {
	wa, wb := bytes.Fields(a), bytes.Fields(b)
	if len(wa) != 2 || len(wb) != 2 {
		return "", false
	}
	ev, ok := c.checksum(wa[0], wb[0])
	if !ok {
		return "", false
	}
	for i, w := range [][][]byte{wa, wb} {
		if f, known := c.listSums()[i][string(w[0])]; !known || strconv.FormatInt(f.size, 10) != string(w[1]) {
			return "", false
		}
	}
	return ev + ", and its size", true
}

// sizes reports whether two tokens are the sizes of one file's two sides.
func (c *classifier) sizes(a, b []byte) (string, bool) {
	x, errX := strconv.ParseInt(string(a), 10, 64)
	y, errY := strconv.ParseInt(string(b), 10, 64)
	if errX != nil || errY != nil {
		return "", false
	}
	for _, n := range c.files {
		if n.A != nil && n.B != nil && n.A.Size == x && n.B.Size == y {
			return fmt.Sprintf("they are the sizes of %q, whose checksum is on the same line", n.A.Name), true
		}
	}
	return "", false
}
