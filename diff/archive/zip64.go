package archive

import (
	"bytes"
	"encoding/binary"

	"github.com/stagescope/stagescope/diff"
)

// Zip64 (APPNOTE 4.3.14, 4.3.15 and 4.5.3): a field of all ones stands for a
// number of eight bytes elsewhere.
const (
	zip64End     = 56 // an end record with no data of its own behind it
	zip64Locator = 20
	zip64Extra   = 0x0001
	wide         = 1<<32 - 1
)

// directory64 reads the end record of zip64 whose locator lies right before the
// usual one, which begins at a place. There is none when ok is false. The numbers
// are checked by who reads the directory, and are taken out of the record.
func (s *zipStream) directory64(end int64) (d diff.Range, count uint64, ok bool, err error) {
	le := binary.LittleEndian
	loc := make([]byte, zip64Locator)
	if end < zip64Locator+zip64End {
		return d, 0, false, nil
	}
	if n, _ := s.in.ReadAt(loc, end-zip64Locator); n < len(loc) || string(loc[:4]) != "PK\x06\x07" {
		return d, 0, false, nil
	}
	at := int64(le.Uint64(loc[8:]))
	size := end - zip64Locator - at
	if at < 0 || size < zip64End || size > maxGap {
		return d, 0, false, bad("the end record of zip64 at byte %d", at)
	}
	rec := make([]byte, size)
	if n, err := s.in.ReadAt(rec, at); n < len(rec) {
		return d, 0, false, err
	}
	if string(rec[:4]) != "PK\x06\x06" || le.Uint64(rec[4:]) != uint64(size-12) || le.Uint64(rec[24:]) != le.Uint64(rec[32:]) {
		return d, 0, false, bad("the end record of zip64 at byte %d", at)
	}
	d = diff.Range{Off: int64(le.Uint64(rec[48:])), Len: int64(le.Uint64(rec[40:]))}
	if d.Off < 0 || d.Len < 0 || d.Off > at || d.Len != at-d.Off {
		return d, 0, false, bad("the central directory does not lie before the end record of zip64")
	}
	count = le.Uint64(rec[32:])
	clear(rec[24:56])
	clear(loc[8:16])
	s.rest64 = append(rec, loc...)
	return d, count, true, nil
}

// extraOf finds an extra field's content; nil when there is none.
func extraOf(p []byte, id uint16) []byte {
	for len(p) >= 4 {
		n := 4 + int(binary.LittleEndian.Uint16(p[2:]))
		if n > len(p) {
			return nil
		}
		if binary.LittleEndian.Uint16(p) == id {
			return p[4:n]
		}
		p = p[n:]
	}
	return nil
}

// widen reads what a central header's fields of all ones stand for, and takes it
// out of the header: sizes and offset are fields of their own.
func (f *zipFile) widen(extra []byte) error {
	p := extraOf(extra, zip64Extra)
	for _, v := range []*int64{&f.size, &f.data.Len, &f.local.Off} {
		if *v != wide || p == nil {
			continue
		}
		if len(p) < 8 {
			return bad("the zip64 field of %q has too few numbers", f.name)
		}
		if *v = int64(binary.LittleEndian.Uint64(p)); *v < 0 {
			return bad("%q has %d bytes", f.name, *v)
		}
		clear(p[:8])
		p = p[8:]
	}
	return nil
}

// localWide reports whether a local header has its sizes in eight bytes each, and
// takes them out when they are those of the directory, or zero before a
// descriptor that is.
func (f *zipFile) localWide() bool {
	le := binary.LittleEndian
	p := extraOf(f.lh[30+int(le.Uint16(f.lh[26:])):], zip64Extra)
	if len(p) < 16 {
		return false
	}
	size, packed := int64(le.Uint64(p)), int64(le.Uint64(p[8:]))
	if size == f.size && packed == f.data.Len && bytes.Equal(f.lh[14:26], append(le.AppendUint32(nil, f.crc), bytes.Repeat([]byte{0xff}, 8)...)) {
		clear(p[:16])
		copy(f.lh[14:26], f.sums()) // as a header would have them that is not wide
	}
	return true
}

// wideSums are the CRC and sizes as a descriptor of zip64 has them.
func (f *zipFile) wideSums() []byte {
	p := binary.LittleEndian.AppendUint32(nil, f.crc)
	p = binary.LittleEndian.AppendUint64(p, uint64(f.data.Len))
	return binary.LittleEndian.AppendUint64(p, uint64(f.size))
}
