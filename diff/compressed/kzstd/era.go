package kzstd

import "fmt"

// Era is a run of releases of the library whose bytes are the same.
type Era int

// The eras, by their first release.
const (
	V1_11 Era = iota
	V1_12
	V1_14
	V1_15
	V1_16
	V1_17
	V1_173
	V1_175
	V1_176
	V1_178
	V1_203
	eras
)

// spans are the first and the last release of each, of those that are in use.
var spans = [eras][2]string{{"1.11.0", "1.11.13"}, {"1.12.0", "1.13.6"}, {"1.14.0", "1.15.9"}, {"1.15.11", "1.16.3"}, {"1.16.5", "1.16.7"},
	{"1.17.0", "1.17.2"}, {"1.17.3", "1.17.4"}, {"1.17.5", "1.17.5"}, {"1.17.6", "1.17.7"}, {"1.17.8", "1.20.2"}, {"1.20.3", "1.20.4"}}

// Eras are those in which a level wrote other bytes than in the one before, the
// newest first.
func Eras(level int) []Era {
	switch level {
	case Better:
		return []Era{V1_203, V1_178, V1_175, V1_173, V1_17, V1_16, V1_15, V1_14, V1_12, V1_11}
	case Best: // before 1.16.5 it was another search
		return []Era{V1_203, V1_178, V1_176, V1_175, V1_173, V1_17, V1_16}
	}
	return []Era{V1_203, V1_178, V1_17, V1_16, V1_14, V1_11}
}

// Releases names those that write the same at the level, e.g. "v1.14.0 to v1.16.3".
func (o Options) Releases() string {
	last := eras - 1
	for _, e := range Eras(o.Level) {
		if e <= o.Era {
			return "v" + spans[e][0] + " to v" + spans[last][1]
		}
		last = e - 1
	}
	return ""
}

// The levels, as the library counts them.
const (
	Fastest = 1 + iota
	Default
	Better
	Best
)

// Options are what a frame's bytes depend on beside its content.
type Options struct {
	Era   Era
	Level int // Fastest, Default, Better, Best
}

func (o Options) check() error {
	if o.Era < 0 || o.Era >= eras || o.Level < Fastest || o.Level > Best || o.Level == Best && o.Era < V1_16 {
		return fmt.Errorf("zstd of level %d and era %d is not written here", o.Level, int(o.Era))
	}
	return nil
}

// literals says whether a block without matches is compressed.
func (o Options) literals() bool { return o.Level >= Better || o.Level == Default && o.Era < V1_16 }

const maxBlock = 128 << 10

// block is how many bytes a block has.
func (o Options) block() int {
	if o.Era < V1_14 || o.Level == Fastest {
		return 64 << 10
	}
	return maxBlock
}

// window is how far a match may reach back, in bytes.
func (o Options) window() int {
	switch {
	case o.Level == Fastest:
		return 4 << 20
	case o.Level >= Better && o.Era < V1_175:
		return 8 << 20 << (o.Level - Default)
	}
	return 8 << 20
}

// margin is how many bytes sequences must spare before they are written, of a
// block of n bytes.
func (o Options) margin(n int) int {
	if o.Era < V1_16 {
		return n>>5 + 16
	}
	return n>>6 + 16
}

// fewLiterals is the length up to which literals are not compressed.
func (o Options) fewLiterals() int {
	if o.Era < V1_17 {
		return 32
	}
	return 16
}
