package compressed

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"hash/crc32"
	"io"
	"testing"

	"github.com/klauspost/compress/zstd"

	lz4c "github.com/stagescope/stagescope/diff/compressed/lz4"
	"github.com/stagescope/stagescope/diff/compressed/xz"
	"github.com/stagescope/stagescope/diff/internal/mutate"
)

// mendXz writes the checksums of a stream's headers, index and footer anew (The .xz
// File Format, 2 and 3); nil when it has none where they should be.
func mendXz(p []byte) []byte {
	le, sum := binary.LittleEndian, crc32.ChecksumIEEE
	if len(p) < 36 {
		return nil
	}
	le.PutUint32(p[8:], sum(p[6:8]))
	if n := 12 + int(p[12])*4; n+4 < len(p) {
		le.PutUint32(p[n:], sum(p[12:n]))
	}
	foot := p[len(p)-12:]
	if n := len(p) - 12 - (int(le.Uint32(foot[4:]))+1)*4; n > 0 && n < len(p)-16 {
		le.PutUint32(p[len(p)-16:], sum(p[n:len(p)-16]))
	}
	le.PutUint32(foot, sum(foot[4:10]))
	return p
}

// mendLz4 writes the checksum of a frame's descriptor anew.
func mendLz4(p []byte) []byte {
	if len(p) < 15 || string(p[:4]) != lz4Magic {
		return nil
	}
	n := 6
	if p[4]&8 != 0 {
		n += 8
	}
	p[n] = byte(lz4c.Sum(p[4:n]) >> 8)
	return p
}

// mendGzip writes the trailer of a single member anew.
func mendGzip(p []byte) []byte {
	g := &gzipReader{in: newCounter(bytes.NewReader(p))}
	m, err := g.readHeader()
	if err != nil {
		return nil
	}
	body, err := io.ReadAll(flate.NewReader(g.in))
	at := int(g.in.n)
	if err != nil || at+8 > len(p) || m.header.Len == 0 {
		return nil
	}
	binary.LittleEndian.PutUint32(p[at:], crc32.ChecksumIEEE(body))
	binary.LittleEndian.PutUint32(p[at+4:], uint32(len(body)))
	return p
}

// TestMutated changes streams whose bytes follow from their content, beside those
// that differ in how they are written alone.
func TestMutated(t *testing.T) {
	p := words(700)
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	best, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression))
	if err != nil {
		t.Fatal(err)
	}
	two := func(p []byte) [][]byte { // the streams or frames of a concatenation of two of one length
		return [][]byte{p[:len(p)/2], p[len(p)/2:]}
	}
	lz4 := func(o lz4c.Options) []byte { return lz4Of(t, p, o) }
	twice := func(p []byte) []byte { return append(bytes.Clone(p), p...) }
	for name, c := range map[string]mutate.Case{
		"xz":    {Name: "a.xz", Plain: xzOf(t, p, xz.Options{Preset: 6}), Also: [][]byte{xzOf(t, p, xz.Options{Preset: 0, Block: 300})}, Mend: mendXz, Slow: true},
		"bzip2": {Name: "a.bz2", Plain: bz(t, 9, len(p), p), Also: [][]byte{bz(t, 1, len(p), p)}, Slow: true},
		"lz4":   {Name: "a.lz4", Plain: lz4(lz4c.Options{Level: 1, BlockID: 7, Sum: true, Size: -1}), Also: [][]byte{lz4(lz4c.Options{Level: 9, BlockID: 4, BlockSum: true, Size: int64(len(p))})}, Mend: mendLz4, Slow: true},
		"zstd":  {Name: "a.zst", Plain: z.EncodeAll(p, nil), Also: [][]byte{best.EncodeAll(p, nil)}, Slow: true},
		"gzip": {Name: "a.gz", Plain: gz(t, 6, 0, p), Mend: mendGzip, Slow: true,
			Harmless: func(c mutate.Change) bool { return c.Off >= 4 && c.Off < 10 && len(c.Old) == len(c.New) }},
		"two of gzip":  {Name: "a.gz", Plain: twice(gz(t, 6, 0, p)), Pieces: two, Slow: true, Harmless: gzipHeaders},
		"two of bzip2": {Name: "a.bz2", Plain: append(bz(t, 9, len(p), p), bz(t, 9, len(p), p)...), Pieces: two, Slow: true},
		"two of lz4":   {Name: "a.lz4", Plain: twice(lz4(lz4c.Options{Level: 1, BlockID: 7, Sum: true, Size: -1})), Pieces: two, Slow: true},
		"two of zstd":  {Name: "a.zst", Plain: twice(z.EncodeAll(p, nil)), Pieces: two, Slow: true},
		"two of xz":    {Name: "a.xz", Plain: twice(xzOf(t, p, xz.Options{Preset: 6})), Pieces: two, Slow: true},
	} {
		t.Run(name, func(t *testing.T) { mutate.Run(t, c) })
	}
}

// gzipHeaders reports a change of what headers say of the time, and of how their
// member was compressed.
func gzipHeaders(c mutate.Change) bool {
	if len(c.Old) != len(c.New) {
		return false
	}
	for i := range c.Old {
		if c.Old[i] == c.New[i] {
			continue
		}
		if at := bytes.LastIndex(c.Old[:i], []byte("\x1f\x8b\x08\x00")); at < 0 || i-at < 4 || i-at > 9 {
			return false
		}
	}
	return true
}
