package seedling

import (
	"bytes"
	"fmt"
	"io/fs"
	"testing"
)

// assemble is the seed's language in Go, written from the rules in the head
// of seed.hex0 and from nothing else: what was assembled before the first
// error, and whether there was none.
func assemble(in []byte) (out []byte, ok bool) {
	var digits int
	var value byte
	for i := 0; i < len(in); i++ {
		c := in[i]
		switch {
		case c == '#':
			for i < len(in) && in[i] != '\n' {
				i++
			}
			continue
		case c <= ' ':
			continue
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return out, false
		}
		value = value<<4 | c
		if digits++; digits%2 == 0 {
			out = append(out, value)
		}
	}
	return out, digits%2 == 0
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	b, err := fs.ReadFile(FS(), name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestSeedIsItsSource(t *testing.T) {
	seed := read(t, Seed)
	if len(seed) > 256 {
		t.Errorf("the seed has %d bytes, more than 256", len(seed))
	}
	got, ok := assemble(read(t, SeedSource))
	if !ok || !bytes.Equal(got, seed) {
		t.Errorf("the annotated source assembles to %x (accepted: %v), the seed is %x", got, ok, seed)
	}
}

// check runs the seed on one input and compares with the rules.
func check(t *testing.T, seed, in []byte) {
	t.Helper()
	want, ok := assemble(in)
	m := boot(seed, in)
	if err := m.run(); err != nil {
		t.Fatalf("input %q: %v", in, err)
	}
	if (m.status == 0) != ok || !bytes.Equal(m.output, want) {
		t.Fatalf("input %q: output %x, status %d; the rules say %x, accepted: %v", in, m.output, m.status, want, ok)
	}
}

// TestSeedObeysItsRules tries every input of up to two bytes, and every one
// of up to four over the bytes at the borders of the rules.
func TestSeedObeysItsRules(t *testing.T) {
	seed := read(t, Seed)
	check(t, seed, nil)
	for a := range 256 {
		check(t, seed, []byte{byte(a)})
		for b := range 256 {
			check(t, seed, []byte{byte(a), byte(b)})
		}
	}
	const borders = "\x00\n !#/09:@AFG`afg\x80\xff"
	in := make([]byte, 4)
	for n := 3; n <= 4; n++ {
		for code := range pow(len(borders), n) {
			for i := range n {
				in[i] = borders[code%len(borders)]
				code /= len(borders)
			}
			check(t, seed, in[:n])
		}
	}
}

func pow(base, n int) int {
	p := 1
	for range n {
		p *= base
	}
	return p
}

func TestSeedAssemblesEveryByte(t *testing.T) {
	seed := read(t, Seed)
	for _, format := range []string{"%02x", "%02X\n", "%x # every byte\n"} {
		for b := range 256 {
			check(t, seed, hexOf(format, byte(b)))
		}
	}
}

func TestSeedReportsAFullDisk(t *testing.T) {
	for b := range 256 {
		m := boot(read(t, Seed), hexOf("%02x", byte(b)))
		m.writeFails = true
		if err := m.run(); err != nil || m.status == 0 {
			t.Fatalf("byte %02x: status %d, %v; want a failure", b, m.status, err)
		}
	}
}

func hexOf(format string, b byte) []byte { return fmt.Appendf(nil, format, b) }
