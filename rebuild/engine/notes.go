package engine

import (
	"crypto/sha256"
	"encoding/json"
	"io"
	"sync"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/rebuild"
)

// note is what the engine's process tells of one vertex besides what BuildKit's
// interface carries.
type note struct {
	Vertex string
	change
	Err   string // of the engine itself, while it starts
	Ready *ready
}

// change is what one step changed in the file system.
type change struct {
	Digest   chain.Digest
	Changed  int // entries
	Programs []rebuild.Program

	crowded bool
}

// program records an executable file, unless there are too many already: then
// none is kept, so that no list looks whole that is not.
func (c *change) program(p string, mode uint32, size int64, content [sha256.Size]byte) {
	if mode&modeType != modeRegular || mode&0o111 == 0 {
		return
	}
	switch n := len(c.Programs); {
	case c.crowded:
	case n == rebuild.MaxPrograms:
		c.Programs, c.crowded = nil, true
	default:
		c.Programs = append(c.Programs, rebuild.Program{Path: p, Size: size, Digest: chain.SHA256(content)})
	}
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
