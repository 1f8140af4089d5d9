package engine

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"

	"github.com/stagescope/stagescope/chain"
)

// stepDiffs asks a builder what each step of the graph changed, and gives a
// note for each by its vertex's name. The steps run here, and the export that
// follows finds them done. A builder in another process keeps its snapshots to
// itself, and its own difference of two of them overlooks a file that was
// written anew with the size and time it had: so every file of every step is
// read through its interface, once.
func stepDiffs(ctx context.Context, c gateway.Client, def *llb.Definition, steps map[string]int) (map[string]note, error) {
	ops, err := decodeOps(def)
	if err != nil {
		return nil, err
	}
	w := &stepWalk{client: c, def: def, ops: ops, trees: map[string]tree{}}
	out := map[string]note{}
	for _, data := range def.Def {
		d := digest.FromBytes(data)
		name := def.Metadata[d].Description[customName]
		if _, ok := steps[name]; !ok || ops[d].GetExec() == nil {
			continue
		}
		n, err := w.step(ctx, d)
		if err != nil {
			return nil, fmt.Errorf("reading what %q changed: %w", name, err)
		}
		out[name] = n
	}
	return out, nil
}

func decodeOps(def *llb.Definition) (map[digest.Digest]*pb.Op, error) {
	ops := map[digest.Digest]*pb.Op{}
	for _, data := range def.Def {
		op := &pb.Op{}
		if err := op.UnmarshalVT(data); err != nil {
			return nil, fmt.Errorf("reading the build graph: %w", err)
		}
		ops[digest.FromBytes(data)] = op
	}
	return ops, nil
}

// maxStepEntries bounds what is walked of one step.
const maxStepEntries = 2_000_000

// stepWalk reads the file systems that steps leave.
type stepWalk struct {
	client gateway.Client
	def    *llb.Definition
	ops    map[digest.Digest]*pb.Op
	trees  map[string]tree // by operation and output
}

// tree is a file system by path, without a leading slash.
type tree map[string]*leaf

// leaf is an entry: what a step's digest covers, and when it was written.
type leaf struct {
	meta    meta
	size    int64
	link    string
	content [sha256.Size]byte // of a regular file
	written int64             // ns since 1970; tells a change, and is no part of the digest
}

func (l *leaf) equal(o *leaf) bool {
	return l.size == o.size && l.link == o.link && l.content == o.content && l.written == o.written && l.meta.equal(o.meta)
}

// step digests what one step changed: the entries that are new or otherwise,
// what is gone as an overlay writes it down (a device 0,0), and the directories
// on the way, in path order and with the encoding of treeDigest. Only a step
// that writes an entry as it was gives another digest than an engine that reads
// its own layers: that one counts the entry.
func (w *stepWalk) step(ctx context.Context, step digest.Digest) (note, error) {
	op := w.ops[step]
	var root *pb.Mount
	for _, m := range op.GetExec().Mounts {
		if m.Dest == "/" {
			root = m
		}
	}
	if root == nil || root.Output < 0 {
		return note{}, fmt.Errorf("the step has no root that can be changed")
	}
	after, err := w.tree(ctx, &pb.Input{Digest: string(step), Index: root.Output})
	if err != nil {
		return note{}, err
	}
	var before tree
	if root.Input >= 0 {
		if before, err = w.tree(ctx, op.Inputs[root.Input]); err != nil {
			return note{}, err
		}
	}
	changed := changes(before, after)
	h, n := sha256.New(), note{change: change{Changed: len(changed)}}
	for _, p := range slices.SortedFunc(maps.Keys(changed), byComponent) {
		l := after[p]
		if l == nil {
			hashMeta(h, p, meta{mode: unixMode(fs.ModeDevice | fs.ModeCharDevice)})
			continue
		}
		hashMeta(h, p, l.meta)
		switch l.meta.mode & modeType {
		case modeLink:
			field(h, []byte(l.link))
		case modeRegular:
			hashSize(h, l.size)
			h.Write(l.content[:])
			n.program(p, l.meta.mode, l.size, l.content)
		}
	}
	n.Digest = chain.SHA256([32]byte(h.Sum(nil)))
	return n, nil
}

// changes names what is new, otherwise or gone, and the directories above.
func changes(before, after tree) map[string]bool {
	changed := map[string]bool{}
	mark := func(p string) {
		for ; p != "." && !changed[p]; p = path.Dir(p) {
			changed[p] = true
		}
	}
	for p, l := range after {
		if old := before[p]; old == nil || !l.equal(old) {
			mark(p)
		}
	}
	for p := range before {
		// What is below something gone went with it.
		if parent := path.Dir(p); after[p] == nil && (parent == "." || after[parent] != nil && after[parent].meta.mode&modeType == modeDir) {
			mark(p)
		}
	}
	return changed
}

// byComponent is the order in which a walk meets two paths.
func byComponent(a, b string) int {
	return slices.Compare(strings.Split(a, "/"), strings.Split(b, "/"))
}

