package diff

import (
	"bufio"
	"context"
	"fmt"
	"hash/maphash"
	"io"
	"math"
)

// LineTable says where the lines of a text lie. It holds twelve bytes for each
// and nothing of the text.
type LineTable struct {
	ends []uint32 // offset after each line's end
	sums []uint64 // of each line with its end
}

// Len is how many lines there are.
func (t *LineTable) Len() int { return len(t.ends) }

// Line is where a line lies, numbered from 0, its line end included.
func (t *LineTable) Line(i int) Range { return t.Lines(i, i+1) }

// Lines is where the lines [from, to) lie.
func (t *LineTable) Lines(from, to int) Range {
	var r Range
	if from > 0 {
		r.Off = int64(t.ends[from-1])
	}
	if to > from {
		r.Len = int64(t.ends[to-1]) - r.Off
	}
	return r
}

// of is a line of the text that the table was made of.
func (t *LineTable) of(text string, i int) string {
	r := t.Line(i)
	return text[r.Off : r.Off+r.Len]
}

// maxLines bounds the lines of a text that are put in order.
const maxLines = 1 << 24

// lineSeed is a secret of the process: no text can be made whose lines have one
// sum. What has one sum is compared byte by byte before it is called equal.
var lineSeed = maphash.MakeSeed()

// lineTable reads a text once.
func lineTable(ctx context.Context, in *Input) (*LineTable, error) {
	if in.Size > math.MaxUint32 {
		return nil, fmt.Errorf("%w: its %d bytes are more than are compared by lines", ErrFormat, in.Size)
	}
	t := &LineTable{}
	r := bufio.NewReaderSize(in.Reader(), int(min(256<<10, in.Size+1)))
	var h maphash.Hash
	h.SetSeed(lineSeed)
	at, open := int64(0), false // open: a line began that is longer than the buffer
	for {
		p, err := r.ReadSlice('\n')
		at += int64(len(p))
		switch err {
		case nil:
		case bufio.ErrBufferFull:
			h.Write(p)
			open = true
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			continue
		case io.EOF:
			if at != in.Size {
				return nil, fmt.Errorf("reading %q: it ends after %d of %d bytes", in.Name, at, in.Size)
			}
			if len(p) == 0 && !open {
				return t, nil
			}
		default:
			return nil, fmt.Errorf("reading %q at offset %d: %w", in.Name, at, err)
		}
		if len(t.ends) == maxLines {
			return nil, fmt.Errorf("%w: more than %d lines are not put in order", ErrFormat, maxLines)
		}
		sum := uint64(0)
		if open {
			h.Write(p)
			sum = h.Sum64()
			h.Reset()
			open = false
		} else {
			sum = maphash.Bytes(lineSeed, p)
		}
		t.ends, t.sums = append(t.ends, uint32(at)), append(t.sums, sum)
		if err == io.EOF {
			return t, nil
		}
		if len(t.ends)&0xffff == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
}
