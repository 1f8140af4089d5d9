package image

import (
	"archive/tar"
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/stagescope/stagescope/chain"

	"github.com/stagescope/stagescope/chain/scratch"
)

// maxArchiveEntries bounds the entries of an archive that holds an image, which
// are its blobs and a few JSON files.
const maxArchiveEntries = 200_000

// maxLinks bounds links between the entries of an archive.
const maxLinks = 8

// tarFile gives random access to the files of a tar archive on disk. One that
// is compressed as a whole is decompressed into a temporary file first.
type tarFile struct {
	f       scratch.Handle
	entries map[string]tarEntry
	broken  error // why no more of it could be decompressed
}

type tarEntry struct {
	off, size int64
	link      string // the entry it links to, when not ""
}

// openTarFile reads the headers of an archive. Its error wraps ErrNotImage when
// the file is no archive at all.
func openTarFile(name string) (*tarFile, error) {
	info, err := os.Stat(name) // opening a named pipe would wait
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%q is not a regular file: %w", name, ErrNotImage)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	return readTarFile(name, f)
}

// readTarFile is openTarFile for a file that is open. It is closed with the archive.
func readTarFile(name string, f scratch.Handle) (*tarFile, error) {
	t := &tarFile{f: f}
	if err := t.inflate(name); err != nil {
		t.Close()
		return nil, err
	}
	if err := t.scan(name); err != nil {
		t.Close()
		return nil, err
	}
	return t, nil
}

// inflate replaces a compressed file by what is in it.
func (t *tarFile) inflate(name string) error {
	in := bufio.NewReaderSize(t.f, 1<<20)
	c, err := sniff(in)
	if err != nil {
		return fmt.Errorf("%q: %w", name, errors.Join(ErrNotImage, err))
	}
	if c == Uncompressed {
		_, err := t.f.Seek(0, io.SeekStart)
		return err
	}
	out, stop, err := decompress(c, in)
	if err != nil {
		return fmt.Errorf("decompressing %q: %w", name, err)
	}
	defer stop()
	// Is it an archive? What is none is not worth a temporary file.
	head := bufio.NewReaderSize(out, 1<<10)
	if b, _ := head.Peek(512); len(b) < 512 || (string(b[257:262]) != "ustar" && strings.Trim(string(b), "\x00") != "") {
		return fmt.Errorf("%q holds no tar archive: %w", name, ErrNotImage)
	}
	temp, err := scratch.New("", "stagescope-archive-*")
	if err != nil {
		return fmt.Errorf("decompressing %q: %w", name, err)
	}
	limit := Limits{}.withDefaults().Inflated
	n, err := io.Copy(temp, io.LimitReader(head, limit+1))
	if err == nil && n > limit {
		err = &LimitError{What: "bytes of the decompressed archive", Limit: limit}
	}
	if err == nil {
		_, err = temp.Seek(0, io.SeekStart)
	}
	t.f.Close()
	t.f = temp
	var pe *fs.PathError // of the copy: there is no room
	var limited *LimitError
	if err != nil && !errors.As(err, &pe) && !errors.As(err, &limited) {
		t.broken = fmt.Errorf("decompressing %q: %w", name, err)
		_, err = temp.Seek(0, io.SeekStart)
	}
	if err != nil {
		return fmt.Errorf("decompressing %q: %w", name, err)
	}
	return nil
}

// scan notes where the entries lie. An archive that cannot be read as an image's,
// and has shown nothing that makes it one, is an archive of something else.
func (t *tarFile) scan(name string) error {
	err := t.scanEntries(name)
	if t.broken != nil {
		err = t.broken
	}
	if err == nil || errors.Is(err, ErrNotImage) {
		return err
	}
	if t.marked() {
		return err
	}
	return fmt.Errorf("%w: %w", ErrNotImage, err)
}

// configName is what docker save calls a config.
var configName = regexp.MustCompile(`^[0-9a-f]{64}\.json$`)

// marked reports whether an archive holds what archives of images do: it is one then,
// though it may have been cut off before it says what it holds.
func (t *tarFile) marked() bool {
	for name := range t.entries {
		switch name {
		case "oci-layout", "index.json", "manifest.json", "repositories":
			return true
		}
		if strings.HasPrefix(name, "blobs/sha256/") || strings.HasSuffix(name, "/layer.tar") || configName.MatchString(name) {
			return true
		}
	}
	return false
}

