package diff

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"unicode/utf16"
)

// KindUTF16 is text in UTF-16 that begins with a byte order mark.
const KindUTF16 Kind = "text in UTF-16"

func init() {
	Register(Format{Kind: KindUTF16, Match: func(in *Input) bool { return in.HasPrefix("\xff\xfe") || in.HasPrefix("\xfe\xff") }, Compare: compareUTF16})
}

// maxUTF16 bounds in bytes the text that is written anew as UTF-8 in memory.
const maxUTF16 = 32 << 20

// compareUTF16 compares both sides as UTF-8. A side that is not exactly what its
// text and byte order make again is compared as bytes.
func compareUTF16(ctx context.Context, x *Examiner, n *Node, a, b *Input) error {
	var plain [2]*Input
	for i, in := range []*Input{a, b} {
		if in.Size > min(x.limit.Text, maxUTF16) || in.Size%2 == 1 {
			return fmt.Errorf("%w: %d bytes", ErrFormat, in.Size)
		}
		p, err := readAll(in)
		if err != nil {
			return err
		}
		s, ok := fromUTF16(p)
		if !ok {
			return fmt.Errorf("%w: side %c has half of a surrogate pair", ErrFormat, 'A'+i)
		}
		if plain[i], err = x.Keep(ctx, in.Name, bytes.NewReader(s)); err != nil {
			return err
		}
	}
	if oa, ob := byteOrder(a.Head()), byteOrder(b.Head()); oa != ob {
		n.Reasons = append(n.Reasons, Reason{Field: "byte order", A: oa.String(), B: ob.String(),
			Cause: &Cause{ID: "D3g", Name: "byte order of the text", Confidence: Proved, Evidence: "writing the text again in each order gives exactly these bytes", Fix: "write one encoding"}})
	}
	c, err := x.Pair(ctx, "", a.Name, plain[0], plain[1])
	if err != nil {
		return err
	}
	if c.Status == Same {
		n.Equal++
		return nil
	}
	n.Children = append(n.Children, c)
	return nil
}

func byteOrder(p []byte) binary.ByteOrder {
	if len(p) > 1 && p[0] == 0xfe {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// fromUTF16 gives the text without its mark, and whether it says all of p.
func fromUTF16(p []byte) ([]byte, bool) {
	o := byteOrder(p)
	units := make([]uint16, 0, len(p)/2)
	for i := 2; i+1 < len(p); i += 2 {
		units = append(units, o.Uint16(p[i:]))
	}
	s := string(utf16.Decode(units))
	again := utf16.Encode([]rune(s))
	if len(again) != len(units) {
		return nil, false
	}
	for i := range again {
		if again[i] != units[i] {
			return nil, false
		}
	}
	return []byte(s), true
}
