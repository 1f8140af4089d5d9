package executable

import (
	"bufio"
	"debug/elf"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stagescope/stagescope/diff/internal/realtool"
)

// boundaries calls back for each instruction of a program that objdump knows: its
// address, bytes and text.
func boundaries(t *testing.T, path string, yield func(addr uint64, code []byte, text string)) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "objdump", "-d", "-w", "--insn-width=16", "-M", "intel", path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		place, rest, ok := strings.Cut(lines.Text(), ":\t")
		addr, err := strconv.ParseUint(strings.TrimSpace(place), 16, 64)
		if !ok || err != nil {
			continue
		}
		digits, text, _ := strings.Cut(rest, "\t")
		var code []byte
		for _, d := range strings.Fields(digits) {
			c, err := strconv.ParseUint(d, 16, 8)
			if err != nil {
				t.Fatalf("objdump writes %q", lines.Text())
			}
			code = append(code, byte(c))
		}
		yield(addr, code, text)
	}
	if _, err := io.Copy(io.Discard, out); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
}

// needTool skips a test that compares with a tool that is not there; where all
// tools have to be, it fails.
func needTool(t *testing.T, name string) {
	t.Helper()
	realtool.Find(t, name, "nothing to compare with")
}

// TestBoundaries: in libraries of this machine, every instruction ends where
// objdump says, the operands that are counted from the next instruction point to
// where it says, and the shape alone gives the same length as the decoder.
func TestBoundaries(t *testing.T) {
	needTool(t, "objdump")
	var paths []string
	for _, pattern := range strings.Fields(os.Getenv("STAGESCOPE_BOUNDARIES") + " /usr/lib*/libc.so.6 /usr/lib*/libm.so.6 /usr/lib/*/libc.so.6 /usr/lib/*/libm.so.6 /lib/ld-musl-*.so.1") {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, found...)
	}
	tried := 0
	for _, path := range paths {
		f, err := elf.Open(path)
		if err != nil || f.Machine != elf.EM_X86_64 && f.Machine != elf.EM_386 {
			continue
		}
		x := x86{mode: 64}
		if f.Machine == elf.EM_386 {
			x.mode = 32
		}
		f.Close()
		tried++
		t.Run(filepath.Base(path), func(t *testing.T) { compareBoundaries(t, x, path) })
	}
	if tried == 0 {
		t.Skip("no library for x86 lies where they do on common systems")
	}
}

// unwritten are instructions that objdump does not know, or writes as several.
func unwritten(text string) bool {
	first, _, _ := strings.Cut(text, " ")
	switch first {
	case "(bad)", "", "data16", "rex", "fs", "gs", "cs", "ds", "es", "ss", "lock", "repz", "repnz", "rep", "addr32", "fwait", "notrack", "bnd":
		return strings.Contains(text, "(bad)") || !strings.Contains(text, " ") || strings.HasPrefix(text, "fwait")
	}
	return strings.HasPrefix(first, "rex.") || strings.Contains(text, "(bad)")
}

func compareBoundaries(t *testing.T, x x86, path string) {
	all, vex, evex, unknown, wrong := 0, 0, 0, 0, 0
	fail := func(addr uint64, code []byte, text, what string) {
		if wrong++; wrong <= 40 {
			t.Errorf("%x: % x: %s: %s", addr, code, text, what)
		}
	}
	boundaries(t, path, func(addr uint64, code []byte, text string) {
		if unwritten(text) || len(code) > 1 && code[0] == 0x9b { // fwait, and another
			return
		}
		all++
		more := append(code, 0x48, 0x8d, 0x05, 1, 2, 3, 4, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90)
		st, s := x.step(more, addr), x.shape(more)
		if st.bad {
			unknown++
		}
		if st.n != len(code) || st.bad {
			fail(addr, code, text, fmt.Sprintf("a step of %d bytes, bad %t", st.n, st.bad))
			return
		}
		if s.n != len(code) {
			fail(addr, code, text, fmt.Sprintf("a shape of %d bytes", s.n))
		}
		if s.vector {
			if prefix(code) == 0x62 {
				evex++
			} else {
				vex++
			}
		}
		_, says, ok := strings.Cut(text, "# 0x")
		if ok && strings.Contains(text, "[rip") {
			says, _, _ = strings.Cut(says, " ")
			if st.nops == 0 || strconv.FormatUint(st.ops[0].addr, 16) != says {
				fail(addr, code, text, fmt.Sprintf("it points to %+v", st.ops[:st.nops]))
			}
		}
	})
	t.Logf("%d instructions, %d with VEX or XOP and %d with EVEX; %d not known, %d not as objdump says", all, vex, evex, unknown, wrong)
	if all == 0 {
		t.Error("objdump wrote no instruction")
	}
}

