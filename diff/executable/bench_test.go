package executable

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stagescope/stagescope/diff"
)

// bigELF writes a library of about that many megabytes: functions of code with
// a symbol each, sections as linkers write them. It gives the file's path and
// where in it the middle function's constant lies.
func bigELF(t testing.TB, path string, mb int) (at int64) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	body := le(enter, "\xb8\x01\x00\x00\x00", work, work, work, work, work, leave) // 60 bytes or so
	for len(body) < 256 {
		body = append(le("\x89\xc2\x01\xd0"), body...)
	}
	n := mb << 20 / (len(body) + 24)
	const text = 4096
	size := int64(n * len(body))
	var block []byte
	for i := range n {
		block = append(block, body...)
		if len(block) > 1<<20 || i == n-1 {
			if _, err := f.WriteAt(block, text+int64((i+1)*len(body)-len(block))); err != nil {
				t.Fatal(err)
			}
			block = block[:0]
		}
	}
	symtab := text + size
	syms := make([]byte, 24)
	for i := range n {
		syms = append(syms, le(uint32(1), byte(0x12), byte(0), uint16(1), uint64(0x100000+i*len(body)), uint64(len(body)))...)
	}
	f.WriteAt(syms, symtab)
	strtab := symtab + int64(len(syms))
	strs := le("\x00worker\x00\x00.text\x00.symtab\x00.strtab\x00")
	f.WriteAt(strs, strtab)
	shoff := (strtab + int64(len(strs)) + 7) &^ 7
	sh := make([]byte, 64)
	sh = append(sh, le(uint32(9), uint32(1), uint64(6), uint64(0x100000), uint64(text), uint64(size), uint32(0), uint32(0), uint64(16), uint64(0))...)
	sh = append(sh, le(uint32(15), uint32(2), uint64(0), uint64(0), uint64(symtab), uint64(len(syms)), uint32(3), uint32(1), uint64(8), uint64(24))...)
	sh = append(sh, le(uint32(23), uint32(3), uint64(0), uint64(0), uint64(strtab), uint64(len(strs)), uint32(0), uint32(0), uint64(1), uint64(0))...)
	f.WriteAt(sh, shoff)
	f.WriteAt(le("\x7fELF\x02\x01\x01", make([]byte, 9), uint16(3), uint16(62), uint32(1), uint64(0x100000), uint64(0), uint64(shoff), uint32(0), uint16(64), uint16(56), uint16(0), uint16(64), uint16(4), uint16(3)), 0)
	return text + int64(n/2*len(body)+len(body)-len(leave)-5*len(work)-4)
}

// BenchmarkOneByte is a library of 110 MB in which one byte of an instruction's
// constant differs. Beside the time it reports the memory in use at the end.
func BenchmarkOneByte(b *testing.B) {
	dir := b.TempDir()
	pa, pb := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	bigELF(b, pa, 110)
	at := bigELF(b, pb, 110)
	f, err := os.OpenFile(pb, os.O_RDWR, 0)
	if err != nil {
		b.Fatal(err)
	}
	f.WriteAt([]byte{2}, at)
	f.Close()
	b.SetBytes(2 * 110 << 20)
	var most uint64
	for b.Loop() {
		n, err := diff.NewExaminer(diff.Options{}).Paths(b.Context(), pa, pb)
		if err != nil {
			b.Fatal(err)
		}
		code := child(b, n, ".text")
		if !said(code, diff.SuspectChangedCode, "in worker", "file offset", "mov eax, 0x1 → mov eax, 0x2") {
			b.Fatal(sketch(n, ""))
		}
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		most = max(most, m.HeapSys)
	}
	b.ReportMetric(float64(most)/1e6, "MB-heap")
}
