package diff

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/stagescope/stagescope/chain/image"
)

// KindFileList is a list of the files of an image, with their properties and digests
// and without their contents, as who rebuilt it publishes it.
const KindFileList Kind = "file list"

func init() {
	Register(Format{Kind: KindFileList, Files: true, Match: isFileList, Compare: compareFileLists, Partial: true})
}

func isFileList(in *Input) bool { return image.IsFileList(in.Head()) }

// compareFileLists compares two lists file by file. All that a list holds are
// properties: a content is one by its digest and size.
func compareFileLists(ctx context.Context, x *Examiner, n *Node, a, b *Input) error {
	var ls [2]*listStream
	for i, in := range []*Input{a, b} {
		r, err := image.NewFileListReader(in.Through())
		if err != nil {
			return fmt.Errorf("side %c: %w", 'A'+i, errors.Join(ErrFormat, err))
		}
		ls[i] = &listStream{r}
	}
	n.note("lists hold no contents: a file's is compared by its digest and size")
	return x.Streams(ctx, n, ls[0], ls[1])
}

// listStream gives the files of a list as members that have no content.
type listStream struct{ r *image.FileListReader }

func (s *listStream) Next(context.Context) (*Member, error) {
	f, err := s.r.Next()
	if err != nil {
		return nil, err
	}
	m := &Member{Name: rootNamed(f.Path), Size: -1, Raw: slices.Clone(s.r.Raw()), Fields: func() []Field { return listFields(f) }}
	return m, nil
}

func (s *listStream) Close() error { return nil }

// listFields are the properties of a file in a list, which has no times.
func listFields(f *image.File) []Field {
	fs := slices.DeleteFunc(fileFields(f), func(f Field) bool { return f.Key == "mtime" })
	if f.Type == image.TypeRegular {
		fs = append(fs, Field{"size", fmt.Sprint(f.Size)}, Field{"digest", string(f.Digest)})
	}
	return fs
}

// rootNamed is a path as members are called: the root is ".".
func rootNamed(p string) string {
	if p == "" {
		return "."
	}
	return p
}

// errListed says why a file of a list cannot be looked into.
var errListed = errors.New("a list of files holds no contents, only their digests and sizes")

// listTree takes a list of files as a tree. What it says of contents is what its
// publisher says: nothing was hashed here.
func (x *Examiner) listTree(t *tree, in *Input) {
	t.archive, t.lacks, t.listed = nil, []string{"mtime"}, true
	files, err := image.ReadFileList(in.Through(), x.limit.Members)
	out := &fsFiles{lacks: t.lacks, cut: err, open: func(context.Context, *image.File) (io.ReadCloser, error) { return nil, errListed }}
	for i := range files {
		out.files = append(out.files, &files[i])
	}
	t.stream = out
	if err != nil {
		return
	}
	root, err := image.TreeOf(files)
	if err != nil {
		t.odd = true
		t.notes = append(t.notes, "the list makes no tree: "+err.Error())
		return
	}
	t.notes = append(t.notes, fmt.Sprintf("the list gives the tree root %s; of contents it has digests and sizes, which are its publisher's word", root.Digest))
}