// vectorSource has instructions of every map of opcodes that VEX, EVEX and XOP
// lead to, with and without constants, scaled distances and a SIB byte.
const vectorSource = `
.intel_syntax noprefix
here:
vaddps ymm1, ymm2, [rip+here]
vpshufd xmm1, [rip+here], 0x1b
vcmpps k1, zmm2, [rip+here], 3
vaddps zmm17, zmm18, [rax+64]
vaddps zmm17, zmm18, [rax+r12*8+65]
vaddps zmm17{k3}{z}, zmm18, dword ptr [rip+here]{1to16}
vpermb zmm1, zmm2, zmm30
vpgatherdd zmm1{k1}, [rax+zmm2*4+16]
vpgatherqq ymm1, [rsp+ymm2*8+0x1000], ymm3
vpternlogd zmm1, zmm2, [rip+here], 0x96
vpternlogd zmm1, zmm2, [r13+0x40], 0x96
vaddph zmm1, zmm2, [rip+here]
vaddph zmm1, zmm2, [rcx+0x40]
vfmadd231ph zmm1, zmm2, [rip+here]
vfmadd132sh xmm1, xmm2, word ptr [rbx+2]
vcmpph k1, zmm2, [rip+here], 5
vcvtph2dq zmm1, ymm2
vrndscaleph zmm1, [rip+here], 4
vpslldq zmm1, zmm2, 3
vpsrlw ymm1, ymm2, 5
vpinsrw xmm1, xmm2, word ptr [rip+here], 5
vpextrw eax, xmm2, 5
vpinsrb xmm1, xmm2, byte ptr [rip+here], 5
kmovq k1, [rip+here]
kshiftrq k1, k2, 3
kunpckdq k1, k2, k3
vzeroupper
vzeroall
vldmxcsr [rip+here]
vgf2p8affineqb zmm1, zmm2, [rip+here], 1
vaesenc zmm1, zmm2, [rip+here]
vpclmulqdq zmm1, zmm2, [rip+here], 1
ldtilecfg [rip+here]
tileloadd tmm1, [rax+rbx*1+8]
tdpbf16ps tmm1, tmm2, tmm3
andn rax, rbx, [rip+here]
rorx rax, [rip+here], 5
shlx rax, [rip+here], rcx
vfmaddpd xmm1, xmm2, xmm3, [rip+here]
vfmaddpd xmm1, xmm2, [rip+here], xmm3
vpcmov xmm1, xmm2, [rip+here], xmm3
vprotb xmm1, [rip+here], 3
vprotb xmm1, [rip+here], xmm2
vfrczpd xmm1, [rip+here]
bextr eax, [rip+here], 0x12345678
blcfill eax, [rip+here]
lwpins eax, [rip+here], 0x12345678
fs vmovdqu ymm1, [0x10]
vmovdqu ymm1, fs:[eax+4]
pshufb xmm1, [rip+here]
movbe eax, [rip+here]
crc32 eax, byte ptr [rip+here]
adcx rax, [rip+here]
palignr xmm1, [rip+here], 4
sha1rnds4 xmm1, [rip+here], 2
sha256msg1 xmm1, [rip+here]
aeskeygenassist xmm1, [rip+here], 2
extractps [rip+here], xmm1, 3
movdiri [rip+here], eax
enqcmd rax, [rip+here]
hreset 3
insertq xmm1, xmm2, 3, 4
extrq xmm1, 3, 4
clwb [rip+here]
rdpid rax
wrssq [rip+here], rax
incsspq rax
movabs rax, 0x123456789abcdef0
movabs al, [0x123456789abcdef0]
test word ptr [rip+here], 0x1234
imul ax, [rip+here], 0x1234
xbegin here
`

// TestAssembled holds the same for instructions that few libraries have.
func TestAssembled(t *testing.T) {
	needTool(t, "objdump")
	needTool(t, "as")
	dir := t.TempDir()
	source, object := filepath.Join(dir, "v.s"), filepath.Join(dir, "v.o")
	if err := os.WriteFile(source, []byte(vectorSource), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "as", "--64", "-o", object, source).CombinedOutput(); err != nil {
		t.Fatalf("as: %v\n%s", err, out)
	}
	compareBoundaries(t, x86{mode: 64}, object)
}
