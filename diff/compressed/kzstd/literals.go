package kzstd

import (
	"errors"
	"math/bits"

	"github.com/klauspost/compress/huff0"
)

// The types of a literals section (RFC 8878, 3.1.1.3.1.1).
const (
	literalsRaw = iota
	literalsOne // one byte repeated
	literalsTree
	literalsTreeless // coded by the table of the block before
)

// huffman codes literals; its scratch keeps the table of the block before.
type huffman struct {
	era     Era
	few     int // literals that are not tried
	scratch huff0.Scratch
}

// literals is how a block's literals are coded.
type literals struct {
	how    int
	coded  []byte // until the next are
	single bool   // in one stream, not four
}

func newHuffman(o Options) *huffman {
	h := &huffman{era: o.Era, few: o.fewLiterals()}
	h.scratch.WantLogLess = 4
	h.forget()
	return h
}

// forget keeps the table from being used again.
func (h *huffman) forget() { h.scratch.Reuse = huff0.ReusePolicyNone }

// code chooses how literals are coded; plain is what their header takes when they
// are not.
func (h *huffman) code(p []byte, plain int) (literals, error) {
	if len(p) <= h.few {
		return literals{}, nil
	}
	l := literals{how: literalsTree, single: len(p) < 1024}
	var reused bool
	var err error
	if l.single {
		l.coded, reused, err = huff0.Compress1X(p, &h.scratch)
	} else {
		l.coded, reused, err = huff0.Compress4X(p, &h.scratch)
	}
	switch {
	case errors.Is(err, huff0.ErrIncompressible):
		return literals{}, nil
	case errors.Is(err, huff0.ErrUseRLE):
		return literals{how: literalsOne}, nil
	case err != nil:
		return literals{}, err
	}
	if n := len(l.coded); h.era >= V1_17 && n+5 > len(p) && n+codedHeader(n, len(p)) >= len(p)+plain {
		// Releases before 1.20.4 keep the new table though no decoder is told it; the
		// streams in which that shows cannot be read.
		if h.era >= V1_203 && !reused {
			h.forget()
		}
		return literals{}, nil
	}
	if reused {
		l.how = literalsTreeless
	}
	return l, nil
}

// keep lets the next block use the table.
func (h *huffman) keep() { h.scratch.Reuse = huff0.ReusePolicyAllow }

// plainHeader is how many bytes the header takes of n literals that are not coded.
func plainHeader(n int) int {
	switch {
	case n < 1<<4:
		return 1
	case n < 1<<11:
		return 2
	}
	return 3
}

// codedHeader is how many bytes the header of coded literals takes.
func codedHeader(coded, n int) int {
	switch most := bits.Len(uint(max(coded, n))); {
	case most <= 10:
		return 3
	case most <= 14:
		return 4
	}
	return 5
}

// append appends the section.
func (l literals) append(out, p []byte) []byte {
	switch l.how {
	case literalsRaw:
		return append(appendPlainHeader(out, l.how, len(p)), p...)
	case literalsOne:
		return append(appendPlainHeader(out, l.how, len(p)), p[0])
	}
	size := codedHeader(len(l.coded), len(p))
	width := [6]uint{3: 10, 4: 14, 5: 18}[size]
	format := uint64(size - 2)
	if size == 3 && l.single {
		format = 0
	}
	v := uint64(l.how) | format<<2 | uint64(len(p))<<4 | uint64(len(l.coded))<<(4+width)
	return append(appendBytes(out, v, size), l.coded...)
}

func appendPlainHeader(out []byte, how, n int) []byte {
	size := plainHeader(n)
	if size == 1 {
		return append(out, byte(how|n<<3))
	}
	return appendBytes(out, uint64(how)|uint64(2*size-3)<<2|uint64(n)<<4, size)
}

// appendBytes appends the n lowest bytes of v, the lowest first.
func appendBytes(out []byte, v uint64, n int) []byte {
	for ; n > 0; n-- {
		out = append(out, byte(v))
		v >>= 8
	}
	return out
}
