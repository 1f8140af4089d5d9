package archive

import (
	"archive/tar"
	"bytes"
	"context"

	"github.com/stagescope/stagescope/diff"
)

// KindZipAfter is a zip archive after something else: a module of Java, or a script
// that runs the archive, as zip applications of Python and executable jars are.
const KindZipAfter diff.Kind = "zip after a header"

const jmodMagic = "JM\x01\x00"

func init() {
	diff.Register(diff.Format{Kind: KindZipAfter, Files: true, Special: true, Match: func(in *diff.Input) bool { return zipBegin(in) > 0 }, Compare: compareAfter, Unpack: unpackAfter})
}

// zipBegin is where the archive begins; 0 when there is none among the first bytes.
func zipBegin(in *diff.Input) int64 {
	if in.HasPrefix(jmodMagic + "PK\x03\x04") {
		return int64(len(jmodMagic))
	}
	if in.HasPrefix("#!") {
		return int64(max(0, bytes.Index(in.Head(), []byte("PK\x03\x04"))))
	}
	return 0
}

// compareAfter compares what is before the archives, and these. Where the offsets in
// them count the bytes before them as well, is for each side to say.
func compareAfter(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input) error {
	var parts [2][]diff.Part
	before := [2]int64{zipBegin(a), zipBegin(b)}
	counted := [2]bool{}
	for i, in := range []*diff.Input{a, b} {
		at := diff.Range{Off: before[i], Len: in.Size - before[i]}
		s := &zipStream{in: in.Section(at, in.Name), before: before[i]}
		if _, err := s.directory(); err != nil {
			return err
		}
		counted[i] = s.base > 0
		parts[i] = []diff.Part{{Name: "before the archive", Range: diff.Range{Len: before[i]}}, {Name: "archive", Kind: KindZip, Range: at,
			Compare: func(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input) error {
				return compareZipAfter(ctx, x, n, a, b, before)
			}}}
	}
	if counted[0] != counted[1] {
		said := map[bool]string{true: "from the beginning of the file", false: "from that of the archive"}
		n.Reasons = append(n.Reasons, diff.Reason{Field: "offsets count", A: said[counted[0]], B: said[counted[1]]})
	}
	return x.Parts(ctx, n, a, b, parts[0], parts[1])
}

// unpackAfter writes the files of the archive.
func unpackAfter(ctx context.Context, x *diff.Examiner, in *diff.Input, w *tar.Writer) ([]string, error) {
	before := zipBegin(in)
	return unpackZipAfter(ctx, x, in.Section(diff.Range{Off: before, Len: in.Size - before}, in.Name), w, before)
}
