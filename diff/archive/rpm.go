package archive

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/stagescope/stagescope/diff"
)

// KindRpm is a package of rpm: a lead, a signature header, a header, a payload.
const KindRpm diff.Kind = "rpm"

const (
	rpmMagic    = "\xed\xab\xee\xdb"
	rpmLead     = 96
	rpmHeader   = "\x8e\xad\xe8\x01"
	rpmEntry    = 16
	maxRpmTags  = 1 << 16
	maxRpmStore = 256 << 20
)

func init() {
	diff.Register(diff.Format{Kind: KindRpm, Match: func(in *diff.Input) bool { return in.HasPrefix(rpmMagic) }, Compare: compareRpm, Inner: innerRpm})
}

// The types of values that have no fixed size.
const (
	rpmString  = 6
	rpmStrings = 8
	rpmI18n    = 9
)

// rpmSizes are the sizes of one value of the other types.
var rpmSizes = map[uint32]int64{0: 0, 1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1}

// rpmValue is a tag's entry, and where its value lies in the file.
type rpmValue struct {
	tag, kind, count uint32
	at               diff.Range
}

// rpmIndex is a header: its index and the store with the values.
type rpmIndex struct {
	name         string
	intro, index diff.Range
	end          int64
	values       []rpmValue
	packed       bool // the places follow from types, counts and lengths
	apart        bool // no byte belongs to two values
}

// What is added to a header's name when both sides' are packed, or apart.
const (
	packed = " is packed"
	apart  = " is apart"
)

// rpmFile is what a package is taken apart into.
type rpmFile struct {
	in          *diff.Input
	sig, header *rpmIndex
	fits        map[string]bool // tags of the signature that were checked
}

func compareRpm(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input) error {
	var files [2]*rpmFile
	for i, in := range []*diff.Input{a, b} {
		f, err := openRpm(in)
		if err == nil {
			err = f.check(ctx)
		}
		if err != nil {
			return fmt.Errorf("side %c: %w", 'A'+i, err)
		}
		files[i] = f
	}
	fits := map[string]bool{}
	for k := range files[0].fits {
		fits[k] = files[0].fits[k] && files[1].fits[k]
	}
	for _, h := range [][2]*rpmIndex{{files[0].sig, files[1].sig}, {files[0].header, files[1].header}} {
		fits[h[0].name+packed], fits[h[0].name+apart] = h[0].packed && h[1].packed, h[0].apart && h[1].apart
	}
	pa, pb := files[0].parts(fits), files[1].parts(fits)
	if fits[files[0].sig.name+packed] && fits[files[0].header.name+packed] {
		return pairParts(ctx, x, n, a, b, pa, pb)
	}
	return x.Parts(ctx, n, a, b, pa, pb)
}

