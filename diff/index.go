package diff

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/klauspost/compress/zstd"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/image"
)

// What is kept in an index, and under which name. The number changes with the
// form, so that an old index is not there rather than wrong.
const (
	entriesKind = "layer-entries-2"
	contentKind = "layer-content-1"
)

// maxKept bounds a content that is kept for the next comparison. Only contents
// that differed are kept.
const maxKept = 4 << 20

// indexWriter writes down a layer's members as they are read: for each the
// header as it is in the archive, and the hash of the content. It is an archive
// whose contents are replaced by their hashes.
//
//	uvarint number of bytes of Raw, Raw
//	byte flags: 1 it has content, 2 it is the end of the archive, 4 Within is known
//	if it has content: uvarint size, 32 bytes of SHA-256
//	if Within is known: uvarint offset
//	if it is the end: uvarint zero bytes at the end
type indexWriter struct {
	buf bytes.Buffer
	z   *zstd.Encoder
	err error
}

const (
	flagContent = 1 << iota
	flagEnd
	flagWithin
)

// errOddHeader keeps a layer out of the index whose headers are not whole blocks,
// or that goes on after its end: it has bytes where padding belongs, which must be
// seen again each time.
var errOddHeader = errors.New("a header that is not whole blocks")

func newIndexWriter() *indexWriter {
	w := &indexWriter{}
	w.z, w.err = zstd.NewWriter(&w.buf, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(256<<10))
	return w
}

func (w *indexWriter) add(m *member) {
	if w.err == nil && (!m.Meta && len(m.Raw)%512 != 0 || m.Meta && len(m.Fields()) > 1) {
		w.err = errOddHeader
	}
	if w.err != nil {
		return
	}
	var flags byte
	if m.has {
		flags |= flagContent
	}
	if m.Meta {
		flags |= flagEnd
	}
	if m.Within != nil {
		flags |= flagWithin
	}
	p := binary.AppendUvarint(nil, uint64(len(m.Raw)))
	p = append(append(p, m.Raw...), flags)
	if m.has {
		sum := m.digest()
		p = append(binary.AppendUvarint(p, uint64(m.size)), sum[:]...)
	}
	if m.Within != nil {
		p = binary.AppendUvarint(p, uint64(m.Within.Off))
	}
	if m.Meta {
		n, err := strconv.ParseUint(m.Fields()[0].Value, 10, 64)
		if err != nil {
			w.err = err
			return
		}
		p = binary.AppendUvarint(p, n)
	}
	_, w.err = w.z.Write(p)
}

// save keeps the index. That it cannot be kept spoils nothing but the next
// comparison's speed.
func (w *indexWriter) save(to Index, diffID chain.Digest) {
	if w.err == nil {
		w.err = w.z.Close()
	}
	if w.err == nil {
		w.err = to.PutCache(entriesKind, diffID, w.buf.Bytes())
	}
}

// indexed gives a layer's members from the index; nil when it is not there or
// not wanted.
func (x *Examiner) indexed(l *image.Layer) *indexStream {
	if x.o.Index == nil || x.o.Rehash || l.DiffID == "" {
		return nil
	}
	if l.Missing(context.Background()) != nil {
		return nil // what is to be read and is not there is said to be so, whatever is known of it
	}
	data, ok := x.o.Index.Cache(entriesKind, l.DiffID)
	if !ok {
		return nil
	}
	z, err := zstd.NewReader(bytes.NewReader(data), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(2<<30))
	if err != nil {
		return nil
	}
	return &indexStream{z: z, r: bufio.NewReaderSize(z, 64<<10), layer: &layerStream{l: l}}
}

// indexStream gives the members of a layer from its index.
type indexStream struct {
	z     *zstd.Decoder
	r     *bufio.Reader
	layer *layerStream
	ended bool // the end of the archive was given
}

// Next gives the next member. A damaged index is an error; the store gives none
// that is not exactly what was put.
func (s *indexStream) Next(context.Context) (*Member, error) {
	n, err := binary.ReadUvarint(s.r)
	if err == io.EOF && s.ended {
		return nil, io.EOF
	}
	if err != nil || n > maxRaw || s.ended {
		return nil, fmt.Errorf("the store's index of the layer is damaged: use --rehash")
	}
	raw := make([]byte, n+1)
	if _, err := io.ReadFull(s.r, raw); err != nil {
		return nil, err
	}
	flags := raw[n]
	m := &Member{Raw: raw[:n], Size: -1}
	if flags&flagContent != 0 {
		k := &known{}
		size, err := binary.ReadUvarint(s.r)
		if err == nil {
			k.size = int64(size)
			_, err = io.ReadFull(s.r, k.sum[:])
		}
		if err != nil {
			return nil, err
		}
		m.Body = k
	}
	if flags&flagWithin != 0 {
		off, err := binary.ReadUvarint(s.r)
		if err != nil {
			return nil, err
		}
		if k, ok := m.Body.(*known); ok {
			m.Within = &Range{int64(off), k.size}
		}
	}
	if flags&flagEnd != 0 {
		return m, s.end(m)
	}
	h, err := tar.NewReader(bytes.NewReader(m.Raw)).Next()
	if err != nil {
		return nil, fmt.Errorf("reading the store's index of the layer: %w", err)
	}
	describe(m, h)
	return m, nil
}

func (s *indexStream) end(m *Member) error {
	n, err := binary.ReadUvarint(s.r)
	if err == nil {
		s.ended = true
		endMember(m, int64(n), nil, nil)
	}
	return err
}

// Close ends reading.
func (s *indexStream) Close() error { s.z.Close(); return nil }

// Reopen reads a body from the layer itself.
func (s *indexStream) Reopen(ctx context.Context, n int) (io.ReadCloser, error) {
	return s.layer.Reopen(ctx, n)
}

// kept gives a content from the index, hashed again; nil when it is not there.
func (x *Examiner) kept(m *member) *Input {
	if x.o.Index == nil || x.o.Rehash || m.size > maxKept {
		return nil
	}
	data, ok := x.o.Index.Cache(contentKind, chain.SHA256(m.sum))
	if !ok || int64(len(data)) != m.size {
		return nil
	}
	in := &Input{ReaderAt: bytes.NewReader(data), Name: m.Name, Size: m.size}
	if d, err := hashOf(context.Background(), in); err != nil || d != chain.SHA256(m.sum) {
		return nil
	}
	return in
}

// remember keeps a content that differed for the next comparison.
func (x *Examiner) remember(m *member, in *Input) {
	if x.o.Index == nil || m.size > maxKept || m.stream.entry == nil {
		return
	}
	if p, err := readAll(in); err == nil {
		// Losing it costs time, nothing else.
		_ = x.o.Index.PutCache(contentKind, chain.SHA256(m.digest()), p)
	}
}
