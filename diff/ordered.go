package diff

import (
	"hash/maphash"
	"strings"
)

// ordered finds out whether it counts in which order members come: whoever
// unpacks them gets another tree when they come in another one.
type ordered struct {
	counts   string // why; "" as long as it does not
	symlinks map[uint64]bool
	parents  map[uint64]bool // directories that hold something, by the hash of their name
	hidden   map[uint64]bool // names with a whiteout
	last     string          // the directory that was noted last
}

// maxOrdered bounds the names that are remembered.
const maxOrdered = 1 << 21

// whiteoutPrefix begins the name of an entry that takes another one away (OCI
// image specification, layers).
const whiteoutPrefix = ".wh."

// see looks at a member whose name has a hash; seen holds those before it.
func (o *ordered) see(m *member, name uint64, seen map[uint64]uint32) {
	if o.counts != "" || m.Meta {
		return
	}
	dir, base := "", m.Name
	if i := strings.LastIndexByte(m.Name, '/'); i >= 0 {
		dir, base = m.Name[:i], m.Name[i+1:]
	}
	switch {
	case seen[name] > 0:
		o.counts = "a name comes twice, and the last one stays"
	case m.HardLink != "" && seen[maphash.String(nameSeed, m.HardLink)] == 0:
		o.counts = "a hard link comes before what it leads to"
	case o.hidden[name]:
		o.counts = "a name comes with its whiteout"
	case m.Symlink && o.parents[name]:
		o.counts = "a symlink comes after what lies behind it"
	case o.behind(dir):
		o.counts = "an entry lies behind a symlink"
	case len(o.parents)+len(o.symlinks)+len(o.hidden) > maxOrdered:
		o.counts = "it has too many directories and links to tell"
	}
	if m.Symlink {
		o.symlinks = put(o.symlinks, name)
	}
	if hides, ok := strings.CutPrefix(base, whiteoutPrefix); ok && !strings.HasPrefix(hides, whiteoutPrefix) {
		if dir != "" {
			hides = dir + "/" + hides
		}
		h := maphash.String(nameSeed, hides)
		if o.hidden = put(o.hidden, h); seen[h] > 0 {
			o.counts = "a name comes with its whiteout"
		}
	}
}

func put(set map[uint64]bool, h uint64) map[uint64]bool {
	if set == nil {
		set = map[uint64]bool{}
	}
	set[h] = true
	return set
}

// behind notes a directory and those above it, and reports whether one of them is
// a symlink.
func (o *ordered) behind(dir string) bool {
	if dir == "" || dir == o.last && len(o.symlinks) == 0 {
		return false
	}
	o.last = dir
	var h maphash.Hash
	h.SetSeed(nameSeed)
	for i, part := range strings.SplitAfter(dir, "/") {
		if i > 0 {
			h.WriteByte('/')
		}
		h.WriteString(strings.TrimSuffix(part, "/"))
		sum := h.Sum64() // of all up to here
		if o.symlinks[sum] {
			return true
		}
		o.parents = put(o.parents, sum)
	}
	return false
}
