package diff

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// headerField is where a property lies in a header block, and its cause.
type headerField struct {
	at   [][2]int // half-open byte ranges of the block
	pax  string   // name of the record that may stand for it
	rule string
	name string
	fix  string
}

// The fields of a ustar header block.
var headerFields = map[string]headerField{
	"name":   {at: [][2]int{{0, 100}, {345, 500}}, pax: "path"},
	"mode":   {at: [][2]int{{100, 108}}, rule: "B4", name: "mode or umask", fix: "set the mode explicitly (install -m, COPY --chmod) or fix the umask"},
	"uid":    {at: [][2]int{{108, 116}}, pax: "uid", rule: "B3", name: "owner", fix: "set a numeric owner"},
	"gid":    {at: [][2]int{{116, 124}}, pax: "gid", rule: "B3", name: "owner", fix: "set a numeric owner"},
	"user":   {at: [][2]int{{265, 297}}, pax: "uname", rule: "B3", name: "owner", fix: "write numeric owners only"},
	"group":  {at: [][2]int{{297, 329}}, pax: "gname", rule: "B3", name: "owner", fix: "write numeric owners only"},
	"mtime":  {at: [][2]int{{136, 148}}, pax: "mtime", rule: "B1", name: "modification time", fix: "SOURCE_DATE_EPOCH with rewrite-timestamp=true"},
	"atime":  {at: [][2]int{{345, 357}}, pax: "atime", rule: "B1", name: "access time", fix: "do not record access times"},
	"ctime":  {at: [][2]int{{357, 369}}, pax: "ctime", rule: "B1", name: "change time", fix: "do not record change times"},
	"type":   {at: [][2]int{{156, 157}}, rule: "B6", name: "kind of entry"},
	"link":   {at: [][2]int{{157, 257}}, pax: "linkpath"},
	"device": {at: [][2]int{{329, 345}}, rule: "B7", name: "device numbers"},
	"format": {at: [][2]int{{257, 265}}, rule: "B5", name: "header format"},
}

// numbers are the fields that hold numbers.
var numbers = []string{"mode", "uid", "gid", "mtime", "device"}

// explainHeader gives the reasons of a tar entry their causes. They are proved
// when the headers are equal once just these properties are taken out of both;
// otherwise what else differs becomes a reason of its own.
func explainHeader(rawA, rawB []byte, rs []Reason) []Reason {
	left := map[string]bool{"size": sizesOnly(rawA, rawB)}
	for _, r := range rs {
		left[r.Field] = true
	}
	if left["format"] {
		// Formats write numbers in ways of their own. Those that mean something
		// else have a reason; the others are equal, and only their spelling is not.
		for _, f := range numbers {
			left[f] = true
		}
	}
	a, errA := without(rawA, left)
	b, errB := without(rawB, left)
	proved := errA == nil && errB == nil && bytes.Equal(a, b)
	if !proved && globalRecords(rawA) && globalRecords(rawB) {
		// What such a block says of itself is no entry's: git archive writes the time
		// of the commit.
		left["mtime"] = true
		a, errA = without(rawA, left)
		b, errB = without(rawB, left)
		if proved = errA == nil && errB == nil && bytes.Equal(a, b); proved {
			ta, tb := ownTime(rawA), ownTime(rawB)
			rs = append(rs, Reason{Field: "mtime", A: ta, B: tb})
		}
	}
	for i := range rs {
		f, known := headerFields[rs[i].Field]
		switch {
		case rs[i].Field == "xattr "+capabilityXattr:
			f, known = headerField{rule: "D7a", name: "capabilities changed"}, true
		case rs[i].Field == "PAX record comment" && commit.MatchString(rs[i].A) && commit.MatchString(rs[i].B) && globalRecords(rawA) && globalRecords(rawB):
			f, known = headerField{rule: "D5f", name: "commit of the archive", fix: "archive one commit"}, true
		case strings.HasPrefix(rs[i].Field, "xattr "), strings.HasPrefix(rs[i].Field, "PAX record "):
			f, known = headerField{rule: "B5", name: "extended attributes or records", fix: "strip extended attributes"}, true
		case rs[i].Field == "type" && rs[i].A != hardLinkType && rs[i].B != hardLinkType:
			continue // what it was is gone, and nothing explains that
		case rs[i].Field == "mode" && risky(rs[i]):
			f.rule, f.name, f.fix = "D7a", "a set-id or sticky bit changed", ""
		}
		if !known || f.rule == "" {
			continue
		}
		c := Cause{ID: f.rule, Name: f.name, Confidence: Likely, Fix: f.fix}
		if proved && f.rule != "D7a" {
			c.Confidence = Proved
			c.Evidence = "the headers are equal without it"
		}
		rs[i].Cause = oneCopy(c)
	}
	if !proved {
		if errA == nil && errB == nil && len(a) == len(b) {
			rs = append(rs, rawReason(a, b))
		} else {
			rs = append(rs, Reason{Field: "encoding of the header", A: fmt.Sprintf("%d bytes", len(rawA)), B: fmt.Sprintf("%d bytes", len(rawB))})
		}
	}
	return rs
}

