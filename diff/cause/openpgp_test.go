package cause

import (
	"bytes"
	"encoding/asn1"
	"testing"
)

// TestSigned reads signatures as RFC 9580 and RFC 5652 have them, and nothing that is
// longer, shorter or of another kind.
func TestSigned(t *testing.T) {
	number := func(n int) []byte {
		return append([]byte{byte(n * 8 >> 8), byte(n * 8)}, bytes.Repeat([]byte{0xff}, n)...)
	}
	areas, left := []byte{0, 6, 5, 2, 1, 2, 3, 4, 0, 10, 9, 16, 1, 2, 3, 4, 5, 6, 7, 8}, []byte{0xab, 0xcd}
	wide := bytes.Join([][]byte{{0, 0, 0, 6, 5, 2, 1, 2, 3, 4, 0, 0, 0, 0}, left, {4, 1, 2, 3, 4}, bytes.Repeat([]byte{7}, 64)}, nil)
	old := func(body []byte) []byte { return append([]byte{0x89, byte(len(body) >> 8), byte(len(body))}, body...) }
	signature := func(version, algorithm byte, parts ...[]byte) []byte {
		return append([]byte{version, 0, algorithm, 8}, bytes.Join(parts, nil)...)
	}
	rsa := signature(4, 1, areas, left, number(256))
	cms, err := asn1.Marshal(struct {
		Type    asn1.ObjectIdentifier
		Content struct{ Version int } `asn1:"explicit,tag:0"`
	}{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}, struct{ Version int }{1}})
	if err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		p    []byte
		want bool
	}{
		"RSA":                    {old(rsa), true},
		"two":                    {append(old(rsa), old(rsa)...), true},
		"ECDSA":                  {old(signature(4, 19, areas, left, number(32), number(31))), true},
		"Ed25519 of version 6":   {append([]byte{0xc2, byte(len(wide) + 4)}, signature(6, 27, wide)...), true},
		"version 3":              {old(append([]byte{3, 5, 0, 1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 7, 8, 17, 8, 0xab, 0xcd}, append(number(20), number(20)...)...)), true},
		"CMS":                    {cms, true},
		"nothing":                {nil, false},
		"a byte more":            {append(old(rsa), 0), false},
		"a byte more in it":      {old(append(rsa, 0)), false},
		"a byte less":            {old(rsa[:len(rsa)-1]), false},
		"a literal":              {append(old(rsa), 0xcb, 1, 'x'), false},
		"a key":                  {append([]byte{0x99, 0, 3}, 4, 0, 1), false},
		"an unknown algorithm":   {old(signature(4, 99, areas, left, number(256))), false},
		"a subpacket too long":   {old(signature(4, 1, []byte{0, 2, 5, 2, 0, 0}, left, number(256))), false},
		"a length without end":   {append([]byte{0x8b}, rsa...), false},
		"CMS with a byte more":   {append(bytes.Clone(cms), 0), false},
		"a sequence":             {[]byte{0x30, 3, 2, 1, 1}, false},
		"half of the header":     {[]byte{0x89, 1}, false},
		"parts":                  {[]byte{0xc2, 0xe0, 4}, false},
		"two numbers where one":  {old(signature(4, 1, areas, left, number(9), number(9))), false},
		"one number where two":   {old(signature(4, 17, areas, left, number(9))), false},
		"nothing but the header": {old(signature(4, 1)), false},
	} {
		if got := signed(c.p); got != c.want {
			t.Errorf("%s: %v", what, got)
		}
	}
	// From the RFC: the checksum of no bytes is what it begins with.
	if got := armourSum(nil); got != "twTO" {
		t.Errorf("the checksum of nothing is %s", got)
	}
}
