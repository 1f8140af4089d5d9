package kzstd

// histogram counts the codes of a kind in a block.
type histogram struct {
	counts  [maxSymbols]uint32
	symbols int // up to the last that occurs
	most    int
	total   int
}

func (h *histogram) of(seqs []sequence, k kind) {
	*h = histogram{total: len(seqs)}
	for i := range seqs {
		h.counts[seqs[i].code[k]]++
	}
	for i, n := range h.counts {
		if n > 0 {
			h.symbols = i + 1
			h.most = max(h.most, int(n))
		}
	}
}

// tableLog chooses how many states a table has.
func (h *histogram) tableLog() uint8 {
	log := uint8(maxTableLog)
	least := uint8(min(high(uint32(h.total))+1, high(uint32(h.symbols-1))+2))
	// Below three symbols this wraps around, and does not limit.
	if most := uint8(high(uint32(h.total-1))) - 2; most < log {
		log = most
	}
	return min(max(log, least, minTableLog), maxTableLog)
}

// table makes the table that fits the counts.
func (h *histogram) table() (*table, error) {
	t := &table{log: h.tableLog(), symbols: h.symbols}
	if h.most == h.total {
		t.one(uint8(h.symbols - 1))
		return t, nil
	}
	if !h.normalise(t) {
		if err := h.normaliseRest(t); err != nil {
			return nil, err
		}
	}
	return t, t.build()
}

// roundUp is from which remainder on a small share is rounded up, in 2^-20.
var roundUp = [8]uint64{0, 473195, 504333, 520860, 550000, 700000, 750000, 830000}

// normalise scales the counts to the number of states, and lets the most frequent
// symbol take the error; false says that it cannot.
func (h *histogram) normalise(t *table) bool {
	scale := 62 - uint(t.log)
	step := uint64(1<<62) / uint64(h.total)
	rare := uint32(h.total >> t.log)
	left := int16(1) << t.log
	var best int
	var most int16
	for i, n := range h.counts[:h.symbols] {
		switch {
		case n == 0:
			t.norm[i] = 0
			continue
		case n <= rare:
			t.norm[i] = -1
			left--
			continue
		}
		share := int16(uint64(n) * step >> scale)
		if share < 8 && uint64(n)*step-uint64(share)<<scale > roundUp[share]<<(scale-20) {
			share++
		}
		if share > most {
			most, best = share, i
		}
		t.norm[i] = share
		left -= share
	}
	if -left >= t.norm[best]>>1 {
		return false
	}
	t.norm[best] += left
	return true
}

// open marks a count that has no share yet.
const open = -2

// normaliseRest scales in another way: rare symbols get one state each, the others
// share the rest.
func (h *histogram) normaliseRest(t *table) error {
	total, given := uint32(h.total), uint32(0)
	rare, once := total>>t.log, total*3>>(t.log+1)
	take := func(i int, n uint32, share int16) {
		t.norm[i] = share
		given++
		total -= n
	}
	for i, n := range h.counts[:h.symbols] {
		switch {
		case n == 0:
			t.norm[i] = 0
		case n <= rare:
			take(i, n, -1)
		case n <= once:
			take(i, n, 1)
		default:
			t.norm[i] = open
		}
	}
	left := uint32(1)<<t.log - given
	if left == 0 {
		return errTable
	}
	if total/left > once {
		once = total * 3 / (left * 2)
		for i, n := range h.counts[:h.symbols] {
			if t.norm[i] == open && n <= once {
				take(i, n, 1)
			}
		}
		left = uint32(1)<<t.log - given
	}
	if total == 0 {
		for i := 0; left > 0; i = (i + 1) % h.symbols {
			if t.norm[i] > 0 {
				left--
				t.norm[i]++
			}
		}
		return nil
	}
	return h.share(t, left, total)
}

// share divides the states left among the symbols that have none.
func (h *histogram) share(t *table, left, total uint32) error {
	scale := 62 - uint(t.log)
	mid := uint64(1)<<(scale-1) - 1
	step := (uint64(1)<<scale*uint64(left) + mid) / uint64(total)
	at := mid
	for i, n := range h.counts[:h.symbols] {
		if t.norm[i] != open {
			continue
		}
		end := at + uint64(n)*step
		weight := end>>scale - at>>scale
		if weight < 1 {
			return errTable
		}
		t.norm[i] = int16(weight)
		at = end
	}
	return nil
}
