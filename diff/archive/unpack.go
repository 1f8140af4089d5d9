package archive

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"github.com/stagescope/stagescope/diff"
)

// The types of files in modes as Unix has them.
const (
	modeType   = 0o170000
	modeFIFO   = 0o010000
	modeChar   = 0o020000
	modeDir    = 0o040000
	modeBlock  = 0o060000
	modeFile   = 0o100000
	modeLink   = 0o120000
	maxTarLink = 1 << 16
)

var tarTypes = map[int64]byte{modeFIFO: tar.TypeFifo, modeChar: tar.TypeChar, modeDir: tar.TypeDir, modeBlock: tar.TypeBlock, modeFile: tar.TypeReg, modeLink: tar.TypeSymlink}

// put writes an entry with its content; a symlink's content is where it leads.
func put(ctx context.Context, w *tar.Writer, h *tar.Header, body io.Reader, size int64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	h.Format = tar.FormatPAX
	switch h.Typeflag {
	case tar.TypeReg:
		h.Size = size
	case tar.TypeSymlink:
		if body != nil {
			p, err := io.ReadAll(io.LimitReader(body, maxTarLink+1))
			if err != nil || len(p) > maxTarLink {
				return fmt.Errorf("where the link %q leads: %d bytes: %w", h.Name, len(p), err)
			}
			h.Linkname = string(p)
		}
		body = nil
	default:
		body = nil
	}
	if err := w.WriteHeader(h); err != nil {
		return fmt.Errorf("%q: %w", h.Name, err)
	}
	if body == nil {
		return nil
	}
	if n, err := io.Copy(w, body); err != nil {
		return fmt.Errorf("%q after %d bytes: %w", h.Name, n, err)
	}
	return nil
}

// innerDeb gives the archive of a package's files.
func innerDeb(ctx context.Context, _ *diff.Examiner, in *diff.Input) (*diff.Input, string, error) {
	s := &arStream{in: in, off: int64(len(arMagic)), deb: true}
	for {
		m, err := s.Next(ctx)
		if err != nil {
			return nil, "", bad("it has no archive of its files: %v", err)
		}
		if m.Name != "data.tar" || m.Within == nil {
			continue
		}
		r := *m.Within
		r.Len = min(r.Len, in.Size-r.Off)
		out := in.Section(r, m.Name)
		if out.Cut = in.Cut; s.short {
			out.Cut = fmt.Sprintf("its %d bytes begin at byte %d of the archive, which ends at byte %d", m.Within.Len, r.Off, in.Size)
		}
		return out, "of the package only the archive of its files is compared, and not control", nil
	}
}

// innerRpm gives the archive of a package's files.
func innerRpm(_ context.Context, _ *diff.Examiner, in *diff.Input) (*diff.Input, string, error) {
	f, err := openRpm(in)
	if err != nil {
		return nil, "", err
	}
	out := in.Section(diff.Range{Off: f.header.end, Len: in.Size - f.header.end}, "payload")
	out.Cut = in.Cut
	return out, "of the package only the archive of its files is compared, and neither header nor signature", nil
}

// unpackCpio writes the files of the first archive. Of files with several names the
// last has the content in newc, and each has it in odc.
func unpackCpio(ctx context.Context, x *diff.Examiner, in *diff.Input, w *tar.Writer) ([]string, error) {
	lacks := []string{"xattr"}
	s := &cpioStream{in: in}
	content := map[[3]int64]cpioContent{} // of files with several names, the first that was written
	waiting := map[[3]int64][]*tar.Header{}
	for i := 0; ; i++ {
		m, err := s.Next(ctx)
		if err == io.EOF {
			break
		}
		if err != nil {
			return lacks, err
		}
		if m.Meta {
			continue
		}
		if i > x.Limits().Members {
			return lacks, fmt.Errorf("%w: more than %d members (--max-members)", diff.ErrLimit, i)
		}
		h, n := cpioEntry(m.Name, s.last), s.last
		id := [3]int64{n["ino"], n["dev"] + n["dev major"]<<32, n["dev minor"]}
		if h.Typeflag != tar.TypeReg || n["nlink"] < 2 {
			if err := put(ctx, w, h, m.Body, m.Size); err != nil {
				return lacks, err
			}
			continue
		}
		if first, ok := content[id]; ok && (m.Size == 0 || equalAt(in, first.at, within(m))) {
			h.Typeflag, h.Linkname = tar.TypeLink, first.name
			if err := put(ctx, w, h, nil, 0); err != nil {
				return lacks, err
			}
			continue
		}
		if m.Size == 0 && int64(len(waiting[id])) < n["nlink"]-1 {
			waiting[id] = append(waiting[id], h)
			continue
		}
		if err := put(ctx, w, h, m.Body, m.Size); err != nil {
			return lacks, err
		}
		content[id] = cpioContent{h.Name, within(m)}
		for _, l := range waiting[id] {
			l.Typeflag, l.Linkname = tar.TypeLink, h.Name
			if err := put(ctx, w, l, nil, 0); err != nil {
				return lacks, err
			}
		}
		delete(waiting, id)
	}
	if len(waiting) > 0 {
		return lacks, bad("%d files with several names have no content", len(waiting))
	}
	if s.off < in.Size {
		return lacks, bad("more follows the archive at byte %d", s.off)
	}
	return lacks, nil
}