func (t *tarFile) scanEntries(name string) error {
	t.entries = map[string]tarEntry{}
	info, err := t.f.Stat()
	if err != nil {
		return err
	}
	tr := tar.NewReader(t.f)
	for n := 0; ; n++ {
		h, err := tr.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil && n == 0 {
			return fmt.Errorf("%q is no tar archive: %w", name, ErrNotImage)
		}
		if err != nil {
			return fmt.Errorf("reading the archive %q: entry %d: %w", name, n+1, err)
		}
		if n == maxArchiveEntries {
			return &LimitError{What: fmt.Sprintf("entries of the archive %q", name), Limit: maxArchiveEntries}
		}
		key := path.Clean("/" + h.Name)[1:]
		e := tarEntry{size: h.Size}
		switch h.Typeflag {
		case tar.TypeReg:
			if e.off, err = t.f.Seek(0, io.SeekCurrent); err != nil {
				return err
			}
			if e.off+e.size > info.Size() {
				t.entries[key] = e // of what it is a part, its name may say
				return fmt.Errorf("reading the archive %q: %.200q is cut off: %w", name, key, io.ErrUnexpectedEOF)
			}
		case tar.TypeSymlink:
			e.link = path.Clean("/" + path.Join(path.Dir(key), h.Linkname))[1:]
		case tar.TypeLink:
			e.link = path.Clean("/" + h.Linkname)[1:]
		default:
			continue
		}
		if _, twice := t.entries[key]; twice && h.Typeflag == tar.TypeReg && key != "" {
			return fmt.Errorf("reading the archive %q: it holds %.200q twice", name, key)
		}
		t.entries[key] = e
	}
}

func (t *tarFile) has(name string) bool { _, ok := t.entries[name]; return ok }

func (t *tarFile) file(name string) (*io.SectionReader, error) {
	at := name
	for range maxLinks {
		e, ok := t.entries[at]
		if !ok {
			return nil, fmt.Errorf("%q in the archive: %w", name, ErrNotFound)
		}
		if e.link == "" {
			return io.NewSectionReader(t.f, e.off, e.size), nil
		}
		at = e.link
	}
	return nil, fmt.Errorf("%q in the archive is a link that leads nowhere", name)
}

func (t *tarFile) open(_ context.Context, d ocispec.Descriptor) (io.ReadCloser, error) {
	dg, err := chain.ParseDigest(string(d.Digest))
	if err != nil {
		return nil, err
	}
	r, err := t.file("blobs/sha256/" + dg.Hex())
	if err != nil {
		return nil, err
	}
	return io.NopCloser(r), nil
}

func (t *tarFile) Close() error {
	return t.f.Close()
}

// openArchive opens an image in a tar archive: a layout, or what docker save
// wrote. One that is both is read as a layout, which has the manifest.
func openArchive(ctx context.Context, r Reference, o Options) (*Image, error) {
	t, err := openTarFile(r.Path)
	if err != nil {
		return nil, err
	}
	img, err := fromArchive(ctx, t, r, o)
	if err != nil {
		t.Close()
		return nil, err
	}
	return img, nil
}

// OpenArchive opens the image in an archive that is open already, and is called name.
// The file is closed with the image, or when there is none.
func OpenArchive(ctx context.Context, f scratch.Handle, name string, o Options) (*Image, error) {
	o.Limits = o.Limits.withDefaults()
	t, err := readTarFile(name, f)
	if err != nil {
		return nil, fmt.Errorf("opening image %q: %w", name, err)
	}
	img, err := fromArchive(ctx, t, Reference{Kind: KindOCI, Text: name, Path: name}, o)
	if err != nil {
		t.Close()
		return nil, fmt.Errorf("opening image %q: %w", name, err)
	}
	return img, nil
}

func fromArchive(ctx context.Context, t *tarFile, r Reference, o Options) (*Image, error) {
	if t.has("index.json") {
		f, err := t.file("index.json")
		if err != nil {
			return nil, err
		}
		index, err := readAllLimited(f, "index.json", o.Limits.Manifest)
		if err != nil {
			return nil, err
		}
		return fromLayout(ctx, t, index, r, o)
	}
	if t.has("manifest.json") {
		return fromDockerArchive(t, r, o)
	}
	if t.marked() {
		return nil, fmt.Errorf("archive %q has the blobs or layers of an image, and neither index.json nor manifest.json", r.Path)
	}
	return nil, fmt.Errorf("archive %q has neither index.json nor manifest.json: %w", r.Path, ErrNotImage)
}
