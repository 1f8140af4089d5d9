package archive

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/stagescope/stagescope/diff"
)

// rpmTag is an entry of a header that is to be written.
type rpmTag struct {
	tag, kind, count uint32
	value            []byte
}

func text(tag uint32, s string) rpmTag {
	return rpmTag{tag, rpmString, 1, append([]byte(s), 0)}
}

func numbers(tag uint32, ns ...uint32) rpmTag {
	t := rpmTag{tag: tag, kind: 4, count: uint32(len(ns))}
	for _, n := range ns {
		t.value = binary.BigEndian.AppendUint32(t.value, n)
	}
	return t
}

// rpmHeaderOf writes a header whose values follow one another.
func rpmHeaderOf(tags ...rpmTag) []byte {
	var index, store []byte
	be := binary.BigEndian
	for _, t := range tags {
		for t.kind == 4 && len(store)%4 != 0 {
			store = append(store, 0)
		}
		for _, w := range []uint32{t.tag, t.kind, uint32(len(store)), t.count} {
			index = be.AppendUint32(index, w)
		}
		store = append(store, t.value...)
	}
	out := append([]byte(rpmHeader), 0, 0, 0, 0)
	out = be.AppendUint32(be.AppendUint32(out, uint32(len(tags))), uint32(len(store)))
	return append(append(out, index...), store...)
}

// rpmWith writes a package whose signature has the header's checksum and more.
func rpmWith(more []rpmTag, tags ...rpmTag) []byte {
	h := rpmHeaderOf(tags...)
	sig := rpmHeaderOf(append([]rpmTag{text(273, fmt.Sprintf("%x", sha256.Sum256(h)))}, more...)...)
	out := append([]byte(rpmMagic), make([]byte, rpmLead-4)...)
	for out = append(out, sig...); len(out)%8 != 0; {
		out = append(out, 0)
	}
	return append(append(out, h...), "payload"...)
}

// TestBorrowedRpmCause changes a package beside a time that differs, which must not
// account for both.
func TestBorrowedRpmCause(t *testing.T) {
	long := make([]byte, 300)
	for i := range long {
		long[i] = 'a'
	}
	for what, c := range map[string][2][]byte{
		"a checksum that does not fit beside one that does": {rpmWith([]rpmTag{text(273, "one")}, numbers(1006, 1)), rpmWith([]rpmTag{text(273, "two")}, numbers(1006, 2))},
		"a long one":                  {rpmWith([]rpmTag{text(273, string(long))}, numbers(1006, 1)), rpmWith([]rpmTag{text(273, string(long)+"b")}, numbers(1006, 2))},
		"files that become one":       {rpmWith(nil, numbers(1006, 1), numbers(1096, 1, 2, 3)), rpmWith(nil, numbers(1006, 2), numbers(1096, 7, 7, 3))},
		"files that are one":          {rpmWith(nil, numbers(1006, 1), numbers(1096, 1, 1, 3)), rpmWith(nil, numbers(1006, 2), numbers(1096, 7, 8, 3))},
		"devices that become one":     {rpmWith(nil, numbers(1006, 1), numbers(1095, 1, 2, 3)), rpmWith(nil, numbers(1006, 2), numbers(1095, 7, 7, 3))},
		"how many nothings there are": {rpmWith(nil, numbers(1006, 1), rpmTag{tag: 1100, count: 1}), rpmWith(nil, numbers(1006, 2), rpmTag{tag: 1100, count: 9})},
	} {
		if n := classified(t, c[0], c[1]); n.Kind != KindRpm || n.Status != diff.Differs || n.Residue == diff.ResidueNone {
			t.Errorf("%s: %s, %s\n%s", what, n.Status, n.Residue, sketch(n))
		}
	}
	if n := classified(t, rpmWith(nil, numbers(1006, 1), numbers(1096, 1, 1, 3)), rpmWith(nil, numbers(1006, 2), numbers(1096, 7, 7, 4))); n.Residue != diff.ResidueNone {
		t.Errorf("other numbers of inodes: %s\n%s", n.Residue, sketch(n))
	}
}
