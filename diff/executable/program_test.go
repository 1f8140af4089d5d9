package executable

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stagescope/stagescope/diff"
)

// function is one that a test's program has: bytes of machine code with places
// that are filled in when the program is put together.
type function struct {
	name string
	code []any // []byte, call, text
}

type (
	callTo string // e8 and the distance to a function
	textOf string // be and the address of a string
)

// le appends numbers in little endian order.
func le(vs ...any) []byte {
	var b bytes.Buffer
	for _, v := range vs {
		switch v := v.(type) {
		case string:
			b.WriteString(v)
		default:
			binary.Write(&b, binary.LittleEndian, v)
		}
	}
	return b.Bytes()
}

// bareELF writes a static program as the embedded chain's compiler does: code
// and strings in segments of their own, no sections, no symbols.
func bareELF(t testing.TB, fs ...function) []byte {
	t.Helper()
	const base, header, stringsAt = 0x400000, 64 + 2*56, 0x20000000
	at := map[string]int{}
	n := 0
	size := func(f function) (n int) {
		for _, c := range f.code {
			if b, ok := c.([]byte); ok {
				n += len(b)
			} else {
				n += 5
			}
		}
		return n
	}
	for _, f := range fs {
		at[f.name] = n
		n += size(f)
	}
	var code, strs bytes.Buffer
	for _, f := range fs {
		for _, c := range f.code {
			switch c := c.(type) {
			case []byte:
				code.Write(c)
			case callTo:
				to, ok := at[string(c)]
				if !ok {
					t.Fatalf("there is no function %q", c)
				}
				code.Write(le(byte(0xe8), int32(to-code.Len()-5)))
			case textOf:
				code.Write(le(byte(0xbe), uint32(stringsAt+strs.Len())))
				strs.WriteString(string(c) + "\x00")
			}
		}
	}
	size1 := header + code.Len()
	stringsOff := (size1 + 4095) &^ 4095
	out := le("\x7fELF\x02\x01\x01", make([]byte, 9), uint16(2), uint16(62), uint32(1), uint64(base+header), uint64(64), uint64(0), uint32(0), uint16(64), uint16(56), uint16(2), uint16(64), uint32(0))
	out = append(out, le(uint32(1), uint32(5), uint64(0), uint64(base), uint64(base), uint64(size1), uint64(size1), uint64(4096))...)
	out = append(out, le(uint32(1), uint32(4), uint64(stringsOff), uint64(stringsAt), uint64(stringsAt), uint64(strs.Len()), uint64(strs.Len()), uint64(4096))...)
	out = append(out, code.Bytes()...)
	out = append(out, make([]byte, stringsOff-size1)...)
	return append(out, strs.Bytes()...)
}

var (
	enter = []byte("\x55\x48\x89\xe5")                     // push rbp; mov rbp, rsp
	leave = []byte("\xc9\xc3")                             // leave; ret
	exit  = []byte("\xb8\x3c\x00\x00\x00\x0f\x05")         // mov eax, 60; syscall
	check = []byte("\x85\xc0\x75\x02\x31\xff")             // test eax, eax; jne +2; xor edi, edi
	work  = []byte("\x31\xc9\xff\xc1\x83\xf9\x40\x7c\xf9") // a loop
)

// login is a program that checks a password; backdoor puts one more function in,
// and its call.
func login(backdoor bool) []function {
	fs := []function{
		{"start", []any{enter, callTo("main"), exit}},
		{"same", []any{enter, work, leave}},
		{"hash", []any{enter, work, callTo("same"), work, leave}},
		{"password", []any{enter, textOf("/etc/passwords"), callTo("hash"), textOf("root"), callTo("same"), check, leave}},
		{"main", []any{enter, callTo("password"), check, textOf("login incorrect\n"), callTo("hash"), leave}},
	}
	if backdoor {
		fs[3].code = []any{enter, callTo("door"), check, textOf("/etc/passwords"), callTo("hash"), textOf("root"), callTo("same"), check, leave}
		door := function{"door", []any{enter, textOf("joshua"), callTo("same"), check, leave}}
		fs = append(fs[:3:3], append([]function{door}, fs[3:]...)...)
	}
	return fs
}

// compareFiles compares two contents as files.
func compareFiles(t testing.TB, a, b []byte) *diff.Node {
	t.Helper()
	dir := t.TempDir()
	pa, pb := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	for p, c := range map[string][]byte{pa: a, pb: b} {
		if err := os.WriteFile(p, c, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	n, err := diff.NewExaminer(diff.Options{}).Paths(t.Context(), pa, pb)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// child gives the node of that name below n.
func child(t testing.TB, n *diff.Node, names ...string) *diff.Node {
	t.Helper()
	for _, name := range names {
		var found *diff.Node
		for _, c := range n.Children {
			if c.Name == name {
				found = c
			}
		}
		if found == nil {
			t.Fatalf("there is no %q in\n%s", name, sketch(n, ""))
		}
		n = found
	}
	return n
}

func sketch(n *diff.Node, in string) string {
	s := fmt.Sprintf("%s%s %q: %s, residue %s, %d equal %s\n", in, n.Kind, n.Name, n.Status, n.Residue, n.Equal, n.Note)
	for _, r := range n.Reasons {
		s += fmt.Sprintf("%s  - %s: %q -> %q\n", in, r.Field, r.A, r.B)
	}
	for _, q := range n.Suspicions {
		s += fmt.Sprintf("%s  ! %s: %s\n", in, q.Kind, q.What)
	}
	for _, c := range n.Children {
		s += sketch(c, in+"  ")
	}
	return s
}

// content reads both sides of a node.
func content(t testing.TB, n *diff.Node) (a, b string) {
	t.Helper()
	for i, open := range []func() (diff.ReaderAtCloser, int64, error){n.Content.OpenA, n.Content.OpenB} {
		r, size, err := open()
		if err != nil {
			t.Fatal(err)
		}
		p := make([]byte, size)
		if _, err := r.ReadAt(p, 0); err != nil && size > 0 && !strings.Contains(err.Error(), "EOF") {
			t.Fatal(err)
		}
		r.Close()
		if i == 0 {
			a = string(p)
		} else {
			b = string(p)
		}
	}
	return a, b
}

// said reports whether a node has a suspicion of a kind whose sentence has all
// of some words.
func said(n *diff.Node, kind diff.SuspicionKind, words ...string) bool {
	for _, s := range n.Suspicions {
		ok := s.Kind == kind
		for _, w := range words {
			ok = ok && strings.Contains(s.What, w)
		}
		if ok {
			return true
		}
	}
	return false
}
