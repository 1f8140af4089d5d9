package archive

import (
	"bytes"
	"compress/flate"
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"strconv"
	"strings"
	"time"

	"archive/zip"

	"github.com/stagescope/stagescope/diff/internal/mutate"
)

// cutAt cuts a content where a mark begins.
func cutAt(p []byte, mark string) (out [][]byte) {
	for {
		i := bytes.Index(p[min(1, len(p)):], []byte(mark))
		if i < 0 {
			return append(out, p)
		}
		out, p = append(out, p[:i+1]), p[i+1:]
	}
}

func cpioPieces(magic string) func(p []byte) [][]byte {
	return func(p []byte) [][]byte { return cutAt(p, magic) }
}

// arPieces are the magic string and the members.
func arPieces(p []byte) [][]byte {
	out := [][]byte{p[:len(arMagic)]}
	for p = p[len(arMagic):]; len(p) >= arHeader; {
		size, _ := strconv.Atoi(strings.TrimSpace(string(p[48:58])))
		n := min(arHeader+size+size%2, len(p))
		out, p = append(out, p[:n]), p[n:]
	}
	return out
}

func gzipPieces(p []byte) [][]byte { return cutAt(p, "\x1f\x8b\x08\x00") }

func zipPieces(p []byte) (out [][]byte) {
	for _, local := range cutAt(p, "PK\x03\x04") {
		for _, central := range cutAt(local, "PK\x01\x02") {
			out = append(out, cutAt(central, "PK\x05\x06")...)
		}
	}
	return out
}

// rpmPieces are the lead, the two headers and the payload.
func rpmPieces(p []byte) (out [][]byte) {
	out = cutAt(p, rpmHeader)
	last := out[len(out)-1]
	at := bytes.LastIndex(last, []byte("payload"))
	return append(out[:len(out)-1], last[:at], last[at:])
}

// orOrder is harmless also where the same members, which begin at a byte, come in
// another order.
func orOrder(first int, harmless func(c mutate.Change) bool) func(c mutate.Change) bool {
	return func(c mutate.Change) bool { return c.Kind == "exchange" && c.Off >= first || harmless(c) }
}

// mendCpio writes the checksums of the crc form anew.
func mendCpio(p []byte) []byte {
	s := &cpioStream{in: inputOf(p)}
	for {
		at := s.off
		if _, err := s.Next(context.Background()); err != nil || s.ended {
			return p
		}
		if body := s.order[len(s.order)-1]; string(p[at:at+6]) == "070702" {
			copy(p[at+102:at+110], fmt.Sprintf("%08X", s.sum(body)))
		}
	}
}

// mendZip writes the CRC and the size of each member's content anew, in the
// directory and before or behind the content.
func mendZip(p []byte) []byte {
	le := binary.LittleEndian
	end := bytes.LastIndex(p, []byte("PK\x05\x06"))
	if end < 0 || len(p) < end+22 {
		return nil
	}
	for at := int(le.Uint32(p[end+16:])); at >= 0 && at+46 <= end && string(p[at:at+4]) == "PK\x01\x02"; {
		ch := p[at:]
		at += 46 + int(le.Uint16(ch[28:])) + int(le.Uint16(ch[30:])) + int(le.Uint16(ch[32:]))
		l := int(le.Uint32(ch[42:]))
		if l < 0 || l+30 > end {
			return nil
		}
		data := l + 30 + int(le.Uint16(p[l+26:])) + int(le.Uint16(p[l+28:]))
		behind := data + int(le.Uint32(ch[20:]))
		if data > behind || behind+16 > end {
			return nil
		}
		body := p[data:behind]
		if le.Uint16(ch[10:]) == 8 {
			var err error
			if body, err = io.ReadAll(flate.NewReader(bytes.NewReader(body))); err != nil {
				return nil
			}
		}
		sum := crc32.ChecksumIEEE(body)
		places := [][]byte{ch[16:], p[l+14:]}
		if le.Uint16(p[l+6:])&8 != 0 {
			places[1] = p[behind+4:]
		}
		for _, q := range places {
			le.PutUint32(q, sum)
			le.PutUint32(q[8:], uint32(len(body)))
		}
	}
	return p
}

