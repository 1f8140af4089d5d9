package executable

import "strings"

// Encodings of addresses in .eh_frame that compilers write: four bytes, counted from
// where they lie, of the thing or of the place that holds its address.
const (
	frameHere     = 0x1b
	frameThrough  = 0x9b
	frameOmitted  = 0xff
	framePointers = 4 // bytes
)

// augmented is what a record that several have in common says of exceptions.
type augmented struct {
	token    uint64 // the hash of the record without addresses
	handler  int    // where the address of the function that handles them lies in the body; 0 for none
	landings bool   // the records of functions say where their own table is
	odd      bool   // it is not as compilers write it
}

// augmentation reads such a record's body, which begins with its zero identifier.
func augmentation(body []byte) (c augmented) {
	c.token = hash(hashNumber(hashStart, 1), body)
	if len(body) < 6 {
		return c
	}
	text, rest, ok := strings.Cut(string(body[5:]), "\x00")
	if !ok || !strings.HasPrefix(text, "z") {
		return c
	}
	at := len(body) - len(rest)
	skip := func() {
		for at < len(body) && body[at]&0x80 != 0 {
			at++
		}
		at++
	}
	for range 4 { // alignments, the return address's register, and how much follows
		skip()
	}
	for _, k := range text[1:] {
		if at >= len(body) {
			c.odd = true
			return c
		}
		switch k {
		case 'R':
			at++
		case 'L':
			c.landings = body[at] == frameHere
			c.odd = c.odd || body[at] != frameHere && body[at] != frameOmitted
			at++
		case 'P':
			if enc := body[at]; enc&^(frameThrough^frameHere) != frameHere || at+1+framePointers > len(body) {
				c.odd = true
				return c
			}
			c.handler = at + 1
			at += 1 + framePointers
		case 'S', 'B':
		default:
			c.odd = true
			return c
		}
	}
	if c.handler > 0 {
		c.token = hash(hash(hashNumber(hashStart, 1), body[:c.handler]), body[c.handler+framePointers:])
	}
	return c
}

// landing is where in a body of a function's record the address of its table of
// exceptions lies; 0 when it has none.
func (c augmented) landing(body []byte) int {
	const at = 13 // after the record's place, the function's address and length, and how much follows
	if !c.landings || len(body) < at+framePointers || body[at-1] < framePointers || body[at-1]&0x80 != 0 {
		return 0
	}
	return at
}
