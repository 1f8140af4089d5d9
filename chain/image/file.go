package image

import (
	"archive/tar"
	"fmt"
	"strings"
	"time"

	"github.com/stagescope/stagescope/chain"
)

// FileType is the type of a file. The zero value is none. The numbers are part
// of the encoding behind the tree root T.
type FileType uint8

// The types of files.
const (
	TypeRegular FileType = 1
	TypeDir     FileType = 2
	TypeSymlink FileType = 3
	TypeChar    FileType = 4
	TypeBlock   FileType = 5
	TypeFIFO    FileType = 6
)

var typeNames = [...]string{"none", "file", "directory", "symlink", "char", "block", "fifo"}

func (t FileType) String() string {
	if int(t) < len(typeNames) {
		return typeNames[t]
	}
	return fmt.Sprintf("type %d", uint8(t))
}

// MarshalText writes the type's name, as JSON output carries it.
func (t FileType) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText is the inverse of MarshalText.
func (t *FileType) UnmarshalText(b []byte) error {
	for i, n := range typeNames {
		if n == string(b) {
			*t = FileType(i)
			return nil
		}
	}
	return fmt.Errorf("unknown type of file %q", b)
}

// File is one file of an effective file system. All text in it comes from the
// image.
type File struct {
	Path     string            `json:"path"` // slash separated, without a leading slash; "" is the root
	Type     FileType          `json:"type"`
	Mode     uint32            `json:"mode"` // the lower 12 bits; 0777 for a symlink
	UID      int64             `json:"uid"`
	GID      int64             `json:"gid"`
	Link     string            `json:"link,omitempty"`     // target of a symlink
	HardLink string            `json:"hardLink,omitempty"` // least path of its hard-link group; "" when it is alone
	Major    int64             `json:"major,omitempty"`    // of a device
	Minor    int64             `json:"minor,omitempty"`
	Xattrs   map[string][]byte `json:"xattrs,omitempty"` // by name; base64 in JSON
	Size     int64             `json:"size"`             // of a regular file
	Digest   chain.Digest      `json:"digest,omitempty"` // of its content; "" when it was not hashed
	ModTime  time.Time         `json:"modTime"`          // no part of the tree root
	Layer    int               `json:"layer"`            // 1-based layer that holds it; 0 for a directory that none holds
	Entry    int               `json:"-"`                // which entry of that layer, from 0
}

// FromHeader takes what a tar header says of a file. Its path is the entry's,
// cleaned; hard links and unknown types have type 0.
func FromHeader(h *tar.Header) File {
	f := File{
		Path: CleanPath(h.Name), Mode: uint32(h.Mode) & 0o7777, UID: int64(h.Uid), GID: int64(h.Gid), ModTime: h.ModTime,
	}
	switch h.Typeflag {
	case tar.TypeReg, '\x00', tar.TypeCont, tar.TypeGNUSparse:
		f.Type, f.Size = TypeRegular, h.Size
	case tar.TypeDir:
		f.Type = TypeDir
	case tar.TypeSymlink:
		f.Type, f.Link, f.Mode = TypeSymlink, h.Linkname, 0o777
	case tar.TypeChar:
		f.Type, f.Major, f.Minor = TypeChar, h.Devmajor, h.Devminor
	case tar.TypeBlock:
		f.Type, f.Major, f.Minor = TypeBlock, h.Devmajor, h.Devminor
	case tar.TypeFifo:
		f.Type = TypeFIFO
	}
	for k, v := range h.PAXRecords {
		if name, ok := strings.CutPrefix(k, "SCHILY.xattr."); ok {
			if f.Xattrs == nil {
				f.Xattrs = map[string][]byte{}
			}
			f.Xattrs[name] = []byte(v)
		}
	}
	return f
}

// CleanPath makes an entry's name relative to the root, without dots; it never
// leads out of the root.
func CleanPath(name string) string {
	parts := strings.Split(name, "/")
	out := parts[:0:0]
	for _, p := range parts {
		switch p {
		case "", ".":
		case "..":
			out = out[:max(0, len(out)-1)]
		default:
			out = append(out, p)
		}
	}
	return strings.Join(out, "/")
}
