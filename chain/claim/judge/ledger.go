package judge

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"time"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim"
)

// packed is one claim: 56 bytes. All but the bundle are numbers of interned
// values, of which millions of claims share few; 0 is none.
type packed struct {
	bundle                              claim.Digest
	build, signer, output, machine, how uint32
	finished                            uint32 // seconds since 1970; 0 when not stated
}

// What a claim is made of, by what varies together.
type (
	build   struct{ stage, release, recipe, inputs uint32 }
	signer  struct{ party, key uint32 }
	machine struct{ vendor, kernel, buildkit uint32 }
	how     struct {
		reason             uint32
		repeats, identical uint16
		kind, mode, state  uint8
		bits               uint8
	}
)

// record is one claim, unpacked.
type record struct {
	bundle claim.Digest
	build
	signer
	machine
	how
	output, finished uint32
}

const (
	bitFailed uint8 = 1 << iota
	bitLegacy
)

// Records are kept in pieces, so that growing never copies them.
const chunk = 1 << 16

// output is digests at the four levels, outermost first.
type output [4]uint32

// level is the digest at a level, or 0.
func (o *output) level(l chain.Level) uint32 {
	if l < chain.LevelIndex || l > chain.LevelFiles {
		return 0
	}
	return o[l-chain.LevelIndex]
}

// used is one image that a build used.
type used struct{ stage, manifest uint32 }

// inputSet is the images that a build used, sorted by stage name. Known is false
// when only their digest I was stated.
type inputSet struct {
	known bool
	list  []used
}

// Ledger is claims in the form in which millions fit in memory. It is filled by
// one goroutine; once filled, it may be judged by several.
type Ledger struct {
	names    interner[string]
	digests  interner[claim.Digest]
	outputs  interner[output]
	builds   interner[build]
	signers  interner[signer]
	machines interner[machine]
	hows     interner[how]
	sets     []inputSet
	byInput  map[claim.Digest]uint32 // by I
	byList   map[string]uint32       // by the list's encoding, where no I was stated

	records [][]packed
	n       int
	byStage map[uint32][]uint32 // numbers of records, once sorted
	sorted  int                 // how many records byStage has
}

// Len is the number of claims.
func (l *Ledger) Len() int { return l.n }

// Add takes a claim. The ledger keeps nothing of c itself.
func (l *Ledger) Add(c *claim.Claim) {
	if l.n%chunk == 0 {
		l.records = append(l.records, make([]packed, 0, chunk))
	}
	e := &c.Environment
	last := &l.records[len(l.records)-1]
	*last = append(*last, packed{
		bundle:  c.Bundle,
		build:   l.builds.id(build{l.names.id(c.Stage), l.names.id(c.Release), l.digest(c.Recipe), l.inputs(c)}),
		signer:  l.signers.id(signer{l.names.id(c.Party), l.names.id(c.Key)}),
		machine: l.machines.id(machine{l.names.id(e.CPUVendor), l.names.id(e.Kernel), l.names.id(e.BuildKit)}),
		how: l.hows.id(how{l.names.id(c.Verification.Reason), short(c.Repeats), short(c.Identical),
			uint8(c.Kind), uint8(c.Mode), uint8(c.Verification.State), bitsOf(c)}),
		output: l.output(&c.Output), finished: seconds(c.Finished),
	})
	l.n++
}

// unpack is a claim in the form in which it is judged.
func (l *Ledger) unpack(p *packed) record {
	return record{bundle: p.bundle, build: l.builds.value(p.build), signer: l.signers.value(p.signer), machine: l.machines.value(p.machine),
		how: l.hows.value(p.how), output: p.output, finished: p.finished}
}

func bitsOf(c *claim.Claim) (b uint8) {
	if c.Failed() {
		b |= bitFailed
	}
	if c.Legacy != "" {
		b |= bitLegacy
	}
	return b
}

// short keeps the proportion of what does not fit apart only at its end: a count
// that is cut is still at least as large as any that was not.
func short(n int) uint16 { return uint16(min(max(n, 0), math.MaxUint16)) }

func seconds(t time.Time) uint32 {
	if t.IsZero() || t.Unix() <= 0 {
		return 0
	}
	return uint32(min(t.Unix(), math.MaxUint32))
}

// digest gives 0 for what is no digest: it then equals nothing.
func (l *Ledger) digest(d chain.Digest) uint32 {
	raw, ok := raw(d)
	if !ok {
		return 0
	}
	return l.digests.id(raw)
}

