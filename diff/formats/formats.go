package formats

import (
	_ "github.com/stagescope/stagescope/diff/archive"
	_ "github.com/stagescope/stagescope/diff/compressed"
	_ "github.com/stagescope/stagescope/diff/executable"
	_ "github.com/stagescope/stagescope/diff/structured"
)
