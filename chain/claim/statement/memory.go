package statement

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"slices"
	"sync"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim"
)

// maxMemory bounds how many verifications are remembered (64 bytes each).
const maxMemory = 16 << 20

// memoryMagic begins a memory that was written.
const memoryMagic = "stagescope verified bundles 1\n"

// Memory remembers, by a bundle's digest, the key that its signature holds for.
// That is a fact about bytes and never goes stale: whose the key is, and when
// it is valid, is looked up every time. It is safe for concurrent use.
type Memory struct {
	mu   sync.RWMutex
	good map[claim.Digest][32]byte
}

// Len is how many verifications are remembered.
func (m *Memory) Len() int {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return len(m.good)
}

func (m *Memory) key(bundle claim.Digest) (chain.Digest, bool) {
	if m == nil {
		return "", false
	}
	m.mu.RLock()
	raw, ok := m.good[bundle]
	m.mu.RUnlock()
	return chain.SHA256(raw), ok
}

func (m *Memory) remember(bundle claim.Digest, key chain.Digest) {
	if m == nil {
		return
	}
	var raw [32]byte
	if _, err := hex.Decode(raw[:], []byte(key.Hex())); err != nil {
		return // no fingerprint: nothing is remembered, and it is verified again
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.good == nil {
		m.good = map[claim.Digest][32]byte{}
	}
	if len(m.good) < maxMemory {
		m.good[bundle] = raw
	}
}

// MarshalBinary writes the memory, in order of the bundles' digests. Who can
// change what was written can make a signature pass: it belongs beside keys.
func (m *Memory) MarshalBinary() ([]byte, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	keys := make([]claim.Digest, 0, len(m.good))
	for d := range m.good {
		keys = append(keys, d)
	}
	slices.SortFunc(keys, func(a, b claim.Digest) int { return bytes.Compare(a[:], b[:]) })
	out := make([]byte, 0, len(memoryMagic)+64*len(keys))
	out = append(out, memoryMagic...)
	for _, d := range keys {
		key := m.good[d]
		out = append(append(out, d[:]...), key[:]...)
	}
	return out, nil
}

// UnmarshalBinary adds what MarshalBinary wrote.
func (m *Memory) UnmarshalBinary(data []byte) error {
	rest, ok := bytes.CutPrefix(data, []byte(memoryMagic))
	if !ok || len(rest)%64 != 0 || len(rest)/64 > maxMemory {
		return fmt.Errorf("reading remembered verifications: %d bytes that are none", len(data))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.good == nil {
		m.good = make(map[claim.Digest][32]byte, len(rest)/64)
	}
	for ; len(rest) > 0; rest = rest[64:] {
		m.good[claim.Digest(rest[:32])] = [32]byte(rest[32:64])
	}
	return nil
}