// commit is what git archive writes into the comment of an archive: the commit's
// hash, SHA-1 or SHA-256.
var commit = regexp.MustCompile(`^(?:[0-9a-f]{40}|[0-9a-f]{64})$`)

// globalRecords reports whether blocks are records for all entries that follow, and
// nothing else.
func globalRecords(raw []byte) bool {
	if len(raw) < 512 || raw[156] != tar.TypeXGlobalHeader {
		return false
	}
	n, err := blockSizeOf(raw[:512])
	raw = raw[512:]
	return err == nil && n <= int64(len(raw)) && len(bytes.Trim(raw[n:], "\x00")) == 0
}

// ownTime is the time that a block of records says of itself.
func ownTime(raw []byte) string {
	n, err := strconv.ParseInt(strings.Trim(text(raw[136:148]), " "), 8, 64)
	if err != nil {
		return fmt.Sprintf("%q", raw[136:148])
	}
	return stamp(time.Unix(n, 0))
}

// sizesOnly reports whether the sizes that two headers state differ, and each is
// stated in one way: then they follow from the contents. A reader that does not
// know the PAX record, or that skips bytes after an entry that has none, would
// find other entries in the archive.
func sizesOnly(rawA, rawB []byte) bool {
	a, okA := statedSize(rawA)
	b, okB := statedSize(rawB)
	return okA && okB && a != b
}

// maxOctal is what eleven octal digits hold; larger sizes are in a PAX record.
const maxOctal = 1<<33 - 1

// statedSize is the size of an entry's content, -1 of a hard link, which shares
// another's; false when it is stated in two ways that disagree, or of an entry
// that has no content.
func statedSize(raw []byte) (int64, bool) {
	pax := int64(-1)
	for len(raw) >= 512 {
		block := raw[:512]
		raw = raw[512:]
		switch block[156] {
		case tar.TypeXHeader, tar.TypeXGlobalHeader, 'L', 'K':
			n, err := blockSizeOf(block)
			if err != nil || n > int64(len(raw)) {
				return 0, false
			}
			if block[156] == tar.TypeXHeader {
				if v, ok := recordOf(raw[:n], "size"); ok {
					if pax, err = strconv.ParseInt(v, 10, 64); err != nil {
						return 0, false
					}
				}
			}
			raw = raw[min((n+511)&^511, int64(len(raw))):]
		case tar.TypeReg, '\x00', tar.TypeCont, tar.TypeGNUSparse:
			if block[124]&0x80 != 0 { // base 256
				n := int64(binary.BigEndian.Uint64(block[128:136]))
				return n, pax < 0 || pax == n
			}
			n, err := strconv.ParseInt("0"+strings.Trim(string(block[124:136]), " \x00"), 8, 64)
			if err != nil || pax >= 0 && pax != n && (n != 0 || pax <= maxOctal) {
				return 0, false
			}
			return max(pax, n), true
		case tar.TypeLink:
			n, err := strconv.ParseInt("0"+strings.Trim(string(block[124:136]), " \x00"), 8, 64)
			return -1, err == nil && n == 0 && pax < 0
		default:
			return 0, false
		}
	}
	return 0, false
}

// recordOf gives the value of a PAX record.
func recordOf(p []byte, key string) (value string, ok bool) {
	for len(p) > 0 {
		n, text, err := oneRecord(p)
		if err != nil {
			return "", false
		}
		if k, v, _ := strings.Cut(text, "="); k == key {
			value, ok = strings.TrimSuffix(v, "\n"), true
		}
		p = p[n:]
	}
	return value, ok
}

// oneRecord gives a record's length and its key and value.
func oneRecord(p []byte) (int, string, error) {
	sp := bytes.IndexByte(p, ' ')
	if sp < 1 || sp > 10 {
		return 0, "", fmt.Errorf("a record's length: %w", tar.ErrHeader)
	}
	n, err := strconv.Atoi(string(p[:sp]))
	if err != nil || n <= sp+1 || n > len(p) {
		return 0, "", fmt.Errorf("a record's length: %w", tar.ErrHeader)
	}
	return n, string(p[sp+1 : n]), nil
}

// causes holds each cause of a header's field once: there are few of them, and
// tens of thousands of entries that have them.
var causes sync.Map // Cause to *Cause

// oneCopy gives the one copy of a cause, which nobody may change.
func oneCopy(c Cause) *Cause {
	if p, ok := causes.Load(c); ok {
		return p.(*Cause)
	}
	p, _ := causes.LoadOrStore(c, &c)
	return p.(*Cause)
}

