package executable

import (
	"bytes"
	"compress/zlib"
	"context"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"

	"github.com/stagescope/stagescope/diff"
)

// KindCompressed is a section whose content is compressed.
const KindCompressed diff.Kind = "compressed section"

// compareCompressed opens a section that is compressed and compares what it
// holds. The compressed bytes stay unexplained: which encoder made them, and
// whether it would make the other side's, is not known here.
func (e *elfPair) compareCompressed(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input) error {
	da, ha, err := e.opened(ctx, x, e.a, e.sectionOf(e.a, n.A), a)
	if err != nil {
		return fmt.Errorf("side A: %w", err)
	}
	db, hb, err := e.opened(ctx, x, e.b, e.sectionOf(e.b, n.B), b)
	if err != nil {
		return fmt.Errorf("side B: %w", err)
	}
	name := "content of " + n.Name
	c, err := x.Pair(ctx, diff.KindBinary, name, da, db)
	if err != nil {
		return err
	}
	if ha != hb {
		n.Reasons = append(n.Reasons, diff.Reason{Field: "compression", A: ha, B: hb})
	}
	if c.Status == diff.Same {
		n.Equal++
		n.UnexplainedA = []diff.Range{{Len: a.Size}}
		n.UnexplainedB = []diff.Range{{Len: b.Size}}
		n.Reasons = append(n.Reasons, diff.Reason{Field: "compressed bytes", A: fmt.Sprintf("%d", a.Size), B: fmt.Sprintf("%d", b.Size),
			Cause: &diff.Cause{ID: "A5", Name: "compression", Confidence: diff.Likely, Evidence: "what is compressed is equal, hashed", Fix: "pin the linker and its compression"}})
		return nil
	}
	n.Children = append(n.Children, c)
	// That the content is explained says nothing of how it is compressed, nor of
	// what may stand behind it.
	n.UnexplainedA = []diff.Range{{Len: a.Size}}
	n.UnexplainedB = []diff.Range{{Len: b.Size}}
	return nil
}

// opened decodes a section; what describes the encoding.
func (e *elfPair) opened(ctx context.Context, x *diff.Examiner, f *elfFile, s *section, in *diff.Input) (*diff.Input, string, error) {
	if s == nil {
		return nil, "", bad("the section is not known any more")
	}
	var r io.Reader
	var what string
	var size uint64
	if s.flags&elf.SHF_COMPRESSED == 0 {
		head, err := readAt(in, 0, uint64(min(in.Size, 12)))
		if err != nil || len(head) < 12 || !bytes.HasPrefix(head, []byte("ZLIB")) {
			return nil, "", bad("a section that is not compressed")
		}
		size, what = binary.BigEndian.Uint64(head[4:]), "ZLIB"
		r, err = zlib.NewReader(io.NewSectionReader(in, 12, in.Size-12))
		if err != nil {
			return nil, "", bad("%v", err)
		}
	} else {
		var err error
		if r, what, size, err = f.chdr(in); err != nil {
			return nil, "", err
		}
	}
	out, err := x.Keep(ctx, s.name, io.LimitReader(r, int64(min(size, 1<<40))+1))
	if err != nil {
		return nil, "", err
	}
	if uint64(out.Size) != size {
		return nil, "", bad("it decodes to %d bytes and claims %d", out.Size, size)
	}
	return out, what, nil
}

// chdr reads the header of a section that has SHF_COMPRESSED.
func (f *elfFile) chdr(in *diff.Input) (io.Reader, string, uint64, error) {
	n := uint64(12)
	if f.wide {
		n = 24
	}
	p, err := readAt(in, 0, n)
	if err != nil {
		return nil, "", 0, err
	}
	r := f.fields(p)
	typ := elf.CompressionType(r.u32())
	if f.wide {
		r.take(4)
	}
	size, algn := r.word(), r.word()
	body := io.NewSectionReader(in, int64(n), in.Size-int64(n))
	what := fmt.Sprintf("%s, aligned to %d", typ, algn)
	switch typ {
	case elf.COMPRESS_ZLIB:
		z, err := zlib.NewReader(body)
		if err != nil {
			return nil, "", 0, bad("%v", err)
		}
		return z, what, size, nil
	case elf.COMPRESS_ZSTD:
		z, err := zstd.NewReader(body, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(128<<20))
		if err != nil {
			return nil, "", 0, bad("%v", err)
		}
		return z.IOReadCloser(), what, size, nil
	}
	return nil, "", 0, bad("compressed by %s", typ)
}