// tree reads all of what an operation gives.
func (w *stepWalk) tree(ctx context.Context, end *pb.Input) (tree, error) {
	key := fmt.Sprintf("%s %d", end.Digest, end.Index)
	if t, ok := w.trees[key]; ok {
		return t, nil
	}
	state, err := cut(w.def, w.ops, end)
	if err != nil {
		return nil, err
	}
	def, err := state.Marshal(ctx)
	if err != nil {
		return nil, err
	}
	res, err := w.client.Solve(ctx, gateway.SolveRequest{Definition: def.ToPB(), Evaluate: true})
	if err != nil {
		return nil, err
	}
	t := tree{}
	if res.Ref != nil { // an empty file system has none
		if err := t.read(ctx, res.Ref, "/"); err != nil {
			return nil, err
		}
	}
	w.trees[key] = t
	return t, nil
}

func (t tree) read(ctx context.Context, ref gateway.Reference, dir string) error {
	list, err := ref.ReadDir(ctx, gateway.ReadDirRequest{Path: dir})
	if err != nil {
		return err
	}
	for _, st := range list {
		if len(t) == maxStepEntries {
			return fmt.Errorf("there are more than %d entries", maxStepEntries)
		}
		p := path.Join(dir, path.Base(st.Path))
		l := &leaf{written: st.ModTime, meta: meta{
			mode: unixMode(fs.FileMode(st.Mode)), uid: st.Uid, gid: st.Gid, rdev: device(st.Devmajor, st.Devminor), xattrs: st.Xattrs,
		}}
		t[strings.TrimPrefix(p, "/")] = l
		switch l.meta.mode & modeType {
		case modeDir:
			err = t.read(ctx, ref, p)
		case modeLink:
			l.link = st.Linkname
		case modeRegular:
			l.size = st.Size
			l.content, err = readContent(ctx, ref, p, st.Size)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// readContent hashes a file, read in parts: BuildKit refuses to send more than
// 16 MiB of one at once.
func readContent(ctx context.Context, ref gateway.Reference, p string, size int64) (sum [sha256.Size]byte, err error) {
	const part = 8 << 20
	h := sha256.New()
	for off := int64(0); off < size; {
		data, err := ref.ReadFile(ctx, gateway.ReadRequest{Filename: p, Range: &gateway.FileRange{Offset: int(off), Length: int(min(part, size-off))}})
		if err != nil {
			return sum, err
		}
		if len(data) == 0 {
			return sum, fmt.Errorf("reading %q: it ends after %d of %d bytes", p, off, size)
		}
		h.Write(data)
		off += int64(len(data))
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}

// cut gives the part of a graph that leads to one output.
func cut(def *llb.Definition, ops map[digest.Digest]*pb.Op, end *pb.Input) (llb.State, error) {
	terminal, err := (&pb.Op{Inputs: []*pb.Input{end}}).MarshalVT()
	if err != nil {
		return llb.State{}, fmt.Errorf("cutting the build graph: %w", err)
	}
	needed := map[digest.Digest]bool{}
	todo := []digest.Digest{digest.Digest(end.Digest)}
	for len(todo) > 0 {
		d := todo[0]
		todo = todo[1:]
		if needed[d] {
			continue
		}
		needed[d] = true
		for _, in := range ops[d].GetInputs() {
			todo = append(todo, digest.Digest(in.Digest))
		}
	}
	part := &pb.Definition{Metadata: map[string]*pb.OpMetadata{}}
	for _, data := range def.Def {
		if d := digest.FromBytes(data); needed[d] {
			needed[d] = false // graphs that were put together repeat operations
			part.Def = append(part.Def, data)
			m := def.Metadata[d]
			part.Metadata[string(d)] = m.ToPB()
		}
	}
	part.Def = append(part.Def, terminal)
	out, err := llb.NewDefinitionOp(part)
	if err != nil {
		return llb.State{}, fmt.Errorf("cutting the build graph: %w", err)
	}
	return llb.NewState(out), nil
}

// What st_mode says of an entry's type.
const (
	modeType    = 0o170000
	modeDir     = 0o040000
	modeLink    = 0o120000
	modeRegular = 0o100000
)

// unixMode is st_mode as Linux has it.
func unixMode(m fs.FileMode) uint32 {
	mode := uint32(m.Perm())
	for _, b := range []struct {
		bit  fs.FileMode
		unix uint32
	}{{fs.ModeSetuid, 0o4000}, {fs.ModeSetgid, 0o2000}, {fs.ModeSticky, 0o1000}} {
		if m&b.bit != 0 {
			mode |= b.unix
		}
	}
	switch {
	case m.IsDir():
		return mode | modeDir
	case m&fs.ModeSymlink != 0:
		return mode | modeLink
	case m&fs.ModeNamedPipe != 0:
		return mode | 0o010000
	case m&fs.ModeSocket != 0:
		return mode | 0o140000
	case m&fs.ModeCharDevice != 0:
		return mode | 0o020000
	case m&fs.ModeDevice != 0:
		return mode | 0o060000
	}
	return mode | modeRegular
}

// device is st_rdev as Linux encodes it.
func device(major, minor int64) uint64 {
	a, i := uint64(major), uint64(minor)
	return (a&0xfff)<<8 | (a&^0xfff)<<32 | i&0xff | (i&^0xff)<<12
}
