package executable

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// crossCompilers are the compilers of C for other architectures, as Debian names
// them. They are not needed: where one is missing, its tests are skipped and say so.
var crossCompilers = []string{
	"aarch64-linux-gnu-gcc", "riscv64-linux-gnu-gcc", "powerpc64le-linux-gnu-gcc", "s390x-linux-gnu-gcc",
	"arm-linux-gnueabihf-gcc", "i686-linux-gnu-gcc", "mips64el-linux-gnuabi64-gcc",
}

// eachCross runs a test for each compiler that is there.
func eachCross(t *testing.T, run func(t *testing.T, cc string)) {
	for _, cc := range crossCompilers {
		arch, _, _ := strings.Cut(cc, "-")
		t.Run(arch, func(t *testing.T) {
			if _, err := exec.LookPath(cc); err != nil {
				t.Skipf("%s is missing: this architecture is compared with programs of Go only", cc)
			}
			run(t, cc)
		})
	}
}

// builtBy builds with a compiler that is there.
func builtBy(t testing.TB, cc, source string, args ...string) []byte {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "p.c"), []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(cc, append(args, "-o", "p", "p.c")...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	p, err := os.ReadFile(filepath.Join(dir, "p"))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// acrossFlags have every variable found by its own address, so that what is honest does
// not change which is the first of several that one address is counted from, and have
// it said how to unwind the stack, which alone tells functions apart without symbols.
var acrossFlags = []string{"-fno-section-anchors", "-fasynchronous-unwind-tables"}

// TestAttacksAcross hides each change among honest ones that move everything, on other
// architectures.
func TestAttacksAcross(t *testing.T) {
	eachCross(t, func(t *testing.T, cc string) {
		for _, flags := range [][]string{{"-O2"}, {"-O1", "-no-pie"}, {"-O2", "-s"}} {
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
