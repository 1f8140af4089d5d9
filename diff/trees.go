package diff

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/stagescope/stagescope/chain/image"
)

// tree is one side of a comparison of files in containers of different kinds.
type tree struct {
	name   string
	what   string // the container: "directory", "tar in gzip", "image"
	stream Stream
	lacks  []string // properties that it does not record, or that say nothing there
	notes  []string
	odd    bool // not all of its entries make a tree
	listed bool // of contents it has what somebody says of them

	archive *Input // of a file: what is in all wrappings
}

// trees compares what two containers of different kinds hold: as trees of files,
// with every property that both record. Two trees that are equal differ in their
// containers all the same, and Unrecorded is what could not be compared.
func (x *Examiner) trees(ctx context.Context, a, b *tree) (*Node, error) {
	n := &Node{Kind: KindTree, Name: shortName(a.name), A: &Side{Name: a.name, Size: -1}, B: &Side{Name: b.name, Size: -1}}
	n.note(fmt.Sprintf("side A is of the kind %s, side B of the kind %s: they are compared as trees of files, by %s", a.what, b.what, strings.Join(compared(a.lacks, b.lacks), ", ")))
	u := &uneven{}
	err := x.match(ctx, n, x.reading(a.stream, "A"), x.reading(b.stream, "B"), u)
	n.Unrecorded = u.list()
	n.sayUnrecorded()
	for i, t := range []*tree{a, b} {
		for _, s := range t.notes {
			n.note(fmt.Sprintf("side %c: %s", 'A'+i, s))
		}
	}
	if err == nil && n.Status == Same && (a.odd || b.odd) {
		n.Status, n.Capped = NotChecked, true
		n.note("not all entries could be applied")
	}
	if err == nil && !n.Capped && (n.Status == Same || n.Status == Differs) {
		err = x.otherContainer(ctx, n, a, b)
	}
	n.Settle()
	return n, err
}

// shortName is the last part of a path; what is no path, as stage:core-zlib or
// trial:core-zlib/1, stays whole.
func shortName(name string) string {
	if strings.Contains(name, ":") {
		return name
	}
	return path.Base(name)
}

// sayUnrecorded says what was not compared, by side.
func (n *Node) sayUnrecorded() {
	for _, side := range []string{"A", "B"} {
		var fields []string
		for _, u := range n.Unrecorded {
			if u.Side == side {
				fields = append(fields, fmt.Sprintf("%s of %d", treeWord(u.Field), u.Entries))
			}
		}
		if len(fields) > 0 {
			n.note(fmt.Sprintf("not recorded on side %s, or not to be relied on there, and so not compared: %s entries", side, strings.Join(fields, ", ")))
		}
	}
}

// otherContainer says of two trees that their containers are not of one kind, also
// where the trees are equal. It explains nothing: the bytes of a container that no file
// is made of, as a header's comment, are no property of the other.
func (x *Examiner) otherContainer(ctx context.Context, n *Node, a, b *tree) error {
	c := &Cause{ID: "A9", Name: "other container", Confidence: Likely, Fix: "compare two of one kind"}
	if n.Status == Same {
		c.Name = "same tree, other container"
	}
	c.Evidence = fmt.Sprintf("%d files are equal, hashed, by %s", n.Equal, strings.Join(compared(a.lacks, b.lacks), ", "))
	if a.listed || b.listed {
		c.Evidence = fmt.Sprintf("%d files are as the list says, by %s", n.Equal, strings.Join(compared(a.lacks, b.lacks), ", "))
		c.Fix = "get the listed image itself, to see what differs in the contents"
		if n.Status == Same {
			c.Name, c.Fix = "same tree as listed", "compare times, layers and config with the listed image itself"
		}
	}
	if a.archive != nil && b.archive != nil {
		da, err := hashOf(ctx, a.archive)
		if err != nil {
			return err
		}
		db, err := hashOf(ctx, b.archive)
		if err != nil {
			return err
		}
		if da == db {
			c.Evidence += "; the archives that are wrapped are equal, byte by byte"
		}
	}
	c.Evidence += "; what else the containers hold, beside these, was not compared"
	n.Status = Differs
	n.Reasons = append(n.Reasons, Reason{Field: "container", A: a.what, B: b.what, Cause: c})
	return nil
}

