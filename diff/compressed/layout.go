package compressed

import (
	"encoding/binary"
	"fmt"
	"io"
	"strings"

	"github.com/stagescope/stagescope/diff"
)

// layout says how a stream is cut, as far as its headers say it; "" when they
// cannot be read.
func layout(kind diff.Kind, in *diff.Input) string {
	switch kind {
	case KindXz:
		if s, err := readXz(in, in.Size); err == nil || len(s.blocks) > 0 {
			return s.String()
		}
	case KindZstd:
		return zstdLayout(in)
	case KindLz4:
		return lz4Layout(in)
	}
	return ""
}

// maxFrames bounds how many blocks of zstd are counted.
const maxFrames = 1 << 20

// zstdLayout counts frames and blocks (RFC 8878, 3.1.1), which lie one behind the
// other.
func zstdLayout(in *diff.Input) string {
	frames, blocks, raw, repeated := 0, 0, 0, 0
	first := ""
	for at := int64(0); at < in.Size; {
		if blocks > maxFrames || frames > maxFrames {
			return ""
		}
		var h [18]byte
		n, _ := in.ReadAt(h[:], at)
		if n < 9 {
			return ""
		}
		magic := binary.LittleEndian.Uint32(h[:])
		if magic>>4 == 0x184d2a5 {
			at += 8 + int64(binary.LittleEndian.Uint32(h[4:]))
			continue
		}
		if string(h[:4]) != zstdMagic {
			return ""
		}
		frames++
		size, text := zstdHeader(h[4:])
		if first == "" {
			first = text
		}
		for at += 4 + size; ; {
			if n, _ := in.ReadAt(h[:3], at); n < 3 || blocks > maxFrames {
				return ""
			}
			head := uint32(h[0]) | uint32(h[1])<<8 | uint32(h[2])<<16
			length := int64(head >> 3)
			switch head >> 1 & 3 {
			case 0:
				raw++
			case 1:
				repeated, length = repeated+1, 1
			}
			blocks++
			if at += 3 + length; head&1 != 0 {
				break
			}
		}
		if strings.Contains(text, "checksum") {
			at += 4
		}
	}
	return fmt.Sprintf("%s, %s (%d as they are, %d of one byte repeated); %s", count(frames, "frame"), count(blocks, "block"), raw, repeated, first)
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// zstdHeader gives a frame header's length after the magic number, and what it
// says.
func zstdHeader(h []byte) (int64, string) {
	d := h[0]
	n := int64(1)
	var says []string
	if d&0x20 == 0 {
		exponent, mantissa := uint(h[1]>>3), uint64(h[1]&7)
		base := uint64(1) << (10 + exponent)
		says = append(says, fmt.Sprintf("a window of %d bytes", base+base/8*mantissa))
		n++
	}
	if k := d & 3; k != 0 {
		n += int64(1) << (k - 1)
		says = append(says, "a dictionary")
	}
	size := [4]int64{0, 2, 4, 8}[d>>6]
	if d>>6 == 0 && d&0x20 != 0 {
		size = 1
	}
	if n += size; size > 0 {
		says = append(says, "the content's size")
	}
	if d&4 != 0 {
		says = append(says, "a checksum")
	}
	if len(says) == 0 {
		says = []string{"nothing said"}
	}
	return n, strings.Join(says, ", ")
}

// frameOfLz4 is what says how the blocks of a frame are to be read.
type frameOfLz4 struct {
	first  int64 // where the first block begins
	legacy bool
	sums   int64 // bytes after each block
}

// lz4Descriptor reads a frame's descriptor, and says what it says; nil when it is cut
// short.
func lz4Descriptor(in *diff.Input) (f frameOfLz4, says []string) {
	var h [7]byte
	if n, _ := in.ReadAt(h[:], 0); n < 7 {
		return f, nil
	}
	if f.first, f.legacy = 4, string(h[:4]) == lz4Legacy; f.legacy {
		return f, []string{"the older frame"}
	}
	flags := h[4]
	f.first = 7
	says = append(says, lz4BlockSize(h[5]))
	if flags&0x20 == 0 {
		says = append(says, "linked")
	}
	if flags&0x10 != 0 {
		f.sums = 4
		says = append(says, "block checksums")
	}
	if flags&8 != 0 {
		f.first += 8
		says = append(says, "the content's size")
	}
	if flags&1 != 0 {
		f.first += 4
	}
	if flags&4 != 0 {
		says = append(says, "a checksum")
	}
	return f, says
}

// lz4Layout says what a frame's descriptor says, and counts its blocks.
func lz4Layout(in *diff.Input) string {
	f, says := lz4Descriptor(in)
	if says == nil {
		return ""
	}
	var h [4]byte
	at := f.first
	blocks, raw := 0, 0
	for at+4 <= in.Size && blocks < maxFrames {
		if n, err := in.ReadAt(h[:], at); n < 4 || err != nil && err != io.EOF {
			return ""
		}
		v := binary.LittleEndian.Uint32(h[:])
		if v == 0 && !f.legacy {
			break
		}
		blocks++
		if v>>31 != 0 && !f.legacy {
			raw++
			v &= 1<<31 - 1
		}
		at += 4 + int64(v) + f.sums
	}
	says = append([]string{fmt.Sprintf("%s (%d as they are)", count(blocks, "block"), raw)}, says...)
	return strings.Join(says, ", ")
}

// lz4BlockSize says what a descriptor's second byte says.
func lz4BlockSize(b byte) string {
	if k := b >> 4 & 7; k >= 4 {
		return fmt.Sprintf("blocks of up to %d KiB", 64<<(2*(k-4)))
	}
	return "blocks of a size that is not defined"
}
