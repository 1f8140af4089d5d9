package compressed

import (
	"fmt"
	"io"

	"github.com/stagescope/stagescope/diff/compressed/bzip2"
)

// FormatBzip2 is what bzip2 writes.
const FormatBzip2 = "bzip2"

// bzip2Candidates are what makes a stream whose header says this level: one
// stream of all, or one for each block's worth of input.
func bzip2Candidates(level byte) []candidate {
	if level < '1' || level > '9' {
		return nil
	}
	n := int(level - '0')
	e := Encoder{Name: FormatBzip2, Level: n, Library: "libbzip2"}
	cut := e
	chunk := n * 100_000
	cut.Params = fmt.Sprintf("a stream for every %d bytes, as of pbzip2", chunk)
	return []candidate{
		{Encoder: e, open: func(w io.Writer) (io.WriteCloser, error) { return bzip2.NewWriter(w, n) }},
		{Encoder: cut, open: func(w io.Writer) (io.WriteCloser, error) {
			z, err := bzip2.NewWriter(w, n)
			return &cutWriter{z: z, size: chunk, left: chunk}, err
		}},
	}
}

// cutWriter begins a stream for every so many bytes.
type cutWriter struct {
	z          *bzip2.Writer
	size, left int
}

func (c *cutWriter) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		if c.left == 0 {
			if err := c.z.Restart(); err != nil {
				return n - len(p), err
			}
			c.left = c.size
		}
		k := min(len(p), c.left)
		if _, err := c.z.Write(p[:k]); err != nil {
			return n - len(p), err
		}
		p, c.left = p[k:], c.left-k
	}
	return n, nil
}

func (c *cutWriter) Close() error { return c.z.Close() }
