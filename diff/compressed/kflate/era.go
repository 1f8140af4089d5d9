package kflate

// Era is a run of versions of the library, named by the first of them. Levels
// changed at different times, so that neighbours write the same at some of them;
// Eras leaves those out.
type Era uint8

// The eras, in order. Versions that were retracted (v1.14.1 to v1.14.3, v1.18.1)
// are in none.
const (
	Since1_11_0  Era = iota
	Since1_11_13     // literals are estimated otherwise
	Since1_12_2      // levels 5 and 6 look for better matches
	Since1_12_3      // codes of literals are made before they are judged
	Since1_14_4      // codes that are open need not be those of all symbols; level 3 searches otherwise
	Since1_15_0      // long matches are cut less
	Since1_15_10     // levels 5 and 6 look for better matches otherwise
	Since1_15_11     // levels 1 to 3 hash five bytes
	Since1_15_15     // levels 7 to 9 look for better matches otherwise
	Since1_18_0      // level 4 weighs one match by the wrong bytes
	Since1_18_2      // headers list no more codes than there are
	Since1_20_0      // at levels 7 to 9 a dictionary is not taken for a part of the first block
	Since1_20_4      // codes are of Huffman's tree where that is not too deep
	eras
)

// spans are the first and last versions of the eras.
var spans = [eras][2]string{
	{"v1.11.0", "v1.11.12"}, {"v1.11.13", "v1.12.1"}, {"v1.12.2", "v1.12.2"}, {"v1.12.3", "v1.13.6"},
	{"v1.14.4", "v1.14.4"}, {"v1.15.0", "v1.15.9"}, {"v1.15.10", "v1.15.10"}, {"v1.15.11", "v1.15.14"},
	{"v1.15.15", "v1.17.11"}, {"v1.18.0", "v1.18.0"},
	{"v1.18.2", "v1.19.2"}, {"v1.20.0", "v1.20.3"}, {"v1.20.4", "v1.20.4"},
}

// Newest is the era of the newest version that is known here.
const Newest = eras - 1

// DefaultLevel is the level where none is chosen.
const DefaultLevel = 5

// HuffmanOnly is the level that makes no matches.
const HuffmanOnly = -2

// changes reports whether an era writes other bytes at a level than the one
// before. Parallel is for what pgzip makes of it.
func (e Era) changes(level int, parallel bool) bool {
	switch e {
	case Since1_11_13, Since1_12_3, Since1_14_4:
		return level != 0
	case Since1_12_2:
		return level == 5 || level == 6
	case Since1_15_0:
		return level >= 1 && level <= 6
	case Since1_15_10:
		return level == 5 || level == 6
	case Since1_15_11:
		return level >= 1 && level <= 3
	case Since1_15_15:
		return level >= 7
	case Since1_18_0:
		return level == 4
	case Since1_18_2:
		return level >= 1
	case Since1_20_0:
		return level >= 7 && parallel
	case Since1_20_4:
		return level != 0 || !parallel // the header of plain gzip too
	}
	return true
}

// oldest is the first era of a level. Before v1.14.4 what levels 7 to 9 write
// depends on how the bytes are cut into calls of Write.
func oldest(level int) Era {
	if level >= 7 {
		return Since1_14_4
	}
	return Since1_11_0
}

// Span is eras that write the same bytes at one level.
type Span struct {
	Era  Era    // one of them
	Text string // its versions, e.g. "v1.15.10 to v1.18.0"
}

// Spans gives all that a level was, the newest first. Parallel is for what pgzip
// makes of it.
func Spans(level int, parallel bool) []Span {
	var out []Span
	last := spans[Newest][1]
	for e := Newest; ; e-- {
		first := e == oldest(level)
		if !first && !e.changes(level, parallel) {
			continue
		}
		text := spans[e][0]
		if last != text {
			text += " to " + last
		}
		out = append(out, Span{e, text})
		if first {
			return out
		}
		last = spans[e-1][1]
	}
}
