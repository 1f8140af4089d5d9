package engine

import (
	"encoding/json"
	"io"
	"sync"

	"github.com/stagescope/stagescope/chain"
)

// note is what the engine's process tells of one vertex besides what BuildKit's
// interface carries.
type note struct {
	Vertex  string
	Digest  chain.Digest
	Changed int
	Err     string // of the engine itself, while it starts
	Ready   *ready
}

// ready is the engine's first word.
type ready struct {
	Snapshotter string
	BuildKit    string
}

// notes collects the notes of an engine by vertex.
type notes struct {
	mu    sync.Mutex
	steps map[string]note
}

// maxNotes bounds what is kept of vertices that nobody asks for.
const maxNotes = 100_000

func (n *notes) read(r io.Reader) {
	for dec := json.NewDecoder(r); ; {
		var x note
		if dec.Decode(&x) != nil {
			return
		}
		n.mu.Lock()
		if len(n.steps) < maxNotes {
			n.steps[x.Vertex] = x
		}
		n.mu.Unlock()
	}
}

func (n *notes) take(vertex string) (note, bool) {
	if n == nil {
		return note{}, false
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	x, ok := n.steps[vertex]
	delete(n.steps, vertex)
	return x, ok
}
