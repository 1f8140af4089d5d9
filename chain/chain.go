package chain

import (
	"errors"
	"io/fs"
)

// ErrNoStage is wrapped by errors about a stage that the chain does not have.
var ErrNoStage = errors.New("no such stage")

// Chain is a loaded tree: stages in chain order, every stage after all that it
// needs, and what was noticed on the way.
type Chain struct {
	Name     string // for people: the tree's directory, or "embedded"
	Root     string // absolute path of the tree on disk; "" for the embedded chain
	Release  string // the release the tree is, where the tree says so
	FS       fs.FS  // the tree's files
	Stages   []*Stage
	Findings []Finding

	graph graph
}