func raw(d chain.Digest) (out claim.Digest, ok bool) {
	const prefix = "sha256:"
	if len(d) != len(prefix)+64 || d[:len(prefix)] != prefix {
		return out, false
	}
	var text [64]byte
	copy(text[:], d[len(prefix):])
	_, err := hex.Decode(out[:], text[:])
	return out, err == nil
}

// text is the digest of a number, in the OCI form, or "".
func (l *Ledger) text(id uint32) chain.Digest {
	return chain.Digest(l.digests.value(id).String())
}

func (l *Ledger) output(o *claim.Output) uint32 {
	return l.outputs.id(output{l.digest(o.Index), l.digest(o.Manifest), l.digest(o.Rootfs), l.digest(o.Files)})
}

// inputs gives the number of what a build used. A stated I is believed only as
// far as the list beside it gives it; two sets of one I are one.
func (l *Ledger) inputs(c *claim.Claim) uint32 {
	if len(l.sets) == 0 {
		l.sets = append(l.sets, inputSet{}) // 0: not stated
		l.byInput, l.byList = map[claim.Digest]uint32{}, map[string]uint32{}
	}
	if i, ok := raw(c.Input); ok {
		id, have := l.byInput[i]
		if have && (l.sets[id].known || len(c.Inputs) == 0) {
			return id
		}
		if len(c.Inputs) > 0 {
			if d, err := claim.InputDigest(c.Recipe, c.Inputs); err != nil || d != c.Input {
				return 0
			}
		}
		if !have {
			id = uint32(len(l.sets))
			l.sets = append(l.sets, inputSet{})
			l.byInput[i] = id
		}
		l.sets[id] = inputSet{known: len(c.Inputs) > 0, list: l.list(c.Inputs)}
		return id
	}
	if len(c.Inputs) == 0 {
		return 0
	}
	list := l.list(c.Inputs)
	var key []byte
	for _, u := range list {
		if u.manifest == 0 {
			return 0
		}
		key = binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(key, u.stage), u.manifest)
	}
	id, have := l.byList[string(key)]
	if !have {
		id = uint32(len(l.sets))
		l.sets = append(l.sets, inputSet{known: true, list: list})
		l.byList[string(key)] = id
	}
	return id
}

// list keeps the order given, which is that of the stages' names.
func (l *Ledger) list(inputs []claim.Input) []used {
	out := make([]used, len(inputs))
	for i, in := range inputs {
		out[i] = used{l.names.id(in.Stage), l.digest(in.Manifest)}
	}
	return out
}

func (l *Ledger) at(n uint32) *packed { return &l.records[n/chunk][n%chunk] }

// index sorts the records by stage.
func (l *Ledger) index() {
	if l.byStage != nil && l.sorted == l.n {
		return
	}
	counts := make([]uint32, len(l.names.list)+1)
	for n := range uint32(l.n) {
		counts[l.builds.value(l.at(n).build).stage]++
	}
	numbers := make([]uint32, l.n)
	starts := make([]uint32, len(counts))
	for i, sum := 0, uint32(0); i < len(counts); i++ {
		starts[i] = sum
		sum += counts[i]
	}
	next := append([]uint32(nil), starts...)
	for n := range uint32(l.n) {
		s := l.builds.value(l.at(n).build).stage
		numbers[next[s]] = n
		next[s]++
	}
	l.byStage = map[uint32][]uint32{}
	for s, c := range counts {
		if c > 0 {
			l.byStage[uint32(s)] = numbers[starts[s] : starts[s]+c]
		}
	}
	l.sorted = l.n
}

// interner numbers distinct values from 1; 0 is the zero value.
type interner[K comparable] struct {
	ids  map[K]uint32
	list []K
}

func (n *interner[K]) id(k K) uint32 {
	var zero K
	if k == zero {
		return 0
	}
	if id, ok := n.ids[k]; ok {
		return id
	}
	if n.ids == nil {
		n.ids = map[K]uint32{}
	}
	n.list = append(n.list, k)
	id := uint32(len(n.list))
	n.ids[k] = id
	return id
}

// find is the number of a value, or 0 when it is not there.
func (n *interner[K]) find(k K) uint32 { return n.ids[k] }

func (n *interner[K]) value(id uint32) (k K) {
	if id == 0 {
		return k
	}
	return n.list[id-1]
}