// pairParts compares parts of one name, several in their order. What lies between
// them has been seen to be the zeros that their sizes ask for.
func pairParts(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input, pa, pb []diff.Part) error {
	other := map[string][]*diff.Part{}
	for i := range pb {
		other[pb[i].Name] = append(other[pb[i].Name], &pb[i])
	}
	for i := range pa {
		var q *diff.Part
		if l := other[pa[i].Name]; len(l) > 0 {
			q, other[pa[i].Name] = l[0], l[1:]
		}
		if err := x.Part(ctx, n, a, b, &pa[i], q); err != nil {
			return err
		}
	}
	for i := range pb {
		if l := other[pb[i].Name]; len(l) > 0 && l[0] == &pb[i] {
			other[pb[i].Name] = l[1:]
			if err := x.Part(ctx, n, a, b, nil, &pb[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

func openRpm(in *diff.Input) (*rpmFile, error) {
	f := &rpmFile{in: in}
	var err error
	if f.sig, err = readRpmIndex(in, "signature", rpmLead); err != nil {
		return nil, err
	}
	f.header, err = readRpmIndex(in, "header", up(f.sig.end, 8))
	return f, err
}

// readRpmIndex reads a header that begins at a byte.
func readRpmIndex(in *diff.Input, name string, at int64) (*rpmIndex, error) {
	var intro [16]byte
	if n, _ := in.ReadAt(intro[:], at); n < len(intro) || string(intro[:4]) != rpmHeader {
		return nil, bad("no %s header at byte %d", name, at)
	}
	count, size := binary.BigEndian.Uint32(intro[8:]), int64(binary.BigEndian.Uint32(intro[12:]))
	if count > maxRpmTags || size > maxRpmStore {
		return nil, bad("the %s header has %d tags and %d bytes", name, count, size)
	}
	h := &rpmIndex{name: name, intro: diff.Range{Off: at, Len: 16}, index: diff.Range{Off: at + 16, Len: rpmEntry * int64(count)}}
	store := h.index.Off + h.index.Len
	if h.end = store + size; h.end > in.Size {
		return nil, bad("the %s header ends at byte %d of %d", name, h.end, in.Size)
	}
	p := make([]byte, h.end-h.index.Off)
	if n, err := in.ReadAt(p, h.index.Off); n < len(p) {
		return nil, fmt.Errorf("reading the %s header: %w", name, err)
	}
	entries, data := p[:h.index.Len], p[h.index.Len:]
	for i := range int(count) {
		e := entries[i*rpmEntry:]
		v := rpmValue{tag: binary.BigEndian.Uint32(e), kind: binary.BigEndian.Uint32(e[4:]), count: binary.BigEndian.Uint32(e[12:])}
		off := int64(binary.BigEndian.Uint32(e[8:]))
		n, err := rpmLength(data, off, v.kind, v.count)
		if err != nil {
			return nil, fmt.Errorf("tag %d of the %s header: %w", v.tag, name, err)
		}
		v.at = diff.Range{Off: store + off, Len: n}
		h.values = append(h.values, v)
	}
	h.packed, h.apart = h.isPacked(store, data), h.areApart()
	if end := up(h.end, 8); name == "signature" && end <= in.Size {
		pad := make([]byte, end-h.end)
		if n, err := in.ReadAt(pad, h.end); n < len(pad) {
			return nil, fmt.Errorf("reading after the signature: %w", err)
		}
		h.packed = h.packed && zeros(pad)
	}
	return h, nil
}

// rpmLength is how long a value is.
func rpmLength(data []byte, off int64, kind, count uint32) (int64, error) {
	if off > int64(len(data)) {
		return 0, bad("its value lies at byte %d of %d", off, len(data))
	}
	rest := data[off:]
	switch kind {
	case rpmString, rpmStrings, rpmI18n:
		n := int64(0)
		for range count {
			i := bytes.IndexByte(rest[n:], 0)
			if i < 0 {
				return 0, bad("a string that does not end")
			}
			n += int64(i) + 1
		}
		return n, nil
	}
	size, ok := rpmSizes[kind]
	if n := size * int64(count); ok && n <= int64(len(rest)) {
		return n, nil
	}
	return 0, bad("%d values of type %d in %d bytes", count, kind, len(rest))
}

func zeros(p []byte) bool { return len(bytes.Trim(p, "\x00")) == 0 }

// isPacked reports whether the values follow one another, with zeros between
// them as their sizes ask for, but for that of the region, which lies at the end.
func (h *rpmIndex) isPacked(store int64, data []byte) bool {
	at, end := store, store
	vs := h.values
	region := len(vs) > 0 && (vs[0].tag == 62 || vs[0].tag == 63)
	if region {
		vs = append(append([]rpmValue(nil), vs[1:]...), vs[0])
	}
	for _, v := range vs {
		if align := rpmSizes[v.kind]; align > 1 {
			at = store + up(at-store, align)
		}
		if v.at.Off != at || !zeros(data[end-store:at-store]) {
			return false
		}
		at += v.at.Len
		end = at
	}
	return at == h.end
}

// areApart reports whether no two values share a byte, so that a value which may
// differ for a cause is nothing else as well.
func (h *rpmIndex) areApart() bool {
	vs := slices.Clone(h.values)
	slices.SortFunc(vs, func(a, b rpmValue) int { return cmp.Compare(a.at.Off, b.at.Off) })
	var end int64
	for _, v := range vs {
		if v.at.Len == 0 {
			continue
		}
		if v.at.Off < end {
			return false
		}
		end = v.at.Off + v.at.Len
	}
	return true
}

// parts are the package's parts. fits says which tags were checked on both
// sides.
func (f *rpmFile) parts(fits map[string]bool) []diff.Part {
	out := []diff.Part{{Name: "lead", Kind: diff.KindBinary, Range: diff.Range{Len: rpmLead}}}
	for _, h := range []*rpmIndex{f.sig, f.header} {
		out = append(out, diff.Part{Name: h.name + ": introduction", Kind: diff.KindBinary, Range: h.intro, Compare: sizesOf(fits[h.name+packed])},
			diff.Part{Name: h.name + ": index", Kind: diff.KindBinary, Range: h.index, Compare: placesOf(fits[h.name+packed])})
		names := rpmTags
		if h == f.sig {
			names = rpmSigTags
		}
		for _, v := range h.values {
			tag := names[v.tag]
			if tag == "" {
				tag = fmt.Sprintf("tag %d", v.tag)
			}
			tag = h.name + ": " + tag
			p := diff.Part{Name: tag, Kind: diff.KindBinary, Range: v.at}
			if fits[h.name+apart] {
				p.Compare = rpmStated(tag, fits)
			}
			if v.kind == rpmString || v.kind == rpmStrings || v.kind == rpmI18n {
				if p.Kind = diff.KindValue; p.Compare == nil {
					p.Compare = asText
				}
			}
			out = append(out, p)
		}
	}
	return append(out, diff.Part{Name: "payload", Range: diff.Range{Off: f.header.end, Len: f.in.Size - f.header.end}})
}

// sizesOf compares the introduction, which ends with the number of tags and the
// store's size. They follow from the values when both sides are packed.
func sizesOf(packed bool) compareFunc {
	return followed("number and length of the values", func(a, b []byte) bool { return packed && bytes.Equal(a[:8], b[:8]) })
}

// placesOf compares the index. Where a value lies and how long it is follows
// from the values when both sides are packed and have the same tags.
func placesOf(packed bool) compareFunc {
	return followed("places and counts of the values", func(a, b []byte) bool {
		for i := 0; i+rpmEntry <= len(a); i += rpmEntry {
			if !bytes.Equal(a[i:i+8], b[i:i+8]) {
				return false
			}
			// How many there are of what has no bytes, no value says.
			if binary.BigEndian.Uint32(a[i+4:]) == 0 && !bytes.Equal(a[i+12:i+16], b[i+12:i+16]) {
				return false
			}
		}
		return packed
	})
}

// followed compares two pieces of one length; ok says of what differs whether it
// follows from the values.
func followed(name string, ok func(a, b []byte) bool) compareFunc {
	return func(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input) error {
		if err := x.Binary(ctx, n, a, b); err != nil || a.Size != b.Size {
			return err
		}
		var p [2][]byte
		for i, in := range []*diff.Input{a, b} {
			p[i] = make([]byte, in.Size)
			if k, err := in.ReadAt(p[i], 0); k < len(p[i]) {
				return err
			}
		}
		if !ok(p[0], p[1]) {
			return nil
		}
		n.Reasons = append(n.Reasons, diff.Reason{Field: name, A: "as in A", B: "as in B", Cause: &diff.Cause{ID: "D5h", Name: name, Confidence: diff.Derived,
			Evidence: "the values follow one another, and were compared one by one"}})
		n.UnexplainedA, n.UnexplainedB = nil, nil
		return nil
	}
}
