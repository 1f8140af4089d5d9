package judge

import (
	"cmp"
	"slices"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim"
	"github.com/stagescope/stagescope/chain/claim/party"
	"github.com/stagescope/stagescope/chain/claim/policy"
)

// group is the claims of one output.
type group struct {
	claim.Group
	key      uint32      // the digest that they state at the level
	level    chain.Level // at which key is; another than the stage's when they state none there
	out      output      // all levels, as far as they are stated without contradiction
	members  []int       // of local.members
	beside   []int
	blocks   bool
	persons  []*party.Party // that count
	onlySelf bool
}

// commit fills in the inner digests that an outer digest commits to, where bytes
// were hashed here, and finds claims that contradict what a digest commits to.
// Such a claim counts for nothing; it still disagrees.
func (j *judging) commit(s *local) {
	for l := chain.LevelIndex; l < chain.LevelFiles; l++ {
		in := l + 1 - chain.LevelIndex
		known := map[uint32]uint32{}  // outer → inner, from bytes
		stated := map[uint32]uint32{} // the same, from anyone
		bad := map[uint32]bool{}      // outer digests with two inner ones
		for k := range s.members {
			m := &s.members[k]
			outer, inner := m.out[in-1], m.out[in]
			if outer == 0 || inner == 0 {
				continue
			}
			if have, ok := known[outer]; m.hashed() && ok && have != inner {
				known[outer] = 0 // what is said to have been hashed here contradicts itself
			} else if m.hashed() {
				known[outer] = inner
			}
			if have := stated[outer]; have != 0 && have != inner {
				bad[outer] = true
			}
			stated[outer] = inner
		}
		for k := range s.members {
			m := &s.members[k]
			outer := m.out[in-1]
			if bad[outer] && outer != 0 {
				j.contradiction(s, m, known[outer], in)
			}
			if m.out[in] == 0 && known[outer] != 0 && outer != 0 && !bad[outer] {
				m.out[in] = known[outer]
			}
		}
	}
}

// contradiction says of one of several claims that agree on a digest and not on
// what is in it that it does not count, unless bytes here prove it right.
func (j *judging) contradiction(s *local, m *member, proven uint32, in chain.Level) {
	inner := m.out[in]
	if inner == 0 || proven == inner {
		return
	}
	m.counts = false
	text := "they agree on the " + in.String() + " digest and differ on the digest of the " + (in + 1).String() + " in it: one of them is wrong, and none of them counts"
	if proven != 0 {
		text = "what they say is in the " + in.String() + " is not what is in it: they do not count"
	}
	s.flag(claim.FlagContradiction, text, j.names(m.record), m.record)
}

// compared is the level at which the stage is compared: the policy's, if anyone
// states a digest there; else that of those who built it, else that of most.
func (j *judging) compared(s *local) chain.Level {
	var all, built [chain.LevelFiles + 1]int
	for k := range s.members {
		m := &s.members[k]
		for l := chain.LevelIndex; l <= chain.LevelFiles; l++ {
			if m.out.level(l) != 0 {
				all[l]++
				if m.built() {
					built[l]++
				}
			}
		}
	}
	want := j.c.Policy.Level
	if want != chain.LevelUnknown && all[want] > 0 {
		return want
	}
	best := chain.LevelUnknown
	for l := chain.LevelIndex; l <= chain.LevelFiles; l++ {
		if all[l] > 0 && (best == chain.LevelUnknown || built[l] > built[best] || built[l] == built[best] && all[l] > all[best]) {
			best = l
		}
	}
	return best
}

