package cause

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"github.com/stagescope/stagescope/diff"
)

// digestWord is what checksums look like in lists: hexadecimal, or base64 of
// SHA-256 as wheels (RECORD) and jars (MANIFEST.MF) write it.
var digestWord = regexp.MustCompile(`[0-9a-fA-F]{32,64}|[A-Za-z0-9+/_-]{43}=?`)

// leastDigest is how many letters and digits a checksum in a list has at least.
const leastDigest = 32

// holdsDigest reports whether a text has what looks like a checksum.
func holdsDigest(text []byte) bool { return longWord(text) && digestWord.Match(text) }

// longWord reports whether a text has a row of letters and digits that is as long as
// a checksum. It is much faster than the expression, which most texts do not match.
func longWord(text []byte) bool {
	n := 0
	for _, c := range text {
		if !digestByte[c] {
			n = 0
		} else if n++; n >= leastDigest {
			return true
		}
	}
	return false
}

// digestByte are the bytes of checksums.
var digestByte = func() (out [256]bool) {
	for c := range out {
		out[c] = letterOrDigit(byte(c)) || strings.IndexByte("+/_-", byte(c)) >= 0
	}
	return out
}()

// sizeWord is a size that stands by itself.
var sizeWord = regexp.MustCompile(`\b[0-9]{1,15}\b`)

// maxHashed bounds the content that is hashed to look for MD5 and SHA-1.
const maxHashed = 256 << 20

// listed is a file that differs, as lists of files name it.
type listed struct {
	name string
	size int64
}

// manifest explains a list of checksums: the sides are equal once the checksums
// of files that differ, and these files' sizes on the same lines, are replaced
// by the files' names.
func (c *classifier) manifest(p *pair) *explained {
	if !diff.Textual(p.node.Kind) || !holdsDigest(p.a) || !holdsDigest(p.b) {
		return nil
	}
	sums := c.listSums()
	a, na := replaceSums(p.a, sums[0])
	b, nb := replaceSums(p.b, sums[1])
	if len(na) == 0 || len(nb) == 0 || !equalHash(a, b) {
		return nil
	}
	of, same := "1 file", "of the same file, which differs"
	if len(na) > 1 {
		of, same = fmt.Sprintf("%d files", len(na)), "of the same files, which differ"
	}
	return &explained{a: "checksums of " + of, b: same,
		cause: diff.Cause{ID: "D5h", Name: "checksum of a file that differs", Confidence: diff.Proved,
			Evidence: fmt.Sprintf("the lists are equal once checksums and sizes are replaced by the files' names, such as %q", na[0]), Fix: "mend the files; their checksums follow"}}
}

// replaceSums replaces what is known, and gives the names that it put in.
func replaceSums(text []byte, known map[string]listed) (out []byte, names []string) {
	seen := map[string]bool{}
	for _, line := range bytes.SplitAfter(text, []byte("\n")) {
		if !longWord(line) {
			out = append(out, line...)
			continue
		}
		var sizes []string
		line = digestWord.ReplaceAllFunc(line, func(w []byte) []byte {
			f, ok := known[string(bytes.TrimRight(w, "="))]
			if !ok {
				return w
			}
			if !seen[f.name] {
				seen[f.name] = true
				names = append(names, f.name)
			}
			sizes = append(sizes, strconv.FormatInt(f.size, 10))
			return []byte("\x00checksum of " + f.name + "\x00")
		})
		if len(sizes) == 1 { // of several it would be a guess whose size it is
			line = sizeWord.ReplaceAllFunc(line, func(w []byte) []byte {
				if string(w) == sizes[0] {
					return []byte("\x00size\x00")
				}
				return w
			})
		}
		out = append(out, line...)
	}
	sort.Strings(names)
	return out, names
}

// checksums gives each side's files that differ, by all checksums that lists
// have of them.
func (c *classifier) checksums() *[2]map[string]listed {
	out := &[2]map[string]listed{{}, {}}
	left := int64(maxHashed)
	for _, n := range c.files {
		for i, s := range []*diff.Side{n.A, n.B} {
			if s == nil || s.Digest == "" {
				continue
			}
			f := listed{s.Name, s.Size}
			sum, err := hex.DecodeString(s.Digest.Hex())
			if err != nil {
				continue
			}
			out[i][s.Digest.Hex()] = f
			out[i][base64.RawURLEncoding.EncodeToString(sum)] = f
			out[i][base64.RawStdEncoding.EncodeToString(sum)] = f
			if left -= s.Size; left < 0 || n.Content == nil {
				continue
			}
			open := n.Content.OpenA
			if i == 1 {
				open = n.Content.OpenB
			}
			for _, w := range olderSums(open) {
				out[i][w] = f
			}
		}
	}
	return out
}

// olderSums are the MD5 and SHA-1 of a content; none when it cannot be read.
func olderSums(open func() (diff.ReaderAtCloser, int64, error)) []string {
	r, n, err := open()
	if err != nil || r == nil {
		return nil
	}
	defer r.Close()
	m, s := md5.New(), sha1.New()
	if k, err := io.Copy(io.MultiWriter(m, s), io.NewSectionReader(r, 0, n)); err != nil || k != n {
		return nil
	}
	return []string{hex.EncodeToString(m.Sum(nil)), hex.EncodeToString(s.Sum(nil))}
}

// signatureName is what files with signatures are called.
var signatureName = regexp.MustCompile(`(?:^|/)\.SIGN\.[A-Z0-9]+\.|(?:^|/)META-INF/[^/]+\.(?:RSA|DSA|EC|SF)$|\.(?:sig|asc|p7s|chk)$`)

// signature: a file that by its name holds a signature. It is never proved.
func signature(p *pair) *explained {
	if !signatureName.MatchString(p.node.Name) {
		return nil
	}
	return &explained{a: fmt.Sprintf("%d bytes", len(p.a)), b: fmt.Sprintf("%d bytes", len(p.b)),
		cause: diff.Cause{ID: "D5i", Name: "signature", Confidence: diff.Likely, Evidence: "its name; whether it is valid was not checked", Fix: "sign outside the build"}}
}
