package rebuild

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/stagescope/stagescope/chain"
)

// fetchDir is where a Containerfile finds its sources: inside the package's
// context, and as a named context of that name.
const fetchDir = "fetch"

// RequestFor makes a stage's recipe into a request. Sources maps names below
// fetch/ to verified files on disk; images are what its needs are. The notes
// name what lies in the package's directory and is left out of the context.
func RequestFor(c *chain.Chain, s *chain.Stage, sources map[string]string, images []InputImage, o Options) (*Request, []string, error) {
	if len(s.Exporter.MissingInputs) > 0 {
		return nil, nil, &MissingInputsError{Stage: s.ID, Inputs: s.Exporter.MissingInputs}
	}
	if s.Broken != "" { // what could not be read of it would be missing in silence
		return nil, nil, &BrokenError{Stage: s.ID, Why: s.Broken}
	}
	pkg, err := s.ContextFS(c)
	if err != nil {
		return nil, nil, err
	}
	file, ok := strings.CutPrefix(s.Containerfile, s.Dir+"/")
	if !ok {
		return nil, nil, fmt.Errorf("preparing %q: its Containerfile %q lies outside its context %q", s.ID, s.Containerfile, s.Dir)
	}
	for _, src := range s.Sources {
		if sources[src.File] == "" {
			return nil, nil, fmt.Errorf("preparing %q: source %q is not at hand", s.ID, src.File)
		}
	}
	fetched := fetchFS(sources)
	return &Request{
		Stage:         s.ID,
		Context:       unionFS{pkg, fetched},
		Containerfile: file,
		Target:        s.Target,
		Platforms:     platformsOf(s, o.Platform),
		BuildArgs:     s.BuildArgs,
		Contexts:      map[string]fs.FS{fetchDir: fetched},
		Images:        images,
		Steps:         s.Steps,
		Exporter:      s.Exporter,
		NoCache:       o.NoCache,
		StepDigests:   o.StepDigests,
		Variation:     o.Variation,
	}, strays(pkg, s), nil
}

// BrokenError reports a stage that cannot be built as its tree describes it.
type BrokenError struct {
	Stage string
	Why   string // names file and line where there is one
}

func (e *BrokenError) Error() string {
	return fmt.Sprintf("preparing %q: it cannot be built as written: %s", e.Stage, e.Why)
}

// CycleError reports a stage with a cycle at or below it.
type CycleError struct {
	Cycle []string // each stage needs the next; the last is the first again
}

func (e *CycleError) Error() string {
	return "not built: stages need each other: " + strings.Join(e.Cycle, " needs ")
}

// MissingInputsError reports a recipe whose published digest depends on
// something that the tree does not hold.
type MissingInputsError struct {
	Stage  string
	Inputs []string
}

func (e *MissingInputsError) Error() string {
	return fmt.Sprintf("preparing %q: the tree alone cannot give its published digest; missing: %s", e.Stage, strings.Join(e.Inputs, ", "))
}

// strays names what an earlier run of the tree's own scripts left in the
// package's fetch/ directory and no pin covers. There it would leak into every
// COPY of the whole context; here it is left out, and said.
func strays(pkg fs.FS, s *chain.Stage) []string {
	entries, err := fs.ReadDir(pkg, fetchDir)
	if err != nil {
		return nil
	}
	var notes []string
	for _, e := range entries {
		pinned := slices.ContainsFunc(s.Sources, func(src chain.Source) bool {
			return src.File == e.Name() || strings.HasPrefix(src.File, e.Name()+"/")
		})
		if !pinned {
			notes = append(notes, fmt.Sprintf("%s is no pinned source: left out of the context", path.Join(s.Dir, fetchDir, e.Name())))
		}
	}
	return notes
}

// unionFS is a package's directory with its fetch/ replaced by the sources.
type unionFS struct {
	pkg     fs.FS
	fetched fetchFS
}

// route says which of the two holds name, and under which name there.
func (u unionFS) route(name string) (fs.FS, string) {
	if name == fetchDir {
		return u.fetched, "."
	}
	if rest, ok := strings.CutPrefix(name, fetchDir+"/"); ok {
		return u.fetched, rest
	}
	return u.pkg, name
}

