package formats

import (
	_ "github.com/stagescope/stagescope/diff/archive"
	"github.com/stagescope/stagescope/diff/compressed"
	"github.com/stagescope/stagescope/diff/executable"
	_ "github.com/stagescope/stagescope/diff/structured"
	_ "github.com/stagescope/stagescope/diff/system"
)

// Sections of programs are compressed as files are; the two packages do not know of
// one another.
func init() { executable.Encoder = compressed.Encoded }
