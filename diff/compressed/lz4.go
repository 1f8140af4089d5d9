package compressed

import (
	"encoding/binary"
	"fmt"
	"io"

	plz4 "github.com/pierrec/lz4/v4"

	"github.com/stagescope/stagescope/diff/compressed/lz4"
)

// FormatLz4 is what lz4 writes.
const FormatLz4 = "lz4"

// lz4Candidates are the settings that may have made a frame, as far as its
// descriptor leaves them open, or why none is tried.
func lz4Candidates(in *io.SectionReader) ([]candidate, string) {
	h := make([]byte, 15)
	if n, _ := in.ReadAt(h, 0); n < 7 {
		return nil, "its header is cut short"
	}
	const why = "the C library's levels up to 9 and pierrec/lz4 are tried, and nothing else"
	if string(h[:4]) == lz4Legacy {
		return lz4Levels(lz4.Options{Legacy: true}), why
	}
	flags := h[4]
	if flags&0x20 == 0 {
		return nil, "its blocks are linked, which is not written again here"
	}
	o := lz4.Options{BlockID: int(h[5] >> 4 & 7), BlockSum: flags&0x10 != 0, Sum: flags&4 != 0, Size: -1}
	if flags&8 != 0 {
		o.Size = int64(binary.LittleEndian.Uint64(h[6:]))
	}
	if flags&1 != 0 || o.BlockID < 4 || o.Size < -1 {
		return nil, "its descriptor asks for what is not written again here"
	}
	return lz4Levels(o), why
}

// lz4Levels are all levels of both libraries, the usual ones first.
func lz4Levels(o lz4.Options) (out []candidate) {
	own := func(levels ...int) {
		for _, level := range levels {
			e := Encoder{Name: FormatLz4, Level: level, Library: "lz4"}
			if o.Legacy {
				e.Params = "the older frame"
			}
			o := o
			o.Level = level
			out = append(out, candidate{Encoder: e, open: func(w io.Writer) (io.WriteCloser, error) { return lz4.NewWriter(w, o) }})
		}
	}
	other := pierrecLz4(o)
	own(1, 9)
	out = append(out, other[0])
	own(3, 4, 5, 6, 7, 8)
	return append(out, other[1:]...)
}

// pierrecLz4 are the levels of the library that programs in Go use.
func pierrecLz4(o lz4.Options) (out []candidate) {
	for level := 0; level <= 9; level++ {
		options := []plz4.Option{plz4.ConcurrencyOption(1), plz4.LegacyOption(o.Legacy)}
		if level > 0 {
			options = append(options, plz4.CompressionLevelOption(plz4.CompressionLevel(1<<(8+level))))
		}
		if !o.Legacy {
			options = append(options, plz4.BlockSizeOption(plz4.BlockSize(64<<10<<(2*(o.BlockID-4)))), plz4.BlockChecksumOption(o.BlockSum), plz4.ChecksumOption(o.Sum))
			if o.Size >= 0 {
				options = append(options, plz4.SizeOption(uint64(o.Size)))
			}
		}
		e := Encoder{Name: FormatLz4, Level: level, Library: "pierrec/lz4"}
		out = append(out, candidate{Encoder: e, open: func(w io.Writer) (io.WriteCloser, error) {
			z := plz4.NewWriter(w)
			if err := z.Apply(options...); err != nil {
				return nil, fmt.Errorf("pierrec/lz4: %w", err)
			}
			return z, nil
		}})
	}
	return out
}