// treeOf opens a source as a tree; nil when it is a file that holds none.
func (x *Examiner) treeOf(ctx context.Context, s source, im *image.Image) (*tree, error) {
	if im != nil {
		return x.imageTree(ctx, s, im)
	}
	if s.copy == nil {
		st, err := os.Stat(s.path)
		if err != nil {
			return nil, err
		}
		if st.IsDir() {
			d, err := dirTree(s.path)
			if err != nil {
				return nil, err
			}
			t := &tree{name: s.name, what: "directory", stream: d, lacks: dirLacks()}
			t.notes = append(t.notes, "modification times on disk tell when it was unpacked"+notRead)
			return t, nil
		}
	}
	f, err := openPlain(s)
	if err != nil {
		return nil, err
	}
	return x.fileTree(ctx, f.Input)
}

// imageTree is the file system that an image's layers make.
func (x *Examiner) imageTree(ctx context.Context, s source, im *image.Image) (*tree, error) {
	fs, err := im.FS(ctx, true)
	t := &tree{name: s.name, what: "image"}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		t.stream = &fsFiles{cut: err}
		return t, nil
	}
	t.ofFS(fs, nil)
	return t, nil
}

// ofFS takes the files of an effective file system. cut says why there are no more.
func (t *tree) ofFS(fs *image.FS, cut error) *fsFiles {
	out := &fsFiles{fs: fs, files: slices.Collect(fs.Files()), tree: true, lacks: t.lacks, cut: cut}
	t.stream = out
	t.notes = append(t.notes, fs.Problems...)
	if fs.Dropped > 0 {
		t.notes = append(t.notes, fmt.Sprintf("%d more problems", fs.Dropped))
	}
	t.odd = len(fs.Problems) > 0
	return out
}

// fileTree peels streams and packages off a file until an archive is left; nil when
// there is none.
func (x *Examiner) fileTree(ctx context.Context, in *Input) (*tree, error) {
	t := &tree{name: in.Name}
	var kinds []string
	for range x.limit.Depth {
		if isFileList(in) {
			t.what = inside(append(kinds, string(KindFileList)))
			x.listTree(t, in)
			return t, nil
		}
		if t.archive = in; isTar(in) {
			t.what = inside(append(kinds, string(KindTar)))
			return t, x.tarTree(ctx, t, in)
		}
		i := slices.IndexFunc(registered(), func(f Format) bool { return (f.Inner != nil || f.Unpack != nil) && f.Match(in) })
		if i < 0 {
			return nil, nil
		}
		f := registered()[i]
		kinds = append(kinds, string(f.Kind))
		if f.Inner == nil {
			t.what = inside(kinds)
			return t, x.unpack(ctx, t, f, in)
		}
		inner, left, err := f.Inner(ctx, x, in)
		if err != nil && (ctx.Err() != nil || !errors.Is(err, ErrFormat)) {
			return nil, err
		}
		if err != nil {
			return nil, nil
		}
		if left != "" {
			t.notes = append(t.notes, left)
		}
		in = inner
	}
	return nil, nil
}

// inside writes kinds from the innermost out: "tar in gzip".
func inside(kinds []string) string {
	slices.Reverse(kinds)
	return strings.Join(kinds, " in ")
}

