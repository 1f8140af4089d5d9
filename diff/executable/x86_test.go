package executable

import "testing"

// TestVectorInstructions: the length of an instruction with a VEX or an EVEX
// prefix, and what its operand points to, are those that objdump gives.
func TestVectorInstructions(t *testing.T) {
	const pc = 0x401000
	for code, want := range map[string]struct {
		n      int
		target uint64 // 0 when it has none
	}{
		"\xc5\xf8\x77\xc5\xfe\x6f\x05":                         {3, 0},                    // vzeroupper, before another
		"\xc5\xfc\x77\xc3\x90\x90\x90":                         {3, 0},                    // vzeroall
		"\xc5\xfe\x6f\x05\xbc\x7f\x92\x01":                     {8, pc + 8 + 0x1927fbc},   // vmovdqu ymm0, [rip+…]
		"\x62\xf1\xfe\x48\x6f\x1d\x02\x13\xdb\x01":             {10, pc + 10 + 0x1db1302}, // vmovdqu64 zmm3, [rip+…]
		"\xc4\x42\x7d\x5a\x70\x10":                             {6, 0},                    // vbroadcasti128 ymm14, [r8+16]
		"\xc4\xe3\x7d\x39\xc1\x01":                             {6, 0},                    // vextracti128 xmm1, ymm0, 1
		"\xc4\xe3\x75\x0f\x05\x10\x00\x00\x00\x08\x90\x90":     {10, pc + 10 + 0x10},      // vpalignr ymm0, ymm1, [rip+16], 8
		"\xc5\xfd\x70\x05\x20\x00\x00\x00\x4e\x90\x90":         {9, pc + 9 + 0x20},        // vpshufd ymm0, [rip+32], 0x4e
		"\xc5\xfe\x6f\x84\x24\x00\x01\x00\x00\x90\x90":         {9, 0},                    // vmovdqu ymm0, [rsp+0x100]
		"\xc5\xfe\x6f\x04\xc5\x00\x10\x40\x00\x90\x90":         {9, 0},                    // vmovdqu ymm0, [rax*8+0x401000]
		"\x62\xf5\x6c\x48\x58\x0d\x10\x00\x00\x00\x90\x90":     {10, pc + 10 + 0x10},      // vaddph zmm1, zmm2, [rip+16]
		"\x62\xf3\x6d\x48\x25\x4d\x01\x96\x90\x90\x90\x90":     {8, 0},                    // vpternlogd zmm1, zmm2, [rbp+64], 0x96
		"\x8f\xe8\x78\xc0\x0d\x10\x00\x00\x00\x03\x90\x90":     {10, pc + 10 + 0x10},      // vprotb xmm1, [rip+16], 3
		"\x8f\xea\x78\x10\x05\x10\x00\x00\x00\x78\x56\x34\x12": {13, pc + 13 + 0x10},      // bextr eax, [rip+16], 0x12345678
		"\x64\xc5\xfe\x6f\x0c\x25\x10\x00\x00\x00\x90\x90":     {10, 0},                   // vmovdqu ymm1, fs:0x10
		"\xc4\xe2\x78\x49\x05\x10\x00\x00\x00\x90\x90\x90":     {9, pc + 9 + 0x10},        // ldtilecfg [rip+16]
		"\x62\xf4\x7c\x18\x83\x05\x10\x00\x00\x00\x05\x90":     {11, pc + 11 + 0x10},      // add eax, [rip+16], 5
		"\xd5\x18\xc7\x05\x10\x00\x00\x00\x78\x56\x34\x12\x90": {12, pc + 12 + 0x10},      // mov qword ptr [rip+16], 0x12345678, by REX2
	} {
		x := x86{mode: 64}
		st := x.step([]byte(code), pc)
		if st.n != want.n || st.bad {
			t.Errorf("% x has %d bytes, want %d", code, st.n, want.n)
		}
		if (st.nops > 0) != (want.target > 0) || st.nops > 0 && st.ops[0].addr != want.target {
			t.Errorf("% x points to %+v, want %#x", code, st.ops[:st.nops], want.target)
		}
		if n := x.shape([]byte(code)).n; n != want.n {
			t.Errorf("the prefix of % x says %d bytes, want %d", code, n, want.n)
		}
	}
}
