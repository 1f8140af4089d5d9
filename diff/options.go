package diff

import (
	"context"
	"io"
	"runtime"

	"github.com/stagescope/stagescope/chain"
)

// Options say how two things are compared. The zero value examines everything
// within the default limits.
type Options struct {
	Workers int    // comparisons at once; 0 means one for each CPU
	TempDir string // where content is kept aside; "" means the system's place for temporary files
	Limits  Limits

	// Lazy leaves the content of differing files unexamined; Examiner.Examine
	// looks into one when it is wanted.
	Lazy bool
	// Exclude are patterns of paths, as Glob reads them. What they match is counted
	// at its place, and never called same.
	Exclude []string

	Index  Index // keeps the entries of layers, by diff ID; nil means that there is none
	Rehash bool  // read the layers' bytes even when Index knows their entries

	// Stdin is what the reference "-" names; nil means that it names nothing.
	Stdin io.Reader

	// Listed is asked for an image that a reference means and that is not to be had: for
	// a list of its files, to be compared instead. It gives nil where there is none. It
	// may be nil.
	Listed func(ctx context.Context, ref string) (*Listed, error)

	Progress func(Progress) // called from many goroutines; may be nil
}

// Listed is a list of the files of an image, as image.WriteFileList writes it.
type Listed struct {
	Files io.ReadCloser
	Said  string // whose list it is, and how that is known
}

// Limits bound what hostile input can cost. A zero field means its default.
// A limit that was hit is said in a node, and that node is not Same. What Nodes and
// Spool leave out is the same every time: members come first, in the order in which
// they lie there, and then their contents, up to the first that there is no room for.
type Limits struct {
	Depth   int   // containers within containers: 24
	Members int   // of one container: 4 million
	Nodes   int   // of the whole tree: 1 million
	Spool   int64 // bytes of content kept aside on disk: 8 GiB. What is being looked into may take as much again
	Decoded int64 // bytes that one compressed stream inside a file may become: 8 GiB
	Text    int64 // bytes of a text that is compared line by line: 1 GiB
	Binary  int64 // bytes between the first and the last difference of a binary that are aligned rather than compared at equal offsets: 256 MiB
	Debug   int64 // bytes of one program's debug information that are taken apart rather than compared as bytes: 512 MiB. Memory is about five times that of both sides
}

func (l Limits) complete() Limits {
	def := func(p *int64, v int64) {
		if *p <= 0 {
			*p = v
		}
	}
	defInt := func(p *int, v int) {
		if *p <= 0 {
			*p = v
		}
	}
	defInt(&l.Depth, 24)
	defInt(&l.Members, 4<<20)
	defInt(&l.Nodes, 1<<20)
	def(&l.Spool, 8<<30)
	def(&l.Decoded, 8<<30)
	def(&l.Text, 1<<30)
	def(&l.Binary, 256<<20)
	def(&l.Debug, 512<<20)
	return l
}

// Index keeps what can be computed again, so that a second comparison need not
// read a layer. A store is one.
type Index interface {
	// Cache gives exactly what PutCache was given, or reports that it is not there.
	Cache(kind string, key chain.Digest) ([]byte, bool)
	PutCache(kind string, key chain.Digest, data []byte) error
}

// Progress is how far a comparison is.
type Progress struct {
	What  string // what was just read
	Bytes int64  // decoded bytes of both sides read since the last report
	Found *Found // a difference that was just found; nil when none was
}

// Found is a difference as soon as it is known, long before the tree that it
// becomes a part of. Its content has not been looked into yet.
type Found struct {
	In     string // name of the container, e.g. "layer 2"
	Name   string // hostile text
	Status Status
	Fields []string // in which its two sides differ, "content" included
}

func (o Options) workers() int {
	if o.Workers > 0 {
		return o.Workers
	}
	return runtime.GOMAXPROCS(0)
}

// excluded reports which glob matches a path; "" means none.
func (o Options) excluded(name string) string {
	for _, g := range o.Exclude {
		if Glob(g, name) {
			return g
		}
	}
	return ""
}
