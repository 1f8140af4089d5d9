package diff

import "fmt"

// keptSize is how much of the bound on what is kept aside a content takes, be it in
// memory or on disk: which of them depends on what else is kept at the time.
func keptSize(n int64) int64 {
	if n <= inMemory {
		return inMemory
	}
	return (n + blockSize - 1) / blockSize * blockSize
}

// addSmall keeps a whole content that is small: in memory while there is room, and
// otherwise in a piece of a block.
func (h *held) addSmall(p []byte) error {
	h.size = int64(len(p))
	if h.room != nil && !h.room(inMemory) {
		h.gone = true
		return nil
	}
	if h.s.take(h.size) {
		h.mem = append(make([]byte, 0, len(p)), p...)
		return nil
	}
	at, ok, err := h.s.piece(h.room != nil)
	if err != nil {
		return err
	}
	if !ok {
		h.gone = true
		return nil
	}
	h.slot = at
	if _, err := h.s.file.WriteAt(p, (at-1)*inMemory); err != nil {
		h.giveBack()
		return fmt.Errorf("keeping content aside: %w", err)
	}
	return nil
}

// piece gives the number of a free piece of a block, as block does.
func (s *spool) piece(beyond bool) (number int64, ok bool, err error) {
	const each = blockSize / inMemory
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.slots) == 0 {
		b, ok, err := s.freeBlock(beyond)
		if !ok || err != nil {
			return 0, false, err
		}
		for i := int64(each); i > 0; i-- {
			s.slots = append(s.slots, b*each+i)
		}
	}
	n := len(s.slots) - 1
	p := s.slots[n]
	s.slots = s.slots[:n]
	return p, true, nil
}
