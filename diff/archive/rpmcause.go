package archive

import (
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"io"
	"strings"
	"time"

	"github.com/stagescope/stagescope/diff"
)

// rpmStated gives the comparison of a tag whose meaning is known; nil when
// nothing is known of it.
func rpmStated(tag string, fits map[string]bool) compareFunc {
	proved := func(id, name, fix string, show func([]byte) string) compareFunc {
		return stated(strings.TrimPrefix(tag, "header: "), diff.Cause{ID: id, Name: name, Confidence: diff.Proved, Evidence: "all other tags are compared one by one", Fix: fix}, show)
	}
	switch tag {
	case "header: BUILDTIME":
		return ofLength(4, 4, proved("D1b", "time of the build", "%use_source_date_epoch_as_buildtime", epochs))
	case "header: BUILDHOST":
		return proved("D2c", "host of the build", "%_buildhost", words)
	case "header: COOKIE":
		return proved("D2c", "host and time of the build", "%_buildhost, %use_source_date_epoch_as_buildtime", words)
	case "header: FILEMTIMES":
		return ofLength(0, 0, proved("B1", "modification times of the files", "%clamp_mtime_to_source_date_epoch", epochs))
	case "header: FILEINODES", "header: FILEDEVICES": // FILERDEVS say what a device leads to
		return alikeGrouped(ofLength(0, 0, proved("B7", "inode or device numbers", "", nil)))
	case "signature: RSA", "signature: DSA", "signature: GPG", "signature: PGP", "signature: OPENPGP":
		return stated(tag, diff.Cause{ID: "D5i", Name: "signature of the package", Confidence: diff.Likely, Evidence: "it lies where a signature does; whether it is valid was not checked", Fix: "sign outside the build"}, nil)
	}
	if fits[tag] {
		return stated(tag, diff.Cause{ID: "D5h", Name: "checksum or size of the rest", Confidence: diff.Derived, Evidence: "it was checked against the rest of the package, on both sides"}, digest)
	}
	return nil
}

// ofLength compares a value as it is meant to be when both sides' are of one
// length, and as bytes otherwise: where a value ends is what the index says, and
// that follows from the values. Lengths of 0 may be any.
func ofLength(least, most int64, compare compareFunc) compareFunc {
	return func(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input) error {
		if a.Size != b.Size || a.Size < least || most > 0 && a.Size > most {
			return x.Binary(ctx, n, a, b)
		}
		return compare(ctx, x, n, a, b)
	}
}

// alikeGrouped compares numbers of four bytes as they are meant to be when those that
// are equal on one side are equal on the other, and as bytes otherwise: files of one
// device and inode are one file to who unpacks them, and nothing else is in the number.
func alikeGrouped(compare compareFunc) compareFunc {
	return func(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input) error {
		p, q := make([]byte, a.Size), make([]byte, b.Size)
		for _, r := range []struct {
			in *diff.Input
			p  []byte
		}{{a, p}, {b, q}} {
			if k, err := r.in.ReadAt(r.p, 0); k < len(r.p) {
				return fmt.Errorf("reading %q: %w", r.in.Name, err)
			}
		}
		if len(p) != len(q) || len(p)%4 != 0 {
			return x.Binary(ctx, n, a, b)
		}
		there, back := map[string]string{}, map[string]string{}
		for ; len(p) > 0; p, q = p[4:], q[4:] {
			v, w := string(p[:4]), string(q[:4])
			if u, ok := there[v]; ok && u != w {
				return x.Binary(ctx, n, a, b)
			}
			if u, ok := back[w]; ok && u != v {
				return x.Binary(ctx, n, a, b)
			}
			there[v], back[w] = w, v
		}
		return compare(ctx, x, n, a, b)
	}
}

// digest shows a checksum, which some tags have as text and some as bytes.
func digest(p []byte) string {
	if s := words(p); len(s) > 16 && strings.Trim(s, "0123456789abcdef") == "" {
		return s
	}
	return fmt.Sprintf("%x", p)
}

func words(p []byte) string { return strings.TrimRight(string(p), "\x00") }

// epochs shows counts of seconds since 1970.
func epochs(p []byte) string {
	var out []string
	for ; len(p) >= 4; p = p[4:] {
		if len(out) == 3 {
			out = append(out, "…")
			break
		}
		out = append(out, time.Unix(int64(binary.BigEndian.Uint32(p)), 0).UTC().Format(time.RFC3339))
	}
	return strings.Join(out, ", ")
}

// check finds the checksums and sizes that fit what they are of, so that they
// follow from it. Of several of one tag all have to.
func (f *rpmFile) check(ctx context.Context) error {
	f.fits = map[string]bool{}
	header := diff.Range{Off: f.header.intro.Off, Len: f.header.end - f.header.intro.Off}
	payload := diff.Range{Off: f.header.end, Len: f.in.Size - f.header.end}
	rest := diff.Range{Off: header.Off, Len: f.in.Size - header.Off}
	for _, s := range []struct {
		h    *rpmIndex
		tag  uint32
		of   diff.Range
		hash func() hash.Hash
		hex  bool
	}{
		{f.sig, 269, header, sha1.New, true}, {f.sig, 273, header, sha256.New, true}, {f.sig, 1004, rest, md5.New, false}, {f.header, 5092, payload, sha256.New, true},
	} {
		names := rpmTags
		if s.h == f.sig {
			names = rpmSigTags
		}
		for _, v := range s.h.values {
			if v.tag != s.tag {
				continue
			}
			h := s.hash()
			if err := hashRange(ctx, f.in, s.of, h); err != nil {
				return err
			}
			want := string(h.Sum(nil))
			if s.hex {
				want = fmt.Sprintf("%x\x00", want)
			}
			f.fit(s.h.name+": "+names[s.tag], v.at.Len == int64(len(want)) && f.value(v) == want)
		}
	}
	for _, v := range f.sig.values {
		name, p := "signature: "+rpmSigTags[v.tag], f.value(v)
		switch v.tag {
		case 1000:
			f.fit(name, len(p) == 4 && int64(binary.BigEndian.Uint32([]byte(p))) == rest.Len)
		case 270:
			f.fit(name, len(p) == 8 && binary.BigEndian.Uint64([]byte(p)) == uint64(rest.Len))
		}
	}
	return nil
}

// fit notes whether a value of a tag fits, beside those before it.
func (f *rpmFile) fit(tag string, fits bool) {
	if before, ok := f.fits[tag]; ok {
		fits = fits && before
	}
	f.fits[tag] = fits
}

// value is the beginning of a tag's value.
func (f *rpmFile) value(v rpmValue) string {
	p := make([]byte, min(v.at.Len, 256))
	if n, _ := f.in.ReadAt(p, v.at.Off); n < len(p) {
		return ""
	}
	return string(p)
}

func hashRange(ctx context.Context, in *diff.Input, r diff.Range, h hash.Hash) error {
	buf := make([]byte, 128<<10)
	src := io.NewSectionReader(in, r.Off, r.Len)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := src.Read(buf)
		h.Write(buf[:n])
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
