package compressed

import (
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"

	"github.com/stagescope/stagescope/diff/compressed/kzstd"
)

const zstdLibrary = "klauspost/compress/zstd"

// linkedEra is what the library writes that is linked; a test of kzstd says when
// that changes.
const linkedEra = kzstd.V1_178

// headSize is how many bytes containers/image reads to see whether a layer is
// compressed already. When it is not, they reach the encoder before the rest, and
// the encoder ends a block where another reader takes over.
const headSize = 8

// zstdSettings are the ways in which one level is written: as the releases of the
// library did, of one reader or of containers/image.
func zstdSettings(level int) []Setting {
	linked := Setting{Encoder: zstdEncoder(kzstd.Options{Era: linkedEra, Level: level}),
		Open: func(w io.Writer) (io.WriteCloser, error) { return openZstd(w, level) }}
	out := []Setting{linked, headFirst(linked)}
	for _, e := range kzstd.Eras(level) {
		o := kzstd.Options{Era: e, Level: level}
		if e == linkedEra {
			continue
		}
		s := Setting{Encoder: zstdEncoder(o), Open: func(w io.Writer) (io.WriteCloser, error) { return kzstd.NewWriter(w, o) }}
		out = append(out, s, headFirst(s))
	}
	return out
}

// allZstd are all settings of zstd, the likeliest first. Likely are the levels of
// the library that is linked and, of the level that tools take by themselves, what
// older and newer ones made of it and what containers/image makes.
func allZstd() (likely, rare []Setting) {
	for _, level := range zstdLevels {
		for i, s := range zstdSettings(level) {
			if i == 0 || level == kzstd.Default && (i == 1 || !s.head) {
				likely = append(likely, s)
			} else {
				rare = append(rare, s)
			}
		}
	}
	return likely, rare
}

// zstdLevels are in the order of what tools take.
var zstdLevels = []int{kzstd.Default, kzstd.Better, kzstd.Best, kzstd.Fastest}

func openZstd(w io.Writer, level int) (*zstd.Encoder, error) {
	return zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.EncoderLevel(level)), zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true))
}

// zstdEncoder names the releases that make the bytes for sure; of most contents
// others do as well.
func zstdEncoder(o kzstd.Options) Encoder {
	return Encoder{Name: FormatZstd, Level: o.Level, Library: zstdLibrary, Params: "at least " + o.Releases()}
}

// headFirst is a setting whose first bytes are a block of their own.
func headFirst(s Setting) Setting {
	open := s.Open
	s.Params += fmt.Sprintf(", a first block of %d bytes as of containers/image", headSize)
	s.Open = func(w io.Writer) (io.WriteCloser, error) { return &headWriter{open: open, w: w, left: headSize}, nil }
	s.head = true
	return s
}

// headWriter ends the first block after a few bytes. It opens its encoder late:
// of many settings most are given up at once.
type headWriter struct {
	open func(io.Writer) (io.WriteCloser, error)
	w    io.Writer
	z    io.WriteCloser
	left int
	err  error
}

func (h *headWriter) start() {
	if h.z == nil && h.err == nil {
		h.z, h.err = h.open(h.w)
	}
}

func (h *headWriter) Write(p []byte) (int, error) {
	h.start()
	if h.err != nil {
		return 0, h.err
	}
	head := min(h.left, len(p))
	n, err := h.z.Write(p[:head])
	if h.left -= n; err == nil && head > 0 && h.left == 0 {
		err = h.z.(interface{ Flush() error }).Flush()
	}
	if err != nil || n == len(p) {
		return n, err
	}
	k, err := h.z.Write(p[n:])
	return n + k, err
}

func (h *headWriter) Close() error {
	h.start()
	if h.err != nil {
		return h.err
	}
	return h.z.Close()
}

// zstdCandidates are those that begin as the encoded bytes do.
func zstdCandidates(encoded io.ReaderAt) []candidate {
	var head [9]byte
	_, err := encoded.ReadAt(head[:], 0)
	const raw = headSize << 3 // a block as it is, which is not the last
	cut := err == nil && head[6] == raw && head[7] == 0 && head[8] == 0
	var out []candidate
	for _, level := range zstdLevels {
		for _, s := range zstdSettings(level) {
			if s.head == cut {
				out = append(out, candidate{Encoder: s.Encoder, open: s.Open})
			}
		}
	}
	return out
}
