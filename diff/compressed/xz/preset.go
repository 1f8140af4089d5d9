package xz

import "fmt"

// Check is how a stream's blocks are checked.
type Check byte

// The checks.
const (
	CheckNone   Check = 0
	CheckCRC32  Check = 1
	CheckCRC64  Check = 4
	CheckSHA256 Check = 10
)

// Options are what a stream's bytes depend on beside its content.
type Options struct {
	Preset  int   // 0 to 9
	Extreme bool  // as of xz -e
	Dict    int64 // bytes; 0 for what the preset says
	Check   Check
	// Block is how many bytes a block has; 0 makes one block of all.
	Block int64
	// Sized blocks say in their headers how long they are, as those do which
	// several threads write.
	Sized bool
}

// DictSize is the dictionary's size in bytes.
func (o Options) DictSize() int64 {
	if o.Dict != 0 {
		return o.Dict
	}
	return 1 << [10]int{18, 20, 21, 22, 22, 23, 23, 24, 25, 26}[o.Preset]
}

// ThreadBlock is how many bytes a block has that one of several threads writes,
// when nobody says otherwise.
func (o Options) ThreadBlock() int64 { return max(3*o.DictSize(), 1<<20) }

const (
	minDict = 4096
	maxDict = 1 << 26 // a larger one takes more memory than is used here
)

func (o Options) check() error {
	switch {
	case o.Preset < 0 || o.Preset > 9:
		return fmt.Errorf("xz has no preset %d", o.Preset)
	case o.DictSize() < minDict || o.DictSize() > maxDict:
		return fmt.Errorf("a dictionary of %d bytes is not used here", o.DictSize())
	}
	switch o.Check {
	case CheckNone, CheckCRC32, CheckCRC64, CheckSHA256:
		return nil
	}
	return fmt.Errorf("check %d is not known", o.Check)
}

// effort is what a preset means.
type effort struct {
	fast   bool // take what looks good, weigh nothing
	hashed int  // bytes that are hashed
	tree   bool // matches are found in binary trees, else in chains
	nice   int  // a match of this length is taken without looking further
	depth  int  // of the search
}

func (o Options) effort() effort {
	e := effort{hashed: 4}
	if o.Preset <= 3 {
		e.fast, e.nice, e.depth = true, 273, [4]int{4, 8, 24, 48}[o.Preset]
		if o.Preset <= 1 {
			e.nice = 128
		}
		if o.Preset == 0 {
			e.hashed = 3
		}
	} else {
		e.tree, e.nice = true, 64
		if o.Preset <= 5 {
			e.nice = [2]int{16, 32}[o.Preset-4]
		}
	}
	if o.Extreme {
		e = effort{hashed: 4, tree: true, nice: 273, depth: 512}
		if o.Preset == 3 || o.Preset == 5 {
			e.nice, e.depth = 192, 0
		}
	}
	if e.depth == 0 {
		e.depth = 16 + e.nice/2
	}
	return e
}
