package compressed

import (
	"io"
	"slices"

	"github.com/stagescope/stagescope/diff/compressed/kflate"
)

// flateLibrary and pgzipLibrary name the libraries with the versions of
// klauspost/compress that write the same.
func flateLibrary(s kflate.Span) string { return "klauspost/compress/flate " + s.Text }
func pgzipLibrary(s kflate.Span) string { return "klauspost/pgzip with compress " + s.Text }

// Block sizes of pgzip. Skopeo, podman and buildah leave it at its default.
const (
	pgzipBlock = 1 << 20
	umociBlock = 256 << 10
)

func blockParams(size int) string {
	if size == umociBlock {
		return "blocks of 256 KiB, as umoci's"
	}
	return ""
}

// flateGzip are plain gzip streams at some levels, by recent versions or by the
// older ones.
func flateGzip(older bool, levels ...int) (out []Setting) {
	for _, level := range levels {
		for _, s := range part(older, level, false) {
			out = append(out, Setting{Encoder: Encoder{Name: FormatGzip, Level: level, Library: flateLibrary(s)},
				Open: func(w io.Writer) (io.WriteCloser, error) { return kflate.NewGzip(w, s.Era, level) }})
		}
	}
	return out
}

// parallelGzip are gzip streams in blocks of one size, whatever the number of
// processors: their bytes are other ones than the encoder inside writes.
func parallelGzip(older bool, block int, levels ...int) (out []Setting) {
	for _, level := range levels {
		for _, s := range part(older, level, true) {
			out = append(out, Setting{Encoder: Encoder{Name: FormatGzip, Level: level, Library: pgzipLibrary(s), Params: blockParams(block)},
				Open: func(w io.Writer) (io.WriteCloser, error) { return kflate.NewParallelGzip(w, s.Era, level, block) }})
		}
	}
	return out
}

func part(older bool, level int, parallel bool) []kflate.Span {
	spans, recent := likely(level, parallel)
	if older {
		return spans[recent:]
	}
	return spans[:recent]
}

// likely has the spans in the order of how much in the world was made by them:
// most tools were released with that of v1.15.15 to v1.17.11, fewer with later ones,
// and then come the older. Recent says how many are not older.
func likely(level int, parallel bool) (spans []kflate.Span, recent int) {
	spans = kflate.Spans(level, parallel)
	at := slices.IndexFunc(spans, func(s kflate.Span) bool { return s.Era <= kflate.Since1_15_15 })
	slices.Reverse(spans[:at+1])
	return spans, at + 1
}

// flateCandidates are raw streams, parallel ones too, as they stand in a gzip
// stream, by all versions or by the recent ones. Those of one level and span begin
// alike.
func flateCandidates(levels []int, older bool) (out []candidate) {
	twins := 0
	add := func(level, block int, library string, open func(w io.Writer) (io.WriteCloser, error)) {
		out = append(out, candidate{Encoder: Encoder{Name: "deflate", Level: level, Library: library, Params: blockParams(block)}, open: open, twins: twins})
	}
	for _, level := range levels {
		plain, _ := likely(level, false)
		spans, recent := likely(level, true)
		if !older {
			spans = spans[:recent]
		}
		for _, s := range spans {
			twins++
			for _, block := range []int{pgzipBlock, umociBlock} {
				add(level, block, pgzipLibrary(s), func(w io.Writer) (io.WriteCloser, error) { return kflate.NewParallel(w, s.Era, level, block) })
			}
			// Of plain streams fewer versions differ.
			if i := slices.IndexFunc(plain, func(o kflate.Span) bool { return o.Era == s.Era }); i >= 0 {
				add(level, 0, flateLibrary(plain[i]), func(w io.Writer) (io.WriteCloser, error) { return kflate.NewWriter(w, s.Era, level) })
			}
		}
	}
	return out
}