// group puts the members together that state one output.
func (j *judging) group(s *local) {
	s.level = j.compared(s)
	byKey := map[uint32]*group{}
	var without []int
	for k := range s.members {
		key := s.members[k].out.level(s.level)
		if key == 0 {
			without = append(without, k)
			continue
		}
		s.join(byKey, key, s.level, k)
	}
	s.place(j, byKey, without)
	for _, g := range byKey {
		s.groups = append(s.groups, g)
	}
	for _, g := range s.groups {
		j.fill(s, g)
	}
	slices.SortFunc(s.groups, func(a, b *group) int {
		if a.blocks != b.blocks {
			if a.blocks {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(b.Claims, a.Claims), cmp.Compare(a.Output.At(a.level), b.Output.At(b.level)))
	})
	for _, g := range s.groups {
		if g.blocks {
			s.blocks++
		}
	}
}

func (s *local) join(byKey map[uint32]*group, key uint32, l chain.Level, k int) {
	g := byKey[key]
	if g == nil {
		g = &group{key: key, level: l}
		byKey[key] = g
	}
	g.members = append(g.members, k)
	s.members[k].group = g
}

// place finds a place for the claims that state no digest at the level compared:
// beside a group that agrees at another level, in a group of their own when they
// disagree there, and nowhere when nobody else states that level.
func (s *local) place(j *judging, byKey map[uint32]*group, without []int) {
	stated := map[uint32]*group{} // digest at any level → the group with it; nil: several
	var levels [chain.LevelFiles + 1]bool
	for _, g := range byKey {
		for _, k := range g.members {
			for l := chain.LevelIndex; l <= chain.LevelFiles; l++ {
				d := s.members[k].out.level(l)
				if d == 0 {
					continue
				}
				levels[l] = true
				if have, ok := stated[d]; ok && have != g {
					stated[d] = nil
				} else {
					stated[d] = g
				}
			}
		}
	}
	for _, k := range without {
		m := &s.members[k]
		agrees, disagrees := false, chain.LevelUnknown
		for l := chain.LevelIndex; l <= chain.LevelFiles; l++ {
			d := m.out.level(l)
			if d == 0 || !levels[l] {
				continue
			}
			if g, ok := stated[d]; ok {
				agrees = true
				if g != nil {
					g.beside = append(g.beside, k)
				}
			} else if disagrees == chain.LevelUnknown {
				disagrees = l
			}
		}
		switch {
		case agrees:
			m.counts = false
		case disagrees != chain.LevelUnknown:
			s.join(byKey, m.out.level(disagrees), disagrees, k)
		default:
			s.flag(claim.FlagIncomparable, "the digest is of a level at which nobody else states one", j.names(m.record), m.record)
		}
	}
}

// fill writes what a group looks like from outside.
func (j *judging) fill(s *local, g *group) {
	var conflict output
	for _, k := range g.members {
		m := &s.members[k]
		g.blocks = g.blocks || m.bound
		for l := range m.out {
			switch d := m.out[l]; {
			case d == 0 || conflict[l] != 0:
			case g.out[l] == 0:
				g.out[l] = d
			case g.out[l] != d: // one of several images at this level: none speaks for all
				g.out[l], conflict[l] = 0, 1
			}
		}
	}
	g.Output = claim.Output{Index: j.l.text(g.out[0]), Manifest: j.l.text(g.out[1]), Rootfs: j.l.text(g.out[2]), Files: j.l.text(g.out[3])}
	g.Parties, g.Beside = j.partiesOf(s, g.members), j.partiesOf(s, g.beside)
	g.Claims = len(g.members)
}

func (j *judging) partiesOf(s *local, members []int) []string {
	if len(members) == 0 {
		return nil
	}
	records := make([]*record, len(members))
	for i, k := range members {
		records[i] = s.members[k].record
	}
	return j.names(records...)
}

// names are the distinct parties of records, sorted; one of nobody known goes by
// its key.
func (j *judging) names(records ...*record) []string {
	out := make([]string, 0, len(records))
	for _, r := range records {
		name := j.l.names.value(r.party)
		if name == "" {
			name = "key " + j.l.names.value(r.key)
		}
		out = append(out, name)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// count counts the persons of a group, each once, and the makers of the CPUs
// that they built on.
func (j *judging) count(s *local, g *group) {
	vendors := map[string]bool{}
	var signers []*party.Party
	var seen, signed = map[uint32]bool{}, map[uint32]bool{}
	g.onlySelf = true
	for _, k := range g.members {
		m := &s.members[k]
		p := j.party(m.party)
		if claim.Kind(m.kind) == claim.KindPGP && j.c.Policy.Counts(p) && !signed[m.party] {
			signed[m.party] = true
			signers = append(signers, p)
		}
		if m.counts {
			if v := j.vendor(m.record, p); v != "" {
				vendors[v] = true
			}
			g.onlySelf = g.onlySelf && p.Self
			if !seen[m.party] {
				seen[m.party] = true
				g.persons = append(g.persons, p)
			}
		}
	}
	g.Persons, g.Vendors, g.Signers = policy.Persons(g.persons), len(vendors), policy.Persons(signers)
	j.samePerson(s, g)
}

// samePerson flags a person who signed with more than one key.
func (j *judging) samePerson(s *local, g *group) {
	keys, several := map[uint32]uint32{}, map[uint32]bool{}
	signs := func(m *member) bool { return m.key != 0 && (m.counts || claim.Kind(m.kind) == claim.KindPGP) }
	for _, k := range g.members {
		m := &s.members[k]
		if !signs(m) {
			continue
		}
		if have, ok := keys[m.party]; ok && have != m.key {
			several[m.party] = true
		}
		keys[m.party] = m.key
	}
	var all roll
	for _, k := range g.members {
		if m := &s.members[k]; len(several) > 0 && signs(m) && several[m.party] {
			all.add(m.record)
		}
	}
	if len(all.list) > 0 {
		s.flag(claim.FlagSamePerson, "signed with more than one key of a person, who counts once", j.names(all.list...), all.list...)
	}
}

// vendor is the maker of the CPU that a build ran on: as stated, else that of the
// party's machines, when they are all of one.
func (j *judging) vendor(r *record, p *party.Party) string {
	if r.vendor != 0 {
		return j.l.names.value(r.vendor)
	}
	only := ""
	for _, m := range p.Machines {
		if only != "" && only != m.CPUVendor {
			return ""
		}
		only = m.CPUVendor
	}
	return only
}

// preferred says what diversity the policy would like and does not get.
func (j *judging) preferred(s *local, g *group) {
	if j.c.Policy.Prefer == (policy.Preference{}) {
		return
	}
	kernels, kits, orgs := map[uint32]bool{}, map[uint32]bool{}, map[string]bool{}
	for _, k := range g.members {
		if m := &s.members[k]; m.counts {
			kernels[m.kernel], kits[m.buildkit] = true, true
		}
	}
	delete(kernels, 0)
	delete(kits, 0)
	for _, p := range g.persons {
		switch {
		case p.Organisation != "":
			orgs[p.Organisation] = true
		default: // a person of no organisation, or one itself
			orgs[p.Name] = true
		}
	}
	for _, x := range []struct {
		want, have int
		what       string
	}{{j.c.Policy.Prefer.Kernels, len(kernels), "kernel"}, {j.c.Policy.Prefer.BuildKits, len(kits), "BuildKit version"}, {j.c.Policy.Prefer.Organisations, len(orgs), "organisation"}} {
		if n := x.want - x.have; n > 0 {
			s.flag(claim.FlagUniform, "the policy prefers "+more(n, x.what), nil)
		}
	}
}
