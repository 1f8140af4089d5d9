package kzstd

import "math/bits"

// kind is what a table of a sequences section codes.
type kind int

const (
	literalLengths kind = iota
	offsets
	matchLengths
)

// minMatch is subtracted from a match's length before it is coded.
const minMatch = 3

// sequence is some literals and a match. Offset is as it is coded: 1 repeats the
// last distance, from 4 on it is the distance and 3.
type sequence struct {
	literals, match, offset uint32 // match: less minMatch
	code                    [3]uint8
}

// The extra bits of codes (RFC 8878, 3.1.1.3.2.1.1); those of an offset are as
// many as the code says.
var (
	literalBits = [36]uint8{16: 1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
	matchBits   = [53]uint8{32: 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
)

// The codes of short lengths.
var (
	literalCodes = codesOf(literalBits[:], 64)
	matchCodes   = codesOf(matchBits[:], 128)
)

func codesOf(extra []uint8, n int) []uint8 {
	var out []uint8
	for code, b := range extra {
		for i := 0; i < 1<<b && len(out) < n; i++ {
			out = append(out, uint8(code))
		}
	}
	return out
}

func (s *sequence) setCodes() {
	s.code[literalLengths] = lengthCode(literalCodes, s.literals, 19)
	s.code[offsets] = uint8(bits.Len32(s.offset) - 1)
	s.code[matchLengths] = lengthCode(matchCodes, s.match, 36)
}

// lengthCode is that of v: from some length on each power of two has a code.
func lengthCode(short []uint8, v uint32, more int) uint8 {
	if int(v) < len(short) {
		return short[v]
	}
	return uint8(bits.Len32(v) - 1 + more)
}

// The predefined tables (RFC 8878, 3.1.1.3.2.2).
var predefined = [3]*table{
	literalLengths: mustBuild(6, []int16{4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1,
		2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1}),
	offsets: mustBuild(5, []int16{1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1,
		1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1}),
	matchLengths: mustBuild(6, []int16{1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1,
		1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
		1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1}),
}

func mustBuild(log uint8, counts []int16) *table {
	t := &table{log: log, symbols: len(counts)}
	copy(t.norm[:], counts)
	if err := t.build(); err != nil {
		panic(err)
	}
	return t
}
