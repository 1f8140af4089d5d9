package diff

import (
	"fmt"
	"hash"
	"io"
	"runtime"
	"sync"

	"github.com/stagescope/stagescope/chain/scratch"
)

// blockSize is the unit in which the spool's file is given out and taken back.
const blockSize = 256 << 10

// inMemory is up to which size a content that is kept stays in memory.
const inMemory = 16 << 10

// maxMemory bounds what all kept contents together hold in memory.
const maxMemory = 48 << 20

// spool keeps contents aside: small ones in memory, the others in one file that
// has no name, so that it is gone with the process or when nothing refers to it.
type spool struct {
	dir   string
	limit int64

	mu    sync.Mutex
	file  *scratch.File
	next  int64   // end of the file, in blocks
	free  []int64 // blocks given back
	slots []int64 // free pieces of blocks, numbered from 1, for small contents
	mem   int64
	bufs  sync.Pool
}

// held is a content kept aside. It is read only once it has been closed.
type held struct {
	s      *spool
	size   int64
	loose  *[blockSize]byte // the whole content, for as long as it is being compared
	mem    []byte
	blocks []int64
	slot   int64 // number of its piece of a block; 0 when it has none
	gone   bool  // there was no room: only the size is known
	// room reports whether there is room for so many bytes more. nil means that they
	// are only kept to save time, and while the file is below the limit.
	room func(n int64) bool
}

func newSpool(dir string, limit int64) *spool {
	s := &spool{dir: dir, limit: limit}
	s.bufs.New = func() any { return new([blockSize]byte) }
	return s
}

// block gives the number of a free block; ok is false when there is none below the
// limit, and it may not lie beyond.
func (s *spool) block(beyond bool) (number int64, ok bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.freeBlock(beyond)
}

func (s *spool) freeBlock(beyond bool) (int64, bool, error) {
	if n := len(s.free); n > 0 {
		b := s.free[n-1]
		s.free = s.free[:n-1]
		return b, true, nil
	}
	if (s.next+1)*blockSize > s.limit && !beyond {
		return 0, false, nil
	}
	if s.file == nil {
		f, err := scratch.New(s.dir, "stagescope-diff-*")
		if err != nil {
			return 0, false, fmt.Errorf("keeping content aside: %w", err)
		}
		runtime.AddCleanup(s, func(f *scratch.File) { f.Close() }, f)
		s.file = f
	}
	s.next++
	return s.next - 1, true, nil
}

// fill reads until buf is full or r ends. Unlike io.ReadFull it keeps apart a
// reader that ends, io.EOF, and one that was cut short, io.ErrUnexpectedEOF.
func fill(r io.Reader, buf []byte) (n int, err error) {
	for n < len(buf) && err == nil {
		var k int
		k, err = r.Read(buf[n:])
		n += k
	}
	return n, err
}

// park moves a loose content to where it can stay.
func (h *held) park() error {
	if h == nil || h.loose == nil {
		return nil
	}
	block, n := h.loose, h.size
	h.loose, h.size = nil, 0
	err := h.add(block[:n])
	h.s.bufs.Put(block)
	return err
}

// take reserves memory.
func (s *spool) take(n int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mem+n > maxMemory {
		return false
	}
	s.mem += n
	return true
}

// keep reads r to its end and keeps it. A content of less than a block stays
// loose in memory until it is parked or released; larger ones are hashed on the
// way when sum is not nil.
func (s *spool) keep(r io.Reader, sum hash.Hash, room func(int64) bool) (*held, error) {
	h := &held{s: s, room: room}
	block := s.bufs.Get().(*[blockSize]byte)
	defer func() {
		if h.loose == nil {
			s.bufs.Put(block)
		}
	}()
	buf := block[:]
	for {
		n, err := fill(r, buf)
		if h.size == 0 && err == io.EOF {
			h.loose, h.size = block, int64(n)
			return h, nil
		}
		if n > 0 {
			if sum != nil {
				sum.Write(buf[:n])
			}
			if e := h.add(buf[:n]); e != nil {
				return nil, e
			}
		}
		switch err {
		case nil:
		case io.EOF:
			return h, nil
		default:
			h.release()
			return nil, err
		}
	}
}

// add appends bytes; all but the last call bring a multiple of blockSize.
func (h *held) add(p []byte) error {
	if h.size == 0 && len(p) <= inMemory {
		return h.addSmall(p)
	}
	h.size += int64(len(p))
	for len(p) > 0 && !h.gone {
		n := min(len(p), blockSize)
		b, ok, err := int64(0), false, error(nil)
		if h.room == nil || h.room(blockSize) {
			b, ok, err = h.s.block(h.room != nil)
		}
		if err != nil {
			return err
		}
		if !ok {
			h.giveBack()
			h.gone = true
			return nil
		}
		h.blocks = append(h.blocks, b)
		if _, err := h.s.file.WriteAt(p[:n], b*blockSize); err != nil {
			h.giveBack()
			return fmt.Errorf("keeping content aside: %w", err)
		}
		p = p[n:]
	}
	return nil
}

func (h *held) drop() {
	h.s.mu.Lock()
	h.s.mem -= int64(len(h.mem))
	h.s.mu.Unlock()
	h.mem = nil
}

func (h *held) giveBack() {
	h.s.mu.Lock()
	h.s.free = append(h.s.free, h.blocks...)
	if h.slot > 0 {
		h.s.slots = append(h.s.slots, h.slot)
	}
	h.s.mu.Unlock()
	h.blocks, h.slot = nil, 0
}

// release gives the space back; h must not be read afterwards.
func (h *held) release() {
	if h == nil {
		return
	}
	if h.loose != nil {
		h.s.bufs.Put(h.loose)
		h.loose = nil
	}
	if h.mem != nil {
		h.drop()
	}
	if h.blocks != nil || h.slot > 0 {
		h.giveBack()
	}
	h.gone = true
}

// ReadAt reads from memory or from the blocks.
func (h *held) ReadAt(p []byte, off int64) (int, error) {
	if h.gone {
		return 0, errGone
	}
	if off < 0 {
		return 0, fmt.Errorf("reading at offset %d", off)
	}
	if off >= h.size {
		return 0, io.EOF
	}
	short := false
	if int64(len(p)) > h.size-off {
		p, short = p[:h.size-off], true
	}
	switch {
	case h.loose != nil:
		copy(p, h.loose[off:])
	case h.slot > 0:
		if k, err := h.s.file.ReadAt(p, (h.slot-1)*inMemory+off); err != nil {
			return k, err
		}
	case h.blocks == nil:
		copy(p, h.mem[off:])
	default:
		for done := 0; done < len(p); {
			at := off + int64(done)
			in := at % blockSize
			n := min(len(p)-done, int(blockSize-in))
			if k, err := h.s.file.ReadAt(p[done:done+n], h.blocks[at/blockSize]*blockSize+in); err != nil {
				return done + k, err
			}
			done += n
		}
	}
	if short {
		return len(p), io.EOF
	}
	return len(p), nil
}
