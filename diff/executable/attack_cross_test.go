package executable

import (
	"slices"
	"strings"
	"testing"

	"github.com/stagescope/stagescope/diff/internal/realtool"
)

// crossCompilers are the compilers of C for the architectures whose addresses are
// followed, as Debian names them. Of arm and mips the code is not read, and of 386 not
// what is counted from a register: all that moved is unexplained there, so that an
// attack is not told from what is honest.
var crossCompilers = []string{"aarch64-linux-gnu-gcc", "riscv64-linux-gnu-gcc", "powerpc64le-linux-gnu-gcc", "s390x-linux-gnu-gcc"}

// eachCross runs a test for each compiler.
func eachCross(t *testing.T, run func(t *testing.T, cc string)) {
	for _, cc := range crossCompilers {
		arch, _, _ := strings.Cut(cc, "-")
		t.Run(arch, func(t *testing.T) {
			realtool.Find(t, cc, "this architecture is compared with programs of Go only")
			run(t, cc)
		})
	}
}

// acrossFlags have every variable found by its own address, so that what is honest does
// not change which is the first of several that one address is counted from, and have
// it said how to unwind the stack, which alone tells functions apart without symbols.
var acrossFlags = []string{"-fno-section-anchors", "-fasynchronous-unwind-tables"}

// TestAttacksAcross hides each change among honest ones that move everything, on other
// architectures.
func TestAttacksAcross(t *testing.T) {
	if testing.Short() {
		t.Skip("it compares hundreds of programs, one pair after the other")
	}
	eachCross(t, func(t *testing.T, cc string) {
		for _, flags := range [][]string{{"-O2"}, {"-O2", "-s"}} {
			for _, a := range attacks {
				if a.name == "compared pointer" {
					continue // what is honest lies where the array ends, and may be meant
				}
				name := a.name + " " + strings.Join(flags, " ")
				a.flags, a.cc = slices.Concat(a.flags, flags, acrossFlags), cc
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					a.try(t)
				})
			}
		}
	})
}
