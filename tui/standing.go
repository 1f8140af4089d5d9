package tui

import (
	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/tui/internal/look"
)

// Standing is what is known of a stage from the rebuilds that the store holds.
type Standing int

// The standings. The zero value says that nobody has rebuilt it here, which is
// never to be read as reproduced.
const (
	NotChecked Standing = iota
	Reproduced
	Differs
	NoClaim // rebuilt, and there is no claim to compare with
	Failed
	Interrupted
	NotBuilt // something that it needs is not there

	running // only on screen
)

type face struct {
	sign string
	role look.Role
	word string
}

// Every standing has a sign of its own, so that colour only adds to it.
var faces = map[Standing]face{
	NotChecked:  {"·", look.Muted, "not checked"},
	Reproduced:  {"=", look.Good, "reproduced"},
	Differs:     {"≠", look.Bad, "differs"},
	NoClaim:     {"?", look.Warn, "no claim to compare with"},
	Failed:      {"!", look.Bad, "failed"},
	Interrupted: {"~", look.Warn, "interrupted"},
	NotBuilt:    {"x", look.Warn, "not built"},
	running:     {"►", look.Busy, "running"},
}

func (s Standing) face() face { return faces[s] }

// String is the standing in words.
func (s Standing) String() string { return faces[s].word }

// tally is the standing of every stage that has one.
type tally map[string]Standing

// tallied brings the standings that the store holds.
type tallied struct {
	by  map[string]Standing
	err error
}

// short is enough of a digest to recognise it by.
func short(d chain.Digest) string { return safe.Text(d.Short()) }
