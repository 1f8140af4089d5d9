package archive

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/stagescope/stagescope/diff"
	"github.com/therootcompany/xz"
)

// KindSquashfs is an image of a squashfs file system, version 4.
const KindSquashfs diff.Kind = "squashfs"

// Sizes of the format (Linux, fs/squashfs/squashfs_fs.h).
const (
	squashMagic   = "hsqs"
	squashSuper   = 96
	squashMeta    = 8192    // most that a block of metadata becomes
	squashBlock   = 1 << 20 // largest block of data
	squashNone    = 1<<32 - 1
	maxSquashMeta = 128 << 20 // of one table, decoded
)

func init() {
	diff.Register(diff.Format{Kind: KindSquashfs, Files: true, Match: func(in *diff.Input) bool { return in.HasPrefix(squashMagic) }, Compare: compareSquashfs, Unpack: unpackSquashfs})
}

// compareSquashfs compares the files of two images with all their properties. How
// the images store them is compared by what the superblocks say and not written
// again, so that what differs in it stays unexplained, unless it is the time in
// the superblock alone.
func compareSquashfs(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input) error {
	var fs [2]*squash
	for i, in := range []*diff.Input{a, b} {
		s, err := openSquash(ctx, x, in)
		if err != nil {
			return fmt.Errorf("side %c: %w", 'A'+i, err)
		}
		fs[i] = s
	}
	if err := x.Streams(ctx, n, &squashStream{s: fs[0]}, &squashStream{s: fs[1]}); err != nil {
		return err
	}
	if ta, tb := fs[0].made(), fs[1].made(); ta != tb {
		n.Reasons = append(n.Reasons, diff.Reason{Field: "time of the image", A: ta, B: tb, Cause: &diff.Cause{ID: "D1c", Name: "time in the superblock", Confidence: diff.Proved,
			Evidence: "the rest of the image is compared beside it", Fix: "SOURCE_DATE_EPOCH, or mksquashfs -mkfs-time"}})
	}
	same, err := sameButTime(ctx, a, b)
	if err != nil {
		return err
	}
	n.Status = diff.Differs
	if same {
		n.Equal++
		return nil
	}
	n.Reasons = append(n.Reasons, superReasons(fs[0], fs[1])...)
	n.UnexplainedA = append(n.UnexplainedA, diff.Range{Len: a.Size})
	n.UnexplainedB = append(n.UnexplainedB, diff.Range{Len: b.Size})
	return nil
}

// sameButTime reports whether nothing differs but bytes 8 to 11, the time.
func sameButTime(ctx context.Context, a, b *diff.Input) (bool, error) {
	if a.Size != b.Size {
		return false, nil
	}
	const block = 256 << 10
	pa, pb := make([]byte, block), make([]byte, block)
	for at := int64(0); at < a.Size; at += block {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		k := min(block, a.Size-at)
		for _, r := range []struct {
			in *diff.Input
			p  []byte
		}{{a, pa}, {b, pb}} {
			if n, err := r.in.ReadAt(r.p[:k], at); int64(n) < k {
				return false, fmt.Errorf("reading %q: %w", r.in.Name, err)
			}
			if at == 0 {
				clear(r.p[8:12])
			}
		}
		if !bytes.Equal(pa[:k], pb[:k]) {
			return false, nil
		}
	}
	return true, nil
}

// table is a decoded table of metadata.
type table struct {
	data []byte
	at   map[int64]int // from where a block lies, after the table's beginning, to its bytes
}

// squash is an opened image.
type squash struct {
	in          *diff.Input
	super       []byte
	block       int64
	method      uint16
	zstd        *zstd.Decoder
	inodes, dir *table
	ids         []byte
	fragments   []byte
	xattrs      *squashXattrs // nil when there are none
	files       []*squashFile

	fragment int64 // which one is decoded
	decoded  []byte
}

func (s *squash) u32(at int) uint32 { return binary.LittleEndian.Uint32(s.super[at:]) }
func (s *squash) u64(at int) int64  { return int64(binary.LittleEndian.Uint64(s.super[at:])) }
func (s *squash) made() string {
	return time.Unix(int64(s.u32(8)), 0).UTC().Format(time.RFC3339)
}

var squashMethods = map[uint16]string{1: "gzip", 2: "lzma", 3: "lzo", 4: "xz", 5: "lz4", 6: "zstd"}

func openSquash(ctx context.Context, x *diff.Examiner, in *diff.Input) (*squash, error) {
	s := &squash{in: in, super: make([]byte, squashSuper), fragment: -1}
	if n, _ := in.ReadAt(s.super, 0); n < squashSuper {
		return nil, bad("it ends inside the superblock")
	}
	s.block, s.method = int64(s.u32(12)), binary.LittleEndian.Uint16(s.super[20:])
	if v := binary.LittleEndian.Uint16(s.super[28:]); v != 4 {
		return nil, bad("version %d", v)
	}
	if s.block < 4096 || s.block > squashBlock || s.u64(40) > in.Size {
		return nil, bad("blocks of %d bytes, %d of %d bytes used", s.block, s.u64(40), in.Size)
	}
	switch s.method {
	case 1, 4, 5, 6:
	default:
		return nil, bad("its compression %q (%d) is not read", squashMethods[s.method], s.method)
	}
	var err error
	if s.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(2*squashBlock)); err != nil {
		return nil, err
	}
	var first, more int64
	if s.ids, first, err = s.indexed(s.u64(48), int64(binary.LittleEndian.Uint16(s.super[26:]))*4); err != nil {
		return nil, err
	}
	if s.u32(16) > 0 {
		if s.fragments, more, err = s.indexed(s.u64(80), int64(s.u32(16))*16); err != nil {
			return nil, err
		}
		first = min(first, more)
	}
	if first, err = s.behindDirectories(first); err != nil {
		return nil, err
	}
	if s.inodes, err = s.table(ctx, s.u64(64), s.u64(72)); err != nil {
		return nil, err
	}
	if s.dir, err = s.table(ctx, s.u64(72), first); err != nil {
		return nil, err
	}
	if err := s.readXattrs(ctx); err != nil {
		return nil, fmt.Errorf("extended attributes: %w", err)
	}
	return s, s.walk(ctx, x.Limits())
}