func (u unionFS) Open(name string) (fs.File, error) {
	if name == "." {
		entries, err := u.ReadDir(".")
		return &dirFile{info: dirInfo("."), entries: entries}, err
	}
	fsys, rest := u.route(name)
	return fsys.Open(rest)
}

func (u unionFS) ReadDir(name string) ([]fs.DirEntry, error) {
	fsys, rest := u.route(name)
	entries, err := fs.ReadDir(fsys, rest)
	if name != "." || err != nil {
		return entries, err
	}
	entries = slices.DeleteFunc(slices.Clone(entries), func(e fs.DirEntry) bool { return e.Name() == fetchDir })
	if len(u.fetched) > 0 {
		entries = append(entries, fs.FileInfoToDirEntry(dirInfo(fetchDir)))
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, nil
}

func (u unionFS) Stat(name string) (fs.FileInfo, error) {
	if name == fetchDir && len(u.fetched) > 0 {
		return dirInfo(fetchDir), nil
	}
	fsys, rest := u.route(name)
	return fs.Stat(fsys, rest)
}

func (u unionFS) Lstat(name string) (fs.FileInfo, error) {
	if fsys, rest := u.route(name); rest == name {
		return fs.Lstat(fsys, rest)
	}
	return u.Stat(name)
}

func (u unionFS) ReadLink(name string) (string, error) {
	fsys, rest := u.route(name)
	return fs.ReadLink(fsys, rest)
}

// fetchFS holds sources: file names below fetch/ to where they are on disk.
type fetchFS map[string]string

func (f fetchFS) Open(name string) (fs.File, error) {
	if where, ok := f[name]; ok {
		file, err := os.Open(where)
		if err != nil {
			return nil, err
		}
		info, err := file.Stat()
		if err != nil {
			file.Close()
			return nil, err
		}
		return sourceFile{file, entryInfo{path.Base(name), info.Size(), 0o644}}, nil
	}
	entries, err := f.ReadDir(name)
	if err != nil {
		return nil, err
	}
	return &dirFile{info: dirInfo(path.Base(name)), entries: entries}, nil
}

func (f fetchFS) ReadDir(name string) ([]fs.DirEntry, error) {
	prefix := name + "/"
	if name == "." {
		prefix = ""
	}
	found := map[string]fs.DirEntry{}
	for file, where := range f {
		rest, ok := strings.CutPrefix(file, prefix)
		if !ok {
			continue
		}
		if dir, _, deeper := strings.Cut(rest, "/"); deeper {
			found[dir] = fs.FileInfoToDirEntry(dirInfo(dir))
			continue
		}
		info, err := os.Stat(where)
		if err != nil {
			return nil, err
		}
		found[rest] = fs.FileInfoToDirEntry(entryInfo{rest, info.Size(), 0o644})
	}
	if len(found) == 0 && name != "." {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	entries := make([]fs.DirEntry, 0, len(found))
	for _, e := range found {
		entries = append(entries, e)
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, nil
}

// sourceFile is a source on disk under its own name.
type sourceFile struct {
	*os.File
	info entryInfo
}

func (s sourceFile) Stat() (fs.FileInfo, error) { return s.info, nil }

// dirFile is an open directory.
type dirFile struct {
	info    entryInfo
	entries []fs.DirEntry
}

func (d *dirFile) Stat() (fs.FileInfo, error) { return d.info, nil }
func (d *dirFile) Close() error               { return nil }
func (d *dirFile) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.info.name, Err: fs.ErrInvalid}
}

func (d *dirFile) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 {
		n = len(d.entries)
	} else if len(d.entries) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(d.entries))
	out := d.entries[:n]
	d.entries = d.entries[n:]
	return out, nil
}

// entryInfo describes an entry of a context that has no file info of its own.
type entryInfo struct {
	name string
	size int64
	mode fs.FileMode
}

func dirInfo(name string) entryInfo { return entryInfo{name, 0, fs.ModeDir | 0o755} }

func (e entryInfo) Name() string       { return e.name }
func (e entryInfo) Size() int64        { return e.size }
func (e entryInfo) Mode() fs.FileMode  { return e.mode }
func (e entryInfo) ModTime() time.Time { return time.Unix(1, 0) } // SOURCE_DATE_EPOCH of every recipe
func (e entryInfo) IsDir() bool        { return e.mode.IsDir() }
func (e entryInfo) Sys() any           { return nil }
