package executable

import (
	"bytes"
	"debug/elf"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stagescope/stagescope/diff"
)

// earlyGo puts a function with a text and a variable in front of those of manyGo, so
// that they and what they refer to move.
var earlyGo = []string{
	"var weights", "var sum int\n\n//go:noinline\nfunc early(a int) int {\n\tsum += 3 * a\n\tprintln(\"a text that is new\", sum)\n\treturn a + sum\n}\n\nvar weights",
	"func main() {", "func main() {\n\tearly(len(os.Args))"}

// TestFlippedBits flips one bit of each of many functions of a program in which all
// moved, for each architecture whose instructions are known: whatever the bit was of,
// a constant, a branch, a register, half of an address, a literal, nothing explains it.
func TestFlippedBits(t *testing.T) {
	if testing.Short() {
		t.Skip("it compares hundreds of programs, one pair after the other")
	}
	const functions = 60
	for _, arch := range []string{"amd64", "386", "arm64", "riscv64", "ppc64le", "s390x"} {
		t.Run(arch, func(t *testing.T) {
			t.Parallel()
			a, b := goBuilt(t, arch, manyGo(t, functions)), goBuilt(t, arch, manyGo(t, functions, earlyGo...))
			random := rand.New(rand.NewPCG(1, 2))
			for range flipRounds {
				var flipped []int
				c := patched(t, b, func(f *elf.File, q []byte) bool {
					flipped = flipCode(t, f, q, random)
					return len(flipped) > functions/2
				})
				n := child(t, compareFiles(t, a, c), ".text")
				code := textOfELF(t, c)
				for _, at := range flipped {
					off := int64(at) - int64(code.Offset)
					// Where instructions have no fixed length, another may end up equal to a
					// neighbour, and what is said is beside it.
					if !slices.ContainsFunc(n.UnexplainedB, func(r diff.Range) bool { return off >= r.Off-besides[arch] && off < r.Off+r.Len+besides[arch] }) {
						from := at &^ 7
						t.Errorf("a bit of the code at %#x (%#x) was flipped, and is explained: % x became % x", code.Addr+uint64(off), at, b[from:from+8], c[from:from+8])
					}
				}
			}
		})
	}
}

// besides is how far from the byte what is said may lie.
var besides = map[string]int64{"amd64": 15, "386": 15}

// flipRounds is how many bits of each function are tried.
const flipRounds = 2

func textOfELF(t *testing.T, p []byte) *elf.Section {
	t.Helper()
	f, err := elf.NewFile(bytes.NewReader(p))
	if err != nil {
		t.Fatal(err)
	}
	return f.Section(".text")
}

// flipCode flips a bit in each function that does some work, and gives the offsets in
// the file of the bytes that hold them.
func flipCode(t *testing.T, f *elf.File, q []byte, random *rand.Rand) (out []int) {
	t.Helper()
	syms, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	text := f.Section(".text")
	for _, s := range syms {
		if strings.HasPrefix(s.Name, "main.work") && s.Size > 0 {
			at := int(text.Offset + s.Value - text.Addr + random.Uint64N(s.Size))
			q[at] ^= 1 << random.IntN(8)
			out = append(out, at)
		}
	}
	return out
}
