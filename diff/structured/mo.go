package structured

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"strings"

	"github.com/stagescope/stagescope/diff"
)

// KindMo is a file of messages that gettext reads.
const KindMo diff.Kind = "gettext messages"

const (
	moLittle = "\xde\x12\x04\x95"
	moBig    = "\x95\x04\x12\xde"
	moHeader = 28
	// moLong is the header of files with strings that depend on the system, such
	// as the macros of inttypes.h. These are compared as bytes.
	moLong = 48
)

func init() {
	register(KindMo, false, func(in *diff.Input) bool { return in.HasPrefix(moLittle) || in.HasPrefix(moBig) }, parseMo)
}

var moFields = map[string]func(a, b []byte) diff.Reason{"magic": func(a, b []byte) diff.Reason {
	return diff.Reason{Field: "byte order", A: hex.EncodeToString(a), B: hex.EncodeToString(b), Cause: &diff.Cause{ID: "D3g", Name: "byte order of the builder", Confidence: diff.Proved, Evidence: "all else that has an order follows from the strings", Fix: "msgfmt --endianness=little"}}
}}

// messages reads a file as msgfmt writes it (GNU gettext, "The Format of GNU MO
// Files"): header, two tables of lengths and places, hash table, strings.
type messages struct {
	d           *document
	src         []byte
	o           binary.ByteOrder
	n           int
	ids, strs   int // where the tables begin
	hash, nhash int
}

func parseMo(src []byte) (*document, error) {
	if len(src) < moHeader {
		return nil, bad("it ends inside the header")
	}
	m := &messages{d: &document{src: src, binary: true, ordered: true, fields: moFields}, src: src, o: binary.LittleEndian}
	if strings.HasPrefix(string(src), moBig) {
		m.o = binary.BigEndian
	}
	word := func(i int) int { return int(m.o.Uint32(src[4*i:])) }
	m.n, m.ids, m.strs, m.nhash, m.hash = word(2), word(3), word(4), word(5), word(6)
	if major := word(1) >> 16; major > 1 {
		return nil, bad("revision %#x", word(1))
	}
	end := len(src)
	if m.n > end/16 || m.nhash > end/4 {
		return nil, bad("%d messages and a hash table of %d entries in %d bytes", m.n, m.nhash, end)
	}
	// Only the layout that msgfmt writes is taken apart: then what the header
	// says of places follows from the number of messages.
	if m.ids != moHeader && m.ids != moLong || m.strs != m.ids+8*m.n || m.hash != m.strs+8*m.n || m.hash+4*m.nhash > end {
		return nil, bad("its tables lie elsewhere than where msgfmt puts them")
	}
	root, err := m.d.fresh(0)
	if err != nil {
		return nil, err
	}
	root.shape, m.d.root = object, root
	root.add("magic", 0, 4)
	root.add("rest of the header", moHeader, m.ids)
	root.add("revision", 4, 8)
	root.add(pieceImplied, 8, 20)
	if size := "size of the hash table"; m.nhash == primeFrom(max(3, m.n*4/3)) {
		root.add(pieceImplied+" "+size, 20, 24)
	} else {
		root.add(size, 20, 24)
	}
	return m.d, m.strings(root)
}

