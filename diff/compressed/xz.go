package compressed

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/stagescope/stagescope/diff/compressed/xz"
)

// FormatXz is what xz writes.
const FormatXz = "xz"

// Bounds of writing an xz stream again: it takes memory by the dictionary, and
// much more time than reading it.
const (
	maxXzContent = 256 << 20
	maxXzDict    = 32 << 20
	maxXzIndex   = 1 << 20
)

// xzSlots bounds how many streams are written again at a time.
var xzSlots = make(chan struct{}, 2)

// xzStream is what a stream's headers say.
type xzStream struct {
	check  xz.Check
	dict   int64 // 0 when there is no block
	sized  bool  // its blocks say how long they are
	blocks []int64
}

// uniform gives the size that all blocks have but the last, which may be shorter;
// 0 for a single block, and false when they are cut otherwise.
func (s xzStream) uniform() (int64, bool) {
	if len(s.blocks) < 2 {
		return 0, true
	}
	for i, n := range s.blocks {
		if n > s.blocks[0] || n < s.blocks[0] && i < len(s.blocks)-1 {
			return 0, false
		}
	}
	return s.blocks[0], true
}

func (s xzStream) String() string {
	switch n, ok := s.uniform(); {
	case len(s.blocks) == 1:
		return "1 block"
	case ok && n > 0:
		return fmt.Sprintf("%d blocks of %d bytes", len(s.blocks), n)
	}
	return fmt.Sprintf("%d blocks", len(s.blocks))
}

var errXz = errors.New("not a stream that is read here")

// readXz reads the headers of a stream that is alone: its first block's header
// and its index.
func readXz(in io.ReaderAt, size int64) (s xzStream, err error) {
	var h [12]byte
	if _, err := in.ReadAt(h[:], 0); err != nil || string(h[:6]) != xzMagic || h[6] != 0 {
		return s, errXz
	}
	s.check = xz.Check(h[7])
	if s.blocks, err = xzIndex(in, size); err != nil || len(s.blocks) == 0 {
		return s, err
	}
	var b [1024]byte
	n, err := in.ReadAt(b[:min(int64(len(b)), size-12)], 12)
	if err != nil && err != io.EOF || n < 4 || b[0] == 0 || int(b[0])*4+4 > n {
		return s, errXz
	}
	p := b[2 : int(b[0])*4]
	if b[1]&0x3f != 0 {
		return s, fmt.Errorf("%w: its blocks have more than one filter", errXz)
	}
	for _, flag := range []byte{0x40, 0x80} {
		if b[1]&flag != 0 {
			_, k := binary.Uvarint(p)
			if k <= 0 {
				return s, errXz
			}
			s.sized, p = true, p[k:]
		}
	}
	if len(p) < 3 || p[0] != 0x21 || p[1] != 1 || p[2] > 40 {
		return s, fmt.Errorf("%w: its blocks are not of LZMA2 alone", errXz)
	}
	s.dict = (2 | int64(p[2]&1)) << (p[2]/2 + 11)
	return s, nil
}

// xzIndex reads how many bytes each block has.
func xzIndex(in io.ReaderAt, size int64) (out []int64, err error) {
	var foot [12]byte
	if size < 32 {
		return nil, errXz
	}
	if _, err := in.ReadAt(foot[:], size-12); err != nil || string(foot[10:]) != "YZ" {
		return nil, errXz
	}
	n := (int64(binary.LittleEndian.Uint32(foot[4:])) + 1) * 4
	if n > maxXzIndex || n > size-24 {
		return nil, fmt.Errorf("%w: its index has %d bytes", errXz, n)
	}
	p := make([]byte, n)
	if _, err := in.ReadAt(p, size-12-n); err != nil || p[0] != 0 {
		return nil, errXz
	}
	next := func(p []byte) (uint64, []byte) {
		v, k := binary.Uvarint(p)
		if k <= 0 {
			err = errXz
			return 0, nil
		}
		return v, p[k:]
	}
	count, p := next(p[1:])
	for range count {
		var plain uint64
		_, p = next(p)
		if plain, p = next(p); err != nil || plain > 1<<62 {
			return nil, errXz
		}
		out = append(out, int64(plain))
	}
	return out, err
}

// xzCandidates are the settings that may have made a stream, the likeliest
// first, or why none is tried.
func xzCandidates(in *io.SectionReader, content int64) ([]candidate, string) {
	s, err := readXz(in, in.Size())
	if err != nil {
		return nil, err.Error()
	}
	block, ok := s.uniform()
	switch {
	case !ok:
		return nil, "its blocks are of no common size"
	case content > maxXzContent:
		return nil, fmt.Sprintf("its content of %d bytes is too large to be compressed again here (%d)", content, maxXzContent)
	case s.dict > maxXzDict && content > maxXzDict:
		return nil, fmt.Sprintf("compressing it again with a dictionary of %d bytes takes too much memory", s.dict)
	}
	var out []candidate
	for _, o := range xzPresets(s.dict) {
		o.Check, o.Sized, o.Block = s.check, s.sized, block
		e := Encoder{Name: FormatXz, Level: o.Preset, Library: "liblzma", Params: xzParams(o)}
		out = append(out, candidate{Encoder: e, open: func(w io.Writer) (io.WriteCloser, error) { return xz.NewWriter(w, o) }})
	}
	return out, ""
}

// xzPresets are those with a dictionary, and the default one made to have it, as
// the kernel's build does for its modules.
func xzPresets(dict int64) (out []xz.Options) {
	own := func(n int) bool { return xz.Options{Preset: n}.DictSize() == dict }
	order := []int{6, 9, 3, 0, 1, 2, 4, 5, 7, 8}
	for _, n := range order {
		if own(n) || dict == 0 && n == 6 {
			out = append(out, xz.Options{Preset: n})
		}
	}
	for _, n := range order {
		if own(n) {
			out = append(out, xz.Options{Preset: n, Extreme: true})
		}
	}
	if !own(6) && dict > 0 {
		out = append(out, xz.Options{Preset: 6, Dict: dict}, xz.Options{Preset: 6, Extreme: true, Dict: dict}, xz.Options{Preset: 9, Extreme: true, Dict: dict})
	}
	return out
}

func xzParams(o xz.Options) string {
	var ps []string
	if o.Extreme {
		ps = append(ps, "extreme")
	}
	if o.Dict != 0 {
		ps = append(ps, fmt.Sprintf("a dictionary of %d bytes", o.Dict))
	}
	switch {
	case o.Sized && (o.Block == 0 || o.Block == o.ThreadBlock()):
		ps = append(ps, fmt.Sprintf("threads with blocks of %d bytes", o.ThreadBlock()))
	case o.Sized:
		ps = append(ps, fmt.Sprintf("threads with blocks of %d bytes", o.Block))
	case o.Block > 0:
		ps = append(ps, fmt.Sprintf("blocks of %d bytes", o.Block))
	}
	return strings.Join(ps, ", ")
}
