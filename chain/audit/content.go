package audit

import (
	"bytes"
	"math"
	"unicode/utf8"
)

// Class ranks content by what it can hide.
type Class int

// The classes. The zero value is not looked at, and never "text".
const (
	NotLooked Class = iota
	Text            // a person can read it
	Encoded         // text that holds a long run of encoded data
	Data            // binary, but not of a format that is run or unpacked
	Archive         // packed: what is inside was not looked at by looking at it
	Code            // machine code, byte code or objects
)

var classNames = [...]string{"not looked at", "text", "encoded", "data", "archive", "code"}

func (c Class) String() string { return classNames[c] }

// MarshalText writes the class's name, as JSON output carries it.
func (c Class) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// Opaque reports content that a person cannot read as it is.
func (c Class) Opaque() bool { return c == Data || c == Archive || c == Code }

// Content is what the bytes of a file look like, whatever its name says.
type Content struct {
	Class   Class   `json:"class"`
	Format  string  `json:"format"`  // e.g. "ELF 32-bit", "gzip", "UTF-8 text", "data"
	Entropy float64 `json:"entropy"` // bits per byte, 0 to 8
}

// magics are formats that begin with fixed bytes, the longest first where one
// is the beginning of another.
var magics = []struct {
	at     int
	prefix string
	class  Class
	format string
}{
	{0, "\x7fELF\x01", Code, "ELF 32-bit"}, {0, "\x7fELF\x02", Code, "ELF 64-bit"}, {0, "\x7fELF", Code, "ELF"},
	{0, "\xfe\xed\xfa\xce", Code, "Mach-O"}, {0, "\xfe\xed\xfa\xcf", Code, "Mach-O"}, {0, "\xce\xfa\xed\xfe", Code, "Mach-O"},
	{0, "\xcf\xfa\xed\xfe", Code, "Mach-O"}, {0, "\xca\xfe\xba\xbe", Code, "Java class or universal Mach-O"},
	{0, "\x00asm", Code, "WebAssembly"}, {0, "\xde\xc0\x17\x0b", Code, "LLVM bitcode"}, {0, "BC\xc0\xde", Code, "LLVM bitcode"},
	{0, "dex\n", Code, "Dalvik"}, {0, "\x1bLua", Code, "Lua byte code"}, {0, "!<arch>\n", Code, "ar library"}, {0, "!<thin>\n", Code, "ar library"},
	{0, "GOOBJ", Code, "Go object"}, {0, "\x17\x03", Code, "Forth or Emacs byte code"},
	{0, "\x1f\x8b", Archive, "gzip"}, {0, "BZh", Archive, "bzip2"}, {0, "\xfd7zXZ\x00", Archive, "xz"}, {0, "\x5d\x00\x00", Archive, "lzma"},
	{0, "\x28\xb5\x2f\xfd", Archive, "zstd"}, {0, "\x04\x22\x4d\x18", Archive, "lz4"}, {0, "LZIP", Archive, "lzip"}, {0, "\x1f\x9d", Archive, "compress"},
	{0, "PK\x03\x04", Archive, "zip"}, {0, "PK\x05\x06", Archive, "zip"}, {0, "7z\xbc\xaf\x27\x1c", Archive, "7-Zip"}, {0, "Rar!", Archive, "rar"},
	{257, "ustar", Archive, "tar"}, {0, "070701", Archive, "cpio"}, {0, "070707", Archive, "cpio"}, {0, "\xed\xab\xee\xdb", Archive, "rpm"},
	{0, "hsqs", Archive, "squashfs"}, {0, "MSCF", Archive, "cabinet"}, {0x8001, "CD001", Archive, "ISO 9660"},
	{0, "\x89PNG\r\n\x1a\n", Data, "PNG"}, {0, "\xff\xd8\xff", Data, "JPEG"}, {0, "GIF8", Data, "GIF"}, {0, "%PDF-", Data, "PDF"}, {0, "\x00\x00\x01\x00", Data, "icon"},
	{0, "\xde\x12\x04\x95", Data, "message catalogue"}, {0, "\x95\x04\x12\xde", Data, "message catalogue"}, {0, "SQLite format 3\x00", Data, "SQLite"},
	{0, "\x00\x01\x00\x00\x00", Data, "font"}, {0, "OTTO", Data, "font"}, {0, "wOFF", Data, "font"}, {0, "wOF2", Data, "font"}, {0, "\x30\x82", Data, "DER"},
	{0, "RIFF", Data, "RIFF"}, {0, "OggS", Data, "Ogg"}, {0, "fLaC", Data, "FLAC"}, {0, "ID3", Data, "MP3"},
}