// strings places the hash table and the strings. What the tables say follows
// from the strings when these lie one after the other.
func (m *messages) strings(root *value) error {
	at := m.hash + 4*m.nhash
	if m.n > 0 && m.ids == moLong {
		if first := int(m.o.Uint32(m.src[m.ids+4:])); first > at && first < len(m.src) {
			root.add("strings that depend on the system", at, first)
			at = first
		}
	}
	place := func(table, i int) (from, to int, err error) {
		n, off := int(m.o.Uint32(m.src[table+8*i:])), int(m.o.Uint32(m.src[table+8*i+4:]))
		if off != at || n >= len(m.src)-off || m.src[off+n] != 0 {
			return 0, 0, bad("string %d does not lie after the one before it, or has no zero at its end", i)
		}
		at = off + n + 1
		return off, off + n, nil
	}
	ids := make([]string, m.n)
	var froms []int
	for i := range m.n {
		from, to, err := place(m.ids, i)
		if err != nil {
			return err
		}
		ids[i] = string(m.src[from:to])
		froms = append(froms, from)
	}
	seen := map[string]bool{}
	for i, id := range ids {
		from, to, err := place(m.strs, i)
		if err != nil {
			return err
		}
		k, err := m.message(root, id, from, to)
		if err != nil {
			return err
		}
		if seen[k.name] {
			m.d.twice = append(m.d.twice, "/"+k.name)
		}
		seen[k.name] = true
		k.add(pieceKey, froms[i], froms[i]+len(id)+1)
	}
	root.add(pieceImplied+" place of the hash table", 24, 28)
	root.add(pieceImplied+" tables", m.ids, m.hash)
	table := "hash table"
	if bytes.Equal(m.hashTable(ids), m.src[m.hash:m.hash+4*m.nhash]) {
		table = pieceImplied + " hash table"
	}
	root.add(table, m.hash, m.hash+4*m.nhash)
	root.add("after the strings", at, len(m.src))
	return nil
}

// message adds one. The header, which is the message of the empty string, is
// taken apart into its lines.
func (m *messages) message(root *value, id string, from, to int) (*value, error) {
	k, err := m.d.fresh(1)
	if err != nil {
		return nil, err
	}
	k.name = strings.ReplaceAll(strings.ReplaceAll(id, "\x04", "\u2026"), "\x00", "|")
	root.kids = append(root.kids, k)
	if id != "" {
		k.text = string(m.src[from:to])
		k.add(pieceValue, from, to)
		k.add(pieceImplied+" end", to, to+1)
		return k, nil
	}
	k.name, k.shape, k.text = "header", object, "header"
	for from < to {
		end := to
		if i := bytes.IndexByte(m.src[from:to], '\n'); i >= 0 {
			end = from + i + 1
		}
		f, err := m.d.fresh(2)
		if err != nil {
			return nil, err
		}
		name, _, ok := bytes.Cut(m.src[from:end], []byte(":"))
		if f.name = string(name); !ok {
			f.name = "line without a name"
		}
		f.text = string(m.src[from:end])
		f.add(pieceValue, from, end)
		k.kids = append(k.kids, f)
		from = end
	}
	k.add(pieceImplied+" end", to, to+1)
	return k, nil
}

// hashTable makes the table that msgfmt would: hashpjw, with double hashing.
func (m *messages) hashTable(ids []string) []byte {
	out := make([]byte, 4*m.nhash)
	if m.nhash < 3 {
		return out
	}
	size := uint32(m.nhash)
	for i, id := range ids {
		id, _, _ = strings.Cut(id, "\x00") // of a plural, the singular
		h := pjw(id)
		at, step := h%size, 1+h%(size-2)
		for tries := 0; m.o.Uint32(out[4*at:]) != 0; tries++ {
			if tries > len(ids) {
				return nil
			}
			if at >= size-step {
				at -= size - step
			} else {
				at += step
			}
		}
		m.o.PutUint32(out[4*at:], uint32(i+1))
	}
	return out
}

func pjw(s string) uint32 {
	var h uint32
	for i := range len(s) {
		h = h<<4 + uint32(s[i])
		if g := h & 0xf0000000; g != 0 {
			h ^= g >> 24
			h ^= g
		}
	}
	return h
}

// primeFrom is the next prime from n on, as msgfmt chooses the table's size.
func primeFrom(n int) int {
	for n |= 1; ; n += 2 {
		prime := true
		for d := 3; d*d <= n && prime; d += 2 {
			prime = n%d != 0
		}
		if prime {
			return n
		}
	}
}
