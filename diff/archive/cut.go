package archive

import (
	"errors"
	"fmt"
	"io"

	"github.com/stagescope/stagescope/diff"
)

// ended is what a stream of members says at its end: an input that is cut may have
// more of them.
func ended(in *diff.Input, err error) error {
	if err == io.EOF && in.Cut != "" {
		return errors.New(in.Cut)
	}
	return err
}

// bodyOf reads a content, as far as it goes where it reaches past the end.
func bodyOf(in *diff.Input, r diff.Range) io.Reader {
	if r.Len <= in.Size-r.Off {
		return io.NewSectionReader(in, r.Off, r.Len)
	}
	return &missing{r: io.NewSectionReader(in, r.Off, in.Size-r.Off), in: in, want: r}
}

// missing is a content that ends before it should.
type missing struct {
	r    io.Reader
	in   *diff.Input
	want diff.Range
}

func (m *missing) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	if err == io.EOF {
		err = fmt.Errorf("its %d bytes begin at byte %d of the archive, which ends at byte %d", m.want.Len, m.want.Off, m.in.Size)
		if m.in.Cut != "" {
			err = fmt.Errorf("%w: %s", err, m.in.Cut)
		}
	}
	return n, err
}