// without writes a header's blocks with some properties taken out: their fields
// and the checksum blanked, their records removed.
func without(raw []byte, left map[string]bool) ([]byte, error) {
	var out []byte
	for len(raw) >= 512 {
		block := bytes.Clone(raw[:512])
		raw = raw[512:]
		blank(block, 148, 156)
		switch block[156] {
		case tar.TypeXHeader, tar.TypeXGlobalHeader:
			n, err := blockSizeOf(block)
			padded := (n + 511) &^ 511
			if err == nil && n <= int64(len(raw)) {
				padded = min(padded, int64(len(raw))) // the padding of the last one may be the next entry's
			}
			if err != nil || padded > int64(len(raw)) {
				return nil, fmt.Errorf("a record block of %d bytes: %w", n, tar.ErrHeader)
			}
			recs, err := records(raw[:n], left)
			if err != nil {
				return nil, err
			}
			blank(block, 124, 136) // its size follows from the records
			blankFields(block, left)
			tail := bytes.TrimRight(raw[n:padded], "\x00")
			raw = raw[padded:]
			if len(recs) == 0 && len(tail) == 0 && usual(block) {
				continue
			}
			out = append(append(append(out, block...), recs...), tail...)
		case 'L', 'K':
			n, err := blockSizeOf(block)
			padded := (n + 511) &^ 511
			if err != nil || padded > int64(len(raw)) {
				return nil, fmt.Errorf("a name block of %d bytes: %w", n, tar.ErrHeader)
			}
			out = append(out, block...)
			out = append(out, raw[:padded]...)
			raw = raw[padded:]
		default:
			blankFields(block, left)
			out = append(out, block...)
		}
	}
	return append(out, raw...), nil
}

// usual reports whether the header of a record block says nothing but what any
// such header does, so that it may go with its last record.
func usual(block []byte) bool {
	b := bytes.Clone(block)
	if name := text(b[:100]); !strings.Contains(name, "PaxHeader") || strings.ContainsFunc(name, func(r rune) bool { return r < 0x20 }) {
		return false
	}
	for _, at := range numericFields {
		if !numeric(b[at[0]:at[1]]) {
			return false
		}
	}
	for _, r := range [][2]int{{0, 136}, {136, 148}, {148, 157}, {257, 265}, {329, 345}} {
		blank(b, r[0], r[1])
	}
	return len(bytes.Trim(b, "\x00")) == 0
}

func blank(b []byte, from, to int) { clear(b[from:to]) }

// numericFields are where a header block has numbers.
var numericFields = [][2]int{{100, 108}, {108, 116}, {116, 124}, {124, 136}, {136, 148}}

// numeric reports whether a field holds a number and nothing beside it: what
// stands after the byte that ends it, no reader looks at.
func numeric(p []byte) bool {
	if len(p) > 0 && p[0]&0x80 != 0 {
		return true // base 256
	}
	return len(bytes.Trim(bytes.TrimLeft(bytes.TrimLeft(p, " "), "01234567"), " \x00")) == 0
}

// text is what a field holds up to the zero that ends it.
func text(p []byte) string {
	if i := bytes.IndexByte(p, 0); i >= 0 {
		p = p[:i]
	}
	return string(p)
}

// blankField blanks what a property is written in, and leaves what only stands
// beside it.
func blankField(name string, p []byte) {
	switch name {
	case "mode", "uid", "gid", "mtime", "atime", "ctime", "size":
		if numeric(p) {
			clear(p)
		}
	case "name", "user", "group", "link":
		clear(p[:len(text(p))])
	default:
		clear(p)
	}
}

func blankFields(block []byte, left map[string]bool) {
	for name, f := range headerFields {
		// The old GNU format keeps times where others keep a name's prefix.
		if !left[name] || (name == "atime" || name == "ctime") && string(block[257:265]) != "ustar  \x00" {
			continue
		}
		for _, r := range f.at {
			blankField(name, block[r[0]:r[1]])
		}
	}
	if left["size"] {
		blankField("size", block[124:136])
	}
}

// blockSizeOf reads the size of a block that carries records or a name.
func blockSizeOf(block []byte) (int64, error) {
	n, err := strconv.ParseInt(strings.Trim(string(block[124:136]), " \x00"), 8, 64)
	if err != nil || n < 0 || n > maxRaw {
		return 0, fmt.Errorf("the size %q: %w", block[124:136], tar.ErrHeader)
	}
	return n, nil
}

// records writes the records of a PAX block that are not taken out.
func records(p []byte, left map[string]bool) ([]byte, error) {
	var out []byte
	seen := map[string]bool{}
	for len(p) > 0 {
		n, text, err := oneRecord(p)
		if err != nil {
			return nil, err
		}
		// A key that stands there twice means what its reader makes of it.
		key, _, _ := strings.Cut(text, "=")
		if !left[fieldOfRecord(key)] || seen[key] {
			out = append(out, p[:n]...)
		}
		seen[key] = true
		p = p[n:]
	}
	return out, nil
}

// fieldOfRecord is the property that a PAX record stands for.
func fieldOfRecord(key string) string {
	for name, f := range headerFields {
		if f.pax == key && key != "" {
			return name
		}
	}
	if key == "size" {
		return "size"
	}
	if attr, ok := strings.CutPrefix(key, xattrPrefix); ok {
		return "xattr " + attr
	}
	return "PAX record " + key
}
