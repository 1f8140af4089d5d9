package cause

import (
	"debug/elf"
	"encoding/binary"
	"slices"

	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/diff/executable"
)

// loaded are the ranges of both sides' programs that are put into memory.
type loaded struct {
	a, b []diff.Range
	big  bool // side A keeps numbers with the most significant byte first
}

// epoch reports whether four bytes at a place of a part can be seconds since 1970 as
// the program keeps them: at a multiple of four, and in its own order.
func (l *loaded) epoch(at int64, p []byte) bool {
	v := int64(binary.LittleEndian.Uint32(p))
	if l.big {
		v = int64(binary.BigEndian.Uint32(p))
	}
	return at%4 == 0 && v >= firstEpoch && v < lastEpoch
}

// loadedOf reads them; nil when they are not known.
func loadedOf(n *diff.Node) *loaded {
	if n.Content == nil {
		return nil
	}
	var out [2][]diff.Range
	big := false
	for i, open := range []func() (diff.ReaderAtCloser, int64, error){n.Content.OpenA, n.Content.OpenB} {
		r, size, err := open()
		if err != nil || r == nil {
			return nil
		}
		var ident [elf.EI_DATA + 1]byte
		if _, err := r.ReadAt(ident[:], 0); err == nil && i == 0 {
			big = elf.Data(ident[elf.EI_DATA]) == elf.ELFDATA2MSB
		}
		out[i], err = executable.Loaded(&diff.Input{ReaderAt: r, Name: n.Name, Size: size})
		r.Close()
		if err != nil {
			return nil
		}
	}
	return &loaded{out[0], out[1], big}
}

// idle reports whether nothing of a part is put into memory, on neither side.
func (l *loaded) idle(k *diff.Node) bool {
	if l == nil {
		return false
	}
	free := func(s *diff.Side, rs []diff.Range) bool {
		return s == nil || s.Within != nil && !slices.ContainsFunc(rs, func(r diff.Range) bool {
			return s.Within.Off < r.Off+r.Len && r.Off < s.Within.Off+s.Within.Len
		})
	}
	return free(k.A, l.a) && free(k.B, l.b)
}
