package kzstd

import "sync"

// dice is a generator of numbers that stay the same.
type dice uint64

func (d *dice) n(n int) int {
	*d ^= *d << 13
	*d ^= *d >> 7
	*d ^= *d << 17
	return int(uint64(*d) >> 11 % uint64(n))
}

// letters are n bytes of so many values, without matches.
func letters(n, values int, seed uint64) []byte {
	d := dice(seed*2654435761 + 1)
	out := make([]byte, n)
	for i := range out {
		out[i] = byte('0' + d.n(values))
	}
	return out
}

// words is text of a small vocabulary.
func words(n int, seed uint64) []byte {
	d := dice(seed*2654435761 + 7)
	var list [300][]byte
	for i := range list {
		list[i] = append(letters(2+d.n(10), 26, seed+uint64(i)), ' ')
	}
	var out []byte
	for len(out) < n {
		k := d.n(len(list))
		out = append(out, list[k*d.n(len(list))/len(list)]...)
	}
	return out[:n]
}

// files is as a tar is: headers, text, what is compressed already, tables, gaps.
func files(n int, seed uint64) []byte {
	d := dice(seed*2654435761 + 3)
	var out []byte
	for i := 0; len(out) < n; i++ {
		out = append(out, words(40+d.n(60), 5)...)
		out = append(out, make([]byte, 512-len(out)%512)...)
		size := 1 << d.n(18)
		switch d.n(5) {
		case 0, 1:
			out = append(out, words(size, uint64(i%7))...)
		case 2:
			out = append(out, letters(size, 256, uint64(i))...)
		case 3:
			out = append(out, letters(size, 4+d.n(60), uint64(i))...)
		default:
			for k := 0; k < size; k += 8 {
				out = append(out, byte(k), byte(k>>8), byte(k>>16), 0, byte(d.n(3)), 0, 0, byte(k>>3))
			}
		}
		out = append(out, make([]byte, 512-len(out)%512)...)
	}
	return out[:n]
}

// hardly has so many matches in a block that it is nearly not worth it.
func hardly(n, gap int) []byte {
	out := letters(n, 256, 9)
	d := dice(11)
	for i := 70_000; i+40 < n; i += 24 + d.n(gap) {
		copy(out[i:i+24], out[i-d.n(60_000)-40:])
	}
	return out
}

// inserted repeats one block, each time with some bytes more that are like no
// others, so that its few literals are worth coding.
func inserted() []byte {
	a := words(120_000, 3)
	out := append([]byte{}, a...)
	d := dice(17)
	for i := range 16 {
		at := 1000 + 2000*i
		out = append(out, a[:at]...)
		for range 14 + 3*i {
			out = append(out, byte(128+4*i+d.n(2+i%3)))
		}
		out = append(out, a[at:]...)
	}
	return out
}

// far has matches that reach back by 5, 9 and 13 MB.
func far() []byte {
	a, b := words(150_000, 21), files(200_000, 22)
	gap := make([]byte, 4<<20)
	var out []byte
	for _, p := range [][]byte{a, gap, b, gap[:1<<20], a, gap, b, a, gap, gap, a, b} {
		out = append(out, p...)
	}
	return out
}

// inputs are what the streams of all tests are made of.
var inputs = sync.OnceValue(func() [][]byte {
	out := [][]byte{words(300_000, 1), files(1_500_000, 2), letters(200_000, 256, 1), letters(300_000, 16, 2), letters(140_000, 100, 3),
		hardly(400_000, 600), hardly(400_000, 1000), hardly(300_000, 1600), make([]byte, 400_000), make([]byte, 100),
		inserted(), words(64<<10, 4), words(128<<10, 4), words(128<<10+3, 4), letters(128<<10, 20, 4), far()}
	for _, n := range []int{1, 5, 9, 10, 15, 16, 31, 33, 100, 255, 256, 1023, 1024, 1025, 3000, 65_790, 65_792} {
		out = append(out, files(n, 4), letters(n, 12, uint64(n)))
	}
	for n := 34; n < 120; n += 7 {
		out = append(out, letters(n, n/2, uint64(n)))
	}
	return out
})
