package compressed

import (
	"context"
	"fmt"

	"github.com/stagescope/stagescope/diff"
)

// innerGzip gives what a gzip stream decodes to.
func innerGzip(ctx context.Context, x *diff.Examiner, in *diff.Input) (*diff.Input, string, error) {
	g, d, err := openGzip(ctx, x, in)
	if err != nil || d.Cut != "" {
		return d, "", err
	}
	return d, left(in.Size - g.end), nil
}

// left says that bytes follow a stream.
func left(n int64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%d bytes follow the compressed stream, and are not compared", n)
}

// inner gives what any other stream decodes to.
func (d decoder) inner(ctx context.Context, x *diff.Examiner, in *diff.Input) (*diff.Input, string, error) {
	plain, err := keep(ctx, x, d.open, in)
	return plain, "", err
}

// innerApk gives the archive of a package's files, which is its last member.
func innerApk(ctx context.Context, x *diff.Examiner, in *diff.Input) (*diff.Input, string, error) {
	g, d, err := openGzip(ctx, x, in)
	if err != nil {
		return nil, "", err
	}
	const says = "of the package only the archive of its files is compared, and neither signature nor control"
	at := g.members[len(g.members)-1].plain.Off
	if len(g.members) < 2 || apkMember(in.Section(diff.Range{Off: g.members[len(g.members)-1].header.Off, Len: in.Size - g.members[len(g.members)-1].header.Off}, in.Name).Head()) != "" {
		return nil, "", fmt.Errorf("%w: the archive of its files is not there", diff.ErrFormat)
	}
	out := d.Section(diff.Range{Off: at, Len: d.Size - at}, "data.tar")
	out.Cut = d.Cut
	return out, says, nil
}
