package policy

import (
	"fmt"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim/party"
)

// Never says why the parties at hand, with the user, can never meet the policy,
// one reason each. None means that they could; not that they do.
func (p *Policy) Never(parties *party.Parties) []string {
	rebuild, signed := p.neverRebuilt(parties), p.neverSigned(parties)
	switch {
	case p.Signers == 0:
		return rebuild
	case len(rebuild) == 0 || len(signed) == 0:
		return nil // one of the two ways is open
	}
	return append(rebuild, signed...)
}

func (p *Policy) neverRebuilt(parties *party.Parties) []string {
	able := p.able(parties)
	var why []string
	if n := Persons(able); n < p.Persons {
		why = append(why, fmt.Sprintf("it asks for %d persons who rebuilt, and %d can make claims that count (parties with a claim key that may count, and you)", p.Persons, n))
	}
	vendors := map[string]bool{}
	for _, x := range able {
		if len(x.Machines) == 0 {
			return why // whatever that party builds on
		}
		for _, m := range x.Machines {
			vendors[m.CPUVendor] = true
		}
	}
	if len(able) > 0 && len(vendors) < p.CPUVendors {
		why = append(why, fmt.Sprintf("it asks for %d CPU vendors, and the parties' machines have %d", p.CPUVendors, len(vendors)))
	}
	return why
}

func (p *Policy) neverSigned(parties *party.Parties) []string {
	var able []*party.Party
	if parties != nil {
		for _, x := range parties.List {
			if len(x.PGP) > 0 && p.Counts(x) {
				able = append(able, x)
			}
		}
	}
	if n := Persons(able); n < p.Signers {
		return []string{fmt.Sprintf("it accepts signatures of %d persons, and %d parties have a PGP key", p.Signers, n)}
	}
	if p.Level != chain.LevelManifest && p.Level != chain.LevelIndex {
		return []string{fmt.Sprintf("it accepts signatures, which are of manifests, and compares %s", p.Level)}
	}
	return nil
}

// able are the parties whose rebuilds can count, the user included.
func (p *Policy) able(parties *party.Parties) []*party.Party {
	self := parties.Self()
	able := []*party.Party{}
	if self == nil {
		able = append(able, &party.Party{Name: "you", Kind: party.Person})
	}
	if parties == nil {
		return able
	}
	for _, x := range parties.List {
		usable := x == self
		for _, k := range x.Keys {
			usable = usable || !k.Revoked
		}
		if usable && p.Counts(x) {
			able = append(able, x)
		}
	}
	return able
}

// Counts says whether evidence by a party counts as a person's.
func (p *Policy) Counts(x *party.Party) bool {
	switch x.Kind {
	case party.Person, party.Organisation:
		return true
	case party.CI:
		return p.CI
	}
	return false
}

// Persons is how many distinct persons parties are. An organisation, or a
// service, is not one beside somebody who belongs to it.
func Persons(parties []*party.Party) int {
	members := map[string]bool{}
	for _, x := range parties {
		if x.Kind == party.Person && x.Organisation != "" {
			members[x.Organisation] = true
		}
	}
	seen := map[string]bool{}
	n := 0
	for _, x := range parties {
		key := x.Name
		switch x.Kind {
		case party.Organisation:
			if members[x.Name] {
				continue
			}
		case party.CI:
			if x.Organisation != "" {
				if members[x.Organisation] {
					continue
				}
				key = x.Organisation // all services of one owner are one, and the owner too
			}
		}
		if !seen[key] {
			seen[key] = true
			n++
		}
	}
	return n
}
