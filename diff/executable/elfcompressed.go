package executable

import (
	"bytes"
	"compress/zlib"
	"context"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"hash/adler32"
	"io"

	"github.com/klauspost/compress/zstd"

	"github.com/stagescope/stagescope/diff"
)

// KindCompressed is a section whose content is compressed.
const KindCompressed diff.Kind = "compressed section"

// compareCompressed opens a section that is compressed and compares what it
// holds. The compressed bytes follow when one known encoder makes exactly those of
// each side; else they stay unexplained.
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
	p := func(in *diff.Input) *diff.Part {
		p := &diff.Part{Name: name, Kind: diff.KindBinary, Range: diff.Range{Len: in.Size}}
		if isDebugName(n.Name) {
			p.Compare = e.compareDebug
		}
		return p
	}
	equal := n.Equal
	if err := x.Part(ctx, n, da, db, p(da), p(db)); err != nil {
		return err
	}
	if ha != hb {
		n.Reasons = append(n.Reasons, diff.Reason{Field: "compression", A: ha, B: hb})
	}
	if n.Equal > equal {
		n.UnexplainedA = []diff.Range{{Len: a.Size}}
		n.UnexplainedB = []diff.Range{{Len: b.Size}}
		n.Reasons = append(n.Reasons, diff.Reason{Field: "compressed bytes", A: fmt.Sprintf("%d", a.Size), B: fmt.Sprintf("%d", b.Size),
			Cause: &diff.Cause{ID: "A5", Name: "compression", Confidence: diff.Likely, Evidence: "what is compressed is equal, hashed", Fix: "pin the linker and its compression"}})
		return nil
	}
	encA, okA := e.a.encodedBy(ctx, e.sectionOf(e.a, n.A), a, da)
	encB, okB := e.b.encodedBy(ctx, e.sectionOf(e.b, n.B), b, db)
	if okA && okB && encA == encB && ha == hb {
		n.Reasons = append(n.Reasons, diff.Reason{Field: "compressed bytes", A: fmt.Sprintf("%d", a.Size), B: fmt.Sprintf("%d", b.Size),
			Cause: &diff.Cause{ID: "derived", Name: "the content, compressed", Confidence: diff.Derived, Evidence: encA + " makes exactly these bytes of the content of each side"}})
		return nil
	}
	// That the content is explained says nothing of how it is compressed, nor of
	// what may stand behind it.
	n.UnexplainedA = []diff.Range{{Len: a.Size}}
	n.UnexplainedB = []diff.Range{{Len: b.Size}}
	return nil
}

// Encoder names the encoder that makes exactly the encoded bytes of the decoded
// ones: a raw deflate stream, or a whole frame of zstd; false when none is known to.
// Whoever links the formats together sets it: compressed sections stay unexplained
// without it.
var Encoder func(ctx context.Context, deflate bool, encoded, decoded *io.SectionReader) (string, bool)

// encodedBy finds the encoder that makes exactly a section's bytes of its content.
func (f *elfFile) encodedBy(ctx context.Context, s *section, in, content *diff.Input) (string, bool) {
	if s == nil || Encoder == nil {
		return "", false
	}
	head := int64(12)
	if s.flags&elf.SHF_COMPRESSED != 0 && f.wide {
		head = 24
	}
	whole := io.NewSectionReader(content, 0, content.Size)
	p, err := readAt(in, 0, uint64(min(in.Size, head+2)))
	if err != nil || in.Size < head+6 {
		return "", false
	}
	if s.flags&elf.SHF_COMPRESSED != 0 && elf.CompressionType(f.order.Uint32(p)) != elf.COMPRESS_ZLIB {
		return Encoder(ctx, false, io.NewSectionReader(in, head, in.Size-head), whole)
	}
	sum := adler32.New()
	if _, err := io.Copy(sum, io.NewSectionReader(content, 0, content.Size)); err != nil {
		return "", false
	}
	have, err := readAt(in, uint64(in.Size-4), 4)
	if err != nil || binary.BigEndian.Uint32(have) != sum.Sum32() {
		return "", false
	}
	enc, ok := Encoder(ctx, true, io.NewSectionReader(in, head+2, in.Size-head-6), whole)
	return fmt.Sprintf("zlib %x, %s", p[head:], enc), ok
}

// opened decodes a section; what describes the encoding.
func (e *elfPair) opened(ctx context.Context, x *diff.Examiner, f *elfFile, s *section, in *diff.Input) (*diff.Input, string, error) {
	if s == nil {
		return nil, "", bad("the section is not known any more")
	}
	r, what, size, err := f.decoder(s, in)
	if err != nil {
		return nil, "", err
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

// decoder gives what decodes a section, what describes the encoding, and how many
// bytes it says it decodes to.
func (f *elfFile) decoder(s *section, in *diff.Input) (r io.Reader, what string, size uint64, err error) {
	if s.flags&elf.SHF_COMPRESSED != 0 {
		return f.chdr(in)
	}
	head, err := readAt(in, 0, uint64(min(in.Size, 12)))
	if err != nil || len(head) < 12 || !bytes.HasPrefix(head, []byte("ZLIB")) {
		return nil, "", 0, bad("a section that is not compressed")
	}
	if r, err = zlib.NewReader(io.NewSectionReader(in, 12, in.Size-12)); err != nil {
		return nil, "", 0, bad("%v", err)
	}
	return r, "ZLIB", binary.BigEndian.Uint64(head[4:]), nil
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
