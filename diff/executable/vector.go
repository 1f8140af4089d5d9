package executable

// Vectors counts the instructions of x86-64 code that need a processor newer
// than the first: those with a VEX or an EVEX prefix.
func Vectors(code []byte) (vex, evex int) {
	x := x86{mode: 64}
	for len(code) > 0 {
		st := x.step(code, 0)
		if !st.bad {
			switch prefix(code) {
			case 0xc4, 0xc5:
				vex++
			case 0x62:
				evex++
			}
		}
		code = code[st.n:]
	}
	return vex, evex
}

// prefix is the first byte that is no older prefix.
func prefix(code []byte) byte {
	for _, c := range code {
		switch c {
		case 0x66, 0xf2, 0xf3, 0x2e, 0x36, 0x3e, 0x26, 0x64, 0x65, 0x67:
			continue
		}
		return c
	}
	return 0
}
