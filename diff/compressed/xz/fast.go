package xz

// farther reports whether one distance is so much larger than another that a
// shorter match at the other is better.
func farther(near, far uint32) bool { return far>>7 > near }

// fastOptimum takes the longest match unless the next byte begins a better one.
func (z *lzma) fastOptimum() (back, n uint32) {
	var longest uint32
	var count int
	if z.ahead == 0 {
		count, longest = z.find(z.ms[:])
	} else {
		count, longest = z.count, z.longest
	}
	at := z.at - 1
	avail := uint32(min(z.avail()+1, maxMatch))
	if avail < 2 {
		return literalSymbol, 1
	}
	var repLen, which uint32
	for i, d := range z.last {
		k := at - int(d) - 1
		if z.other(at, k) {
			continue
		}
		l := common(z.buf, at, k, 2, avail)
		if l >= uint32(z.nice) {
			z.skip(int(l) - 1)
			return uint32(i), l
		}
		if l > repLen {
			which, repLen = uint32(i), l
		}
	}
	if longest >= uint32(z.nice) {
		z.skip(int(longest) - 1)
		return z.ms[count-1].dist + reps, longest
	}
	var dist uint32
	if longest >= 2 {
		dist = z.ms[count-1].dist
		for count > 1 && longest == z.ms[count-2].len+1 && farther(z.ms[count-2].dist, dist) {
			count--
			longest, dist = z.ms[count-1].len, z.ms[count-1].dist
		}
		if longest == 2 && dist >= 0x80 {
			longest = 1
		}
	}
	if repLen >= 2 && (repLen+1 >= longest || repLen+2 >= longest && dist > 1<<9 || repLen+3 >= longest && dist > 1<<15) {
		z.skip(int(repLen) - 1)
		return which, repLen
	}
	if longest < 2 || avail <= 2 {
		return literalSymbol, 1
	}
	if z.count, z.longest = z.find(z.ms[:]); z.longest >= 2 {
		next := z.ms[z.count-1].dist
		if z.longest >= longest && next < dist || z.longest == longest+1 && !farther(dist, next) || z.longest > longest+1 ||
			z.longest+1 >= longest && longest >= 3 && farther(next, dist) {
			return literalSymbol, 1
		}
	}
	at++
	limit := max(2, longest-1)
	for _, d := range z.last {
		if common(z.buf, at, at-int(d)-1, 0, limit) == limit {
			return literalSymbol, 1
		}
	}
	z.skip(int(longest) - 2)
	return dist + reps, longest
}

// other reports whether the first two bytes at two places differ.
func (z *lzma) other(i, k int) bool { return z.buf[i] != z.buf[k] || z.buf[i+1] != z.buf[k+1] }
