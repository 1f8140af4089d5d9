package executable

import (
	"bytes"
	"context"
	"io"

	"github.com/stagescope/stagescope/diff"
)

// padding explains a part between sections that holds nothing but zeros on the
// sides that have it: what is before it and after it says how long it is.
func padding(ctx context.Context, c *diff.Node) error {
	for _, open := range []func() (diff.ReaderAtCloser, int64, error){c.Content.OpenA, c.Content.OpenB} {
		r, size, err := open()
		if err != nil {
			return err
		}
		if r == nil {
			continue
		}
		zero, err := zeros(ctx, io.NewSectionReader(r, 0, size))
		r.Close()
		if err != nil || !zero {
			return err
		}
	}
	c.UnexplainedA, c.UnexplainedB = nil, nil
	c.Reasons = append(c.Reasons, diff.Reason{Field: "length", Cause: &diff.Cause{ID: "derived", Name: "zeros up to the next section", Confidence: diff.Derived}})
	c.Settle()
	return nil
}

// atEnd reports whether a part reaches up to the end of the file, where nothing
// follows that would say how long it is.
func atEnd(s *diff.Side, in *diff.Input) bool {
	return s != nil && (s.Within == nil || s.Within.Off+s.Within.Len == in.Size)
}

func zeros(ctx context.Context, r io.Reader) (bool, error) {
	buf := make([]byte, 64<<10)
	none := make([]byte, len(buf))
	for {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		n, err := r.Read(buf)
		if !bytes.Equal(buf[:n], none[:n]) {
			return false, nil
		}
		if err == io.EOF {
			return true, nil
		}
		if err != nil {
			return false, err
		}
	}
}
