package cause

import (
	"testing"

	"github.com/stagescope/stagescope/diff"
)

// keep is C for a section of its own, which holds bytes as they are.
func keep(bytes string) string {
	return "__attribute__((section(\"keep_as_it_is\"), aligned(16), used)) const unsigned char kept[] = {" + bytes + "};\n"
}

// TestPartsAreNoFiles: the rules about files say nothing of sections, and a number in a
// program is one of its own.
func TestPartsAreNoFiles(t *testing.T) {
	const one, other = "0x10, 0x20, 0x60, 0x69", "0x05, 0x31, 0x61, 0x69"
	for _, tc := range []struct {
		name, a, b string
		id         string
		want       bool
	}{
		{"a section that one side has", sumC, sumC + keep("1, 2"), "C3", false},
		{"an epoch", sumC + keep("0xff, 0xfe, 0xff, 0xfe, "+one), sumC + keep("0xff, 0xfe, 0xff, 0xfe, "+other), "D1b", true},
		{"an epoch at no boundary", sumC + keep("0xff, 0xfe, "+one+", 0xfe, 0xff"), sumC + keep("0xff, 0xfe, "+other+", 0xfe, 0xff"), "D1b", false},
		{"an epoch in another order", sumC + keep("0x69, 0x60, 0x20, 0x10"), sumC + keep("0x69, 0x61, 0x31, 0x05"), "D1b", false},
		{"a single bit", sumC + keep("0xff, 0xfe, 0xff, 0xfe"), sumC + keep("0xff, 0xfe, 0xff, 0xfa"), "D7b", true},
		{"a bit beside other code", sumC + keep("0xff, 0xfe, 0xff, 0xfe"), doorC + keep("0xff, 0xfe, 0xff, 0xfa"), "D7b", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			n := pairOf(t, linked(t, tc.a, "-Wl,--build-id=none"), linked(t, tc.b, "-Wl,--build-id=none"))
			if has(n, tc.id, diff.Likely) != tc.want {
				t.Errorf("%s is said: %v\n%s", tc.id, !tc.want, tree(n, ""))
			}
		})
	}
}