// unpack makes a tar archive of another one, to be read as a tree.
func (x *Examiner) unpack(ctx context.Context, t *tree, f Format, in *Input) error {
	r, w := io.Pipe()
	var lacks []string
	go func() {
		tw := tar.NewWriter(w)
		l, err := f.Unpack(ctx, x, in, tw)
		if err == nil {
			err = tw.Close()
		}
		lacks = l
		w.CloseWithError(err)
	}()
	made, err := x.KeepUpTo(ctx, in.Name, r)
	r.Close()
	if err != nil {
		return err
	}
	t.lacks = lacks
	return x.tarTree(ctx, t, made)
}

// tarTree reads a tar archive as a tree. Its contents are read again where they lie.
func (x *Examiner) tarTree(ctx context.Context, t *tree, in *Input) error {
	s := newTarStream(in.Through(), nil)
	var at []Range // of each entry's content; Len is -1 when it is not there as it is
	next := func() (*tar.Header, io.Reader, error) {
		h, err := s.tr.Next()
		if err != nil {
			return nil, nil, err
		}
		r := Range{s.rec.n, h.Size}
		if h.Typeflag == tar.TypeGNUSparse || sparse(h) {
			r.Len = -1
		}
		at = append(at, r)
		x.progress(h.Name, h.Size)
		return h, (*tarBody)(s), nil
	}
	fs, err := image.Archive(ctx, in.Name, next, image.Limits{Entries: x.limit.Members})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	files := t.ofFS(fs, err)
	files.open = func(ctx context.Context, f *image.File) (io.ReadCloser, error) {
		if r := at[f.Entry]; r.Len >= 0 {
			return io.NopCloser(io.NewSectionReader(in, r.Off, r.Len)), nil
		}
		return tarOf(in).(Reopener).Reopen(ctx, f.Entry)
	}
	return nil
}

// otherwise compares two files that are archives of different kinds, or in other
// wrappings, as trees; nil when no format knows both, or one knows the two.
func (x *Examiner) otherwise(ctx context.Context, a, b *Input) (*Node, error) {
	opens := func(f Format, in *Input) bool {
		return (f.Inner != nil || f.Unpack != nil || f.Kind == KindTar || f.Kind == KindFileList) && f.Match(in)
	}
	var known [2]bool
	for _, f := range registered() {
		if !f.Weak && f.Match(a) && f.Match(b) {
			return nil, nil
		}
		known[0], known[1] = known[0] || opens(f, a), known[1] || opens(f, b)
	}
	if !known[0] || !known[1] {
		return nil, nil
	}
	var ts [2]*tree
	for i, in := range []*Input{a, b} {
		t, err := x.fileTree(ctx, in)
		if t == nil || err != nil {
			return nil, err
		}
		ts[i] = t
	}
	return x.trees(ctx, ts[0], ts[1])
}

// unlike compares what lies on disk, or an image with that.
func (x *Examiner) unlike(ctx context.Context, srcs [2]source, ims [2]*image.Image) (*Node, error) {
	dirs := [2]bool{}
	for i, s := range srcs {
		if s.copy == nil && ims[i] == nil {
			st, err := os.Stat(s.path)
			if err != nil {
				return nil, err
			}
			dirs[i] = st.IsDir()
		}
	}
	if ims == [2]*image.Image{} && dirs[0] == dirs[1] {
		return x.paths(ctx, srcs)
	}
	var ts [2]*tree
	for i, s := range srcs {
		t, err := x.treeOf(ctx, s, ims[i])
		if err != nil {
			return nil, err
		}
		if t == nil {
			return nil, noTree(srcs, ims, i)
		}
		ts[i] = t
	}
	return x.trees(ctx, ts[0], ts[1])
}

// noTree says that one side is a file that holds no tree of files.
func noTree(srcs [2]source, ims [2]*image.Image, i int) error {
	other := 1 - i
	is := "is a directory"
	if ims[other] != nil {
		is = "is an image"
	}
	return fmt.Errorf("comparing %q with %q: %q %s and %q is not, nor an archive of files: name a file in it, or an archive",
		srcs[0].name, srcs[1].name, srcs[other].name, is, srcs[i].name)
}
