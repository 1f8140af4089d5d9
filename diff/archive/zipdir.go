package archive

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/stagescope/stagescope/diff"
)

// directory finds the central directory, which lies right before the end record.
func (s *zipStream) directory() (diff.Range, error) {
	tail := make([]byte, min(s.in.Size, 22+65535))
	off := s.in.Size - int64(len(tail))
	if _, err := s.in.ReadAt(tail, off); err != nil && err != io.EOF {
		return diff.Range{}, err
	}
	for i := len(tail) - 22; i >= 0; i-- {
		e := tail[i:]
		if string(e[:4]) != "PK\x05\x06" || int(binary.LittleEndian.Uint16(e[20:])) != len(e)-22 {
			continue
		}
		le := binary.LittleEndian
		d := diff.Range{Off: int64(le.Uint32(e[16:])), Len: int64(le.Uint32(e[12:]))}
		wd, count, is64, err := s.directory64(off + int64(i))
		switch {
		case err != nil:
			return d, err
		case is64:
			if d.Off != wide && d.Off != wd.Off || d.Len != wide && d.Len != wd.Len {
				return d, bad("the two end records place the directory differently")
			}
			d, s.count = wd, count
		case s.before > 0 && d.Off+d.Len == off+int64(i)+s.before:
			s.base = s.before
			d.Off -= s.base
		case d.Off+d.Len != off+int64(i):
			return d, bad("the central directory does not lie before the end record")
		}
		if d.Len > maxDirectory {
			return d, fmt.Errorf("%w: a central directory of %d bytes", diff.ErrLimit, d.Len)
		}
		s.rest = e
		return d, nil
	}
	return diff.Range{}, bad("it has no end record")
}

// file reads one central header and its local one.
func (s *zipStream) file(cd []byte, end int64) (*zipFile, int, error) {
	le := binary.LittleEndian
	if len(cd) < 46 || string(cd[:4]) != "PK\x01\x02" {
		return nil, 0, bad("a central header")
	}
	nameLen := int(le.Uint16(cd[28:]))
	n := 46 + nameLen + int(le.Uint16(cd[30:])) + int(le.Uint16(cd[32:]))
	if n > len(cd) {
		return nil, 0, bad("a central header of %d bytes", n)
	}
	f := &zipFile{ch: cd[:n], name: string(cd[46 : 46+nameLen]), method: le.Uint16(cd[10:]), crc: le.Uint32(cd[16:]), size: int64(le.Uint32(cd[24:]))}
	f.local.Off, f.data.Len = int64(le.Uint32(cd[42:])), int64(le.Uint32(cd[20:]))
	if err := f.widen(cd[46+nameLen : 46+nameLen+int(le.Uint16(cd[30:]))]); err != nil {
		return nil, 0, err
	}
	if f.local.Off -= s.base; f.local.Off < 0 {
		return nil, 0, bad("%q lies before the archive", f.name)
	}
	if flags := le.Uint16(cd[8:]); flags&0x2041 != 0 || f.method != 0 && f.method != 8 {
		return nil, 0, bad("%q is encrypted or has method %d", f.name, f.method)
	}
	var h [30]byte
	if f.local.Off > end-30 {
		return nil, 0, bad("%q lies at byte %d", f.name, f.local.Off)
	}
	if _, err := s.in.ReadAt(h[:], f.local.Off); err != nil {
		return nil, 0, err
	}
	f.local.Len = 30 + int64(le.Uint16(h[26:])) + int64(le.Uint16(h[28:]))
	f.data.Off = f.local.Off + f.local.Len
	if string(h[:4]) != "PK\x03\x04" || f.data.Off > end || f.data.Len > end-f.data.Off {
		return nil, 0, bad("the local header of %q", f.name)
	}
	f.lh = make([]byte, f.local.Len)
	if _, err := s.in.ReadAt(f.lh, f.local.Off); err != nil {
		return nil, 0, err
	}
	isWide := f.localWide()
	f.descriptor.Off = f.data.Off + f.data.Len
	if le.Uint16(h[6:])&8 != 0 {
		var d [4]byte
		if _, err := s.in.ReadAt(d[:], f.descriptor.Off); err != nil {
			return nil, 0, err
		}
		if f.descriptor.Len = 12; string(d[:]) == "PK\x07\x08" {
			f.descriptor.Len = 16
		}
		if isWide {
			f.descriptor.Len += 8
		}
		if f.descriptor.Off+f.descriptor.Len > end {
			return nil, 0, bad("the data descriptor of %q", f.name)
		}
	}
	return f, n, nil
}