// mendRpm writes the checksums of the signature header anew.
func mendRpm(p []byte) []byte {
	f, err := openRpm(inputOf(p))
	if err != nil {
		return nil
	}
	header, rest := p[f.header.intro.Off:f.header.end], p[f.header.intro.Off:]
	for _, v := range f.sig.values {
		to := p[v.at.Off : v.at.Off+v.at.Len]
		switch v.tag {
		case 269:
			copy(to, fmt.Sprintf("%x", sha1.Sum(header)))
		case 273:
			copy(to, fmt.Sprintf("%x", sha256.Sum256(header)))
		case 1004:
			m := md5.Sum(rest)
			copy(to, m[:])
		case 1000:
			copy(to, binary.BigEndian.AppendUint32(nil, uint32(len(rest))))
		}
	}
	return p
}

// debOf is a package that was made at a time.
func debOf(at uint32) []byte {
	stamp := fmt.Sprint(at)
	return ar(file{"debian-binary", "2.0\n", stamp}, file{"control.tar.gz", string(stamped(tarred("./control", "Package: x\nVersion: 1\n"), at)), stamp},
		file{"data.tar.gz", string(stamped(tarred("./usr/bin/x", "#!/bin/sh\necho x\n"), at)), stamp})
}

// apkOf is a package whose members were compressed at a time.
func apkOf(at uint32) (out []byte) {
	for _, p := range [][]byte{tarred(".SIGN.RSA.key", "signature"), tarred(".PKGINFO", "pkgname = x\n"), tarred("usr/bin/x", "#!/bin/sh\necho x\n")} {
		out = append(out, stamped(p, at)...)
	}
	return out
}

// jar is an archive of Java with a manifest.
func jar(at int64, main string) []byte {
	return zipOf(at, "META-INF/MANIFEST.MF", "Manifest-Version: 1.0\r\nMain-Class: "+main+"\r\n\r\n", "One.class", classMagic+"\x00\x00\x00\x34 no real one", "conf.properties", "a=1\n")
}

const classMagic = "\xca\xfe\xba\xbe"

// wheel is a package of Python with the list of its files.
func wheel(at int64) []byte {
	code := "print('x')\n"
	sum := sha256.Sum256([]byte(code))
	return zipOf(at, "x/__init__.py", code, "x-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: x\nVersion: 1\n",
		"x-1.dist-info/RECORD", fmt.Sprintf("x/__init__.py,sha256=%s,%d\nx-1.dist-info/RECORD,,\n", base64.RawURLEncoding.EncodeToString(sum[:]), len(code)))
}

// zipOf compresses files, given as names and contents.
func zipOf(at int64, files ...string) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i+1 < len(files); i += 2 {
		e, err := w.CreateHeader(&zip.FileHeader{Name: files[i], Method: zip.Deflate, Modified: time.Unix(at, 0)})
		if err != nil {
			panic(err)
		}
		io.WriteString(e, files[i+1])
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// gzipHeaders reports a change of what gzip headers say of the time, and of how
// what follows was compressed.
func gzipHeaders(c mutate.Change) bool {
	return everywhere(c, func(p []byte, i int) bool {
		at := bytes.LastIndex(p[:i], []byte("\x1f\x8b\x08\x00"))
		return at >= 0 && i-at >= 4 && i-at <= 9
	})
}

// debHeaders reports that as well, and a change of a member's time, owner or mode.
func debHeaders(c mutate.Change) bool {
	return everywhere(c, func(p []byte, i int) bool {
		at, end := bytes.LastIndex(p[:i], []byte("\x1f\x8b\x08\x00")), bytes.Index(p[i:], []byte("`\n"))
		return at >= 0 && i-at >= 4 && i-at <= 9 || end > 10 && end <= 42
	})
}

// everywhere reports whether all bytes that differ are harmless, and none was put in
// or taken out.
func everywhere(c mutate.Change, harmless func(p []byte, i int) bool) bool {
	if len(c.Old) != len(c.New) {
		return false
	}
	for i := range c.Old {
		if c.Old[i] != c.New[i] && !harmless(c.Old, i) {
			return false
		}
	}
	return true
}