// cpioContent is a file with several names that was written under one.
type cpioContent struct {
	name string
	at   diff.Range
}

// within is where a member's content lies.
func within(m *diff.Member) diff.Range {
	if m.Within == nil {
		return diff.Range{}
	}
	return *m.Within
}

// equalAt compares two stretches of an input.
func equalAt(in *diff.Input, a, b diff.Range) bool {
	if a.Len != b.Len {
		return false
	}
	var pa, pb [32 << 10]byte
	for done := int64(0); done < a.Len; {
		k := min(int64(len(pa)), a.Len-done)
		na, _ := in.ReadAt(pa[:k], a.Off+done)
		nb, _ := in.ReadAt(pb[:k], b.Off+done)
		if int64(na) < k || int64(nb) < k || !bytes.Equal(pa[:k], pb[:k]) {
			return false
		}
		done += k
	}
	return true
}

func cpioEntry(name string, n map[string]int64) *tar.Header {
	h := &tar.Header{Name: name, Typeflag: tarTypes[n["mode"]&modeType], Mode: n["mode"] & 0o7777, Uid: int(n["uid"]), Gid: int(n["gid"]), ModTime: time.Unix(n["mtime"], 0)}
	if h.Typeflag == 0 {
		h.Typeflag = tar.TypeReg
	}
	h.Devmajor, h.Devminor = n["rdev major"], n["rdev minor"]
	if dev, ok := n["rdev"]; ok { // odc has both in one
		h.Devmajor, h.Devminor = dev>>8, dev&0xff
	}
	return h
}

// unpackZip writes the files of a zip archive. It has no place for owners, links or
// attributes; its times are of an unknown zone, and what is not from Unix has no modes.
func unpackZip(ctx context.Context, x *diff.Examiner, in *diff.Input, w *tar.Writer) ([]string, error) {
	return unpackZipAfter(ctx, x, in, w, 0)
}

func unpackZipAfter(ctx context.Context, x *diff.Examiner, in *diff.Input, w *tar.Writer, before int64) ([]string, error) {
	lacks := []string{"uid", "gid", "mtime", "hard link", "device", "xattr"}
	s, err := openZip(ctx, x, in, before)
	if err != nil {
		return lacks, err
	}
	unix := true
	for _, f := range s.files {
		unix = unix && f.ch[5] == 3 // made by: the upper byte is the system
	}
	if !unix {
		lacks = append(lacks, "mode")
	}
	for _, f := range s.files {
		mode := int64(binary.LittleEndian.Uint32(f.ch[38:]) >> 16)
		h := &tar.Header{Name: f.name, Typeflag: tar.TypeReg, Mode: mode & 0o7777}
		switch {
		case strings.HasSuffix(f.name, "/"):
			h.Typeflag = tar.TypeDir
		case unix && tarTypes[mode&modeType] != 0:
			h.Typeflag = tarTypes[mode&modeType]
		}
		if err := put(ctx, w, h, s.open(f), f.size); err != nil {
			return lacks, err
		}
	}
	return lacks, nil
}

// unpackSquashfs writes the files of an image. Which names are one file it says by
// numbers that are not read, and attributes are not carried over.
func unpackSquashfs(ctx context.Context, x *diff.Examiner, in *diff.Input, w *tar.Writer) ([]string, error) {
	lacks := []string{"hard link", "xattr"}
	s, err := openSquash(ctx, x, in)
	if err != nil {
		return lacks, err
	}
	for _, f := range s.files {
		typ, ok := squashTypes[f.kind]
		if !ok {
			return lacks, bad("%q is a %s, which is not unpacked", f.path, f.kind)
		}
		h := &tar.Header{Name: f.path, Typeflag: typ, Mode: int64(f.mode), Uid: int(f.uid), Gid: int(f.gid), ModTime: time.Unix(int64(f.mtime), 0), Linkname: f.link}
		if typ == tar.TypeChar || typ == tar.TypeBlock {
			h.Devmajor, h.Devminor = int64(f.rdev>>8&0xfff), int64(f.rdev&0xff|f.rdev>>12&0xfff00)
		}
		if h.Name = path.Clean(f.path); h.Name == "." {
			h.Name = "./"
		}
		var body io.Reader
		if f.regular {
			body = s.open(f)
		}
		if err := put(ctx, w, h, body, f.size); err != nil {
			return lacks, err
		}
	}
	return lacks, nil
}

var squashTypes = map[string]byte{"directory": tar.TypeDir, "file": tar.TypeReg, "symlink": tar.TypeSymlink, "block device": tar.TypeBlock, "character device": tar.TypeChar, "fifo": tar.TypeFifo}