// behindDirectories is where the directories end: at the first of the tables that
// follow, of which some may be empty or missing.
func (s *squash) behindDirectories(first int64) (int64, error) {
	for _, field := range []int{56, 80, 88} {
		at := s.u64(field)
		if at < s.u64(72) {
			continue // there is no such table
		}
		first = min(first, at)
		if field == 88 && s.u32(4) > 0 {
			p, err := s.at(at, 8)
			if err != nil {
				return 0, err
			}
			first = min(first, int64(binary.LittleEndian.Uint64(p)))
		}
	}
	return first, nil
}

// at reads n bytes of the image.
func (s *squash) at(off, n int64) ([]byte, error) {
	if off < 0 || n < 0 || off > s.in.Size || n > s.in.Size-off {
		return nil, bad("bytes %d+%d of %d", off, n, s.in.Size)
	}
	p := make([]byte, n)
	if k, err := s.in.ReadAt(p, off); k < len(p) {
		return nil, fmt.Errorf("reading %q: %w", s.in.Name, err)
	}
	return p, nil
}

// meta decodes the block of metadata at a place, and says where the next is.
func (s *squash) meta(at int64) (p []byte, next int64, err error) {
	h, err := s.at(at, 2)
	if err != nil {
		return nil, 0, err
	}
	word := binary.LittleEndian.Uint16(h)
	n := int64(word &^ 0x8000)
	if p, err = s.at(at+2, n); err != nil {
		return nil, 0, err
	}
	if word&0x8000 == 0 {
		p, err = s.decode(p, squashMeta)
	} else if n > squashMeta {
		err = bad("a block of metadata of %d bytes", n)
	}
	return p, at + 2 + n, err
}

// table decodes all blocks between two places.
func (s *squash) table(ctx context.Context, from, to int64) (*table, error) {
	t := &table{at: map[int64]int{}}
	for at := from; at < to; {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		p, next, err := s.meta(at)
		if err != nil {
			return nil, err
		}
		t.at[at-from] = len(t.data)
		if t.data = append(t.data, p...); len(t.data) > maxSquashMeta {
			return nil, fmt.Errorf("%w: more than %d bytes of metadata", diff.ErrLimit, maxSquashMeta)
		}
		at = next
	}
	return t, nil
}

// from gives the rest of a table from an offset in one of its blocks on.
func (t *table) from(block int64, off int) ([]byte, error) {
	at, ok := t.at[block]
	if !ok || at+off > len(t.data) {
		return nil, bad("no metadata at block %d, offset %d", block, off)
	}
	return t.data[at+off:], nil
}

// indexed decodes a table whose blocks are listed at a place, and says where the
// first of them lies.
func (s *squash) indexed(at, size int64) (p []byte, first int64, err error) {
	if size > maxSquashMeta {
		return nil, 0, fmt.Errorf("%w: a table of %d bytes", diff.ErrLimit, size)
	}
	list, err := s.at(at, (size+squashMeta-1)/squashMeta*8)
	if err != nil {
		return nil, 0, err
	}
	first = at
	for ; len(list) > 0; list = list[8:] {
		place := int64(binary.LittleEndian.Uint64(list))
		q, _, err := s.meta(place)
		if err != nil {
			return nil, 0, err
		}
		first = min(first, place)
		p = append(p, q...)
	}
	if int64(len(p)) < size {
		return nil, 0, bad("a table of %d bytes has %d", size, len(p))
	}
	return p, first, nil
}

// decode gives what a block becomes, at most so many bytes.
func (s *squash) decode(p []byte, most int64) ([]byte, error) {
	var r io.Reader
	var err error
	switch s.method {
	case 1:
		r, err = zlib.NewReader(bytes.NewReader(p))
	case 4:
		r, err = xz.NewReader(bytes.NewReader(p), squashBlock)
	case 5:
		out := make([]byte, most)
		n, err := lz4.UncompressBlock(p, out)
		if err != nil {
			return nil, bad("a block: %v", err)
		}
		return out[:n], nil
	case 6:
		out, err := s.zstd.DecodeAll(p, nil)
		if err != nil || int64(len(out)) > most {
			return nil, bad("a block of %d bytes: %v", len(out), err)
		}
		return out, nil
	}
	if err != nil {
		return nil, bad("a block: %v", err)
	}
	out, err := io.ReadAll(io.LimitReader(r, most+1))
	if err != nil || int64(len(out)) > most {
		return nil, bad("a block of %d bytes: %v", len(out), err)
	}
	return out, nil
}