// A run of encoded digits is longer than any that people write: a digest, a key
// or a long identifier stays below, as does a list of digests.
const (
	longWord  = 600 // characters of base64 or hex without a break
	wideLine  = 60  // characters of a line that holds nothing else
	manyLines = 12  // such lines in a row
)

// encoded reports a long run of base64 or hex digits, on one line or on many.
func encoded(b []byte) bool {
	word, lines := 0, 0
	for line := range bytes.Lines(b) {
		line = bytes.TrimRight(line, "\r\n")
		pure := true
		word = 0
		for _, c := range line {
			if !digit(c) {
				pure, word = pure && c == '=', 0
				continue
			}
			if word++; word >= longWord {
				return true
			}
		}
		if !pure || len(line) < wideLine {
			lines = 0
		} else if lines++; lines >= manyLines {
			return true
		}
	}
	return false
}

// digit reports the characters of base64, its variant for URLs and hex.
func digit(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '+' || c == '/' || c == '-' || c == '_'
}

// Look classifies bytes. Of a long file the first part is enough for formats;
// whether it is text is then known of that part only.
func Look(b []byte) Content {
	c := Content{Entropy: entropy(b)}
	for _, m := range magics {
		if len(b) >= m.at+len(m.prefix) && string(b[m.at:m.at+len(m.prefix)]) == m.prefix {
			c.Class, c.Format = m.class, m.format
			return c
		}
	}
	if portableExecutable(b) {
		c.Class, c.Format = Code, "PE"
		return c
	}
	switch {
	case len(b) == 0:
		c.Class, c.Format = Text, "empty"
	case bytes.HasPrefix(b, []byte("\xff\xfe")) || bytes.HasPrefix(b, []byte("\xfe\xff")):
		c.Class, c.Format = Data, "UTF-16"
	default:
		c.Class, c.Format = readable(b)
	}
	if c.Class == Text && (encoded(b) || bytes.Contains(b, []byte("\nGIT binary patch\n"))) {
		c.Class, c.Format = Encoded, c.Format+" with encoded data"
	}
	return c
}

// portableExecutable follows the pointer that an MZ header holds.
func portableExecutable(b []byte) bool {
	if len(b) < 0x40 || b[0] != 'M' || b[1] != 'Z' {
		return false
	}
	at := int(b[0x3c]) | int(b[0x3d])<<8 | int(b[0x3e])<<16
	return at+4 <= len(b) && string(b[at:at+4]) == "PE\x00\x00"
}

// readable tells text from data. Old patches are in an 8-bit encoding: bytes
// above 0x7f are text as long as they are few.
func readable(b []byte) (Class, string) {
	control, high := 0, 0
	for _, c := range b {
		switch {
		case c == '\n' || c == '\r' || c == '\t' || c == '\f' || c == 0x1b || c == '\b':
		case c < 0x20 || c == 0x7f:
			control++
		case c >= 0x80:
			high++
		}
	}
	valid := utf8.Valid(b)
	if !valid && len(b) > utf8.UTFMax { // a cut may split the last character
		for n := 1; n < utf8.UTFMax && !valid; n++ {
			valid = utf8.Valid(b[:len(b)-n])
		}
	}
	switch {
	case bytes.IndexByte(b, 0) >= 0 || control > len(b)/100:
		return Data, "data"
	case valid && high == 0:
		return Text, "ASCII text"
	case valid:
		return Text, "UTF-8 text"
	case high < len(b)*3/10:
		return Text, "8-bit text"
	}
	return Data, "data"
}

// entropy is Shannon's, in bits per byte.
func entropy(b []byte) float64 {
	if len(b) == 0 {
		return 0
	}
	var n [256]int
	for _, c := range b {
		n[c]++
	}
	var h float64
	for _, k := range n {
		if k > 0 {
			p := float64(k) / float64(len(b))
			h -= p * math.Log2(p)
		}
	}
	return math.Round(h*1000) / 1000
}
