package engine

import (
	"bytes"
	"encoding/binary"
	"hash"
	"maps"
	"slices"
	"strings"
)

// meta is what a step's digest covers of an entry besides its path and content.
// Modification times are left out.
type meta struct {
	mode     uint32 // st_mode
	uid, gid uint32
	rdev     uint64
	xattrs   map[string][]byte
}

func (m meta) equal(o meta) bool {
	return m.mode == o.mode && m.uid == o.uid && m.gid == o.gid && m.rdev == o.rdev &&
		maps.EqualFunc(m.xattrs, o.xattrs, bytes.Equal)
}

// hashMeta writes an entry's path and metadata. Every field is preceded by its
// length, so that no two trees can give the same bytes.
func hashMeta(h hash.Hash, rel string, m meta) {
	field(h, []byte(rel))
	for _, v := range []uint64{uint64(m.mode), uint64(m.uid), uint64(m.gid), m.rdev} {
		h.Write(binary.LittleEndian.AppendUint64(nil, v))
	}
	for _, n := range slices.Sorted(maps.Keys(m.xattrs)) {
		if strings.HasPrefix(n, "trusted.overlay.") || strings.HasPrefix(n, "user.overlay.") {
			continue // the snapshotter's own
		}
		field(h, []byte(n))
		field(h, m.xattrs[n])
	}
}

func hashSize(h hash.Hash, size int64) {
	h.Write(binary.LittleEndian.AppendUint64(nil, uint64(size)))
}

func field(h hash.Hash, b []byte) {
	hashSize(h, int64(len(b)))
	h.Write(b)
}
