package judge

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim"
	"github.com/stagescope/stagescope/chain/claim/policy"
)

// someClaims are claims of all kinds, often in agreement, with inputs that fit
// together or not.
func someClaims(r *rand.Rand) []claim.Claim {
	who := []string{"alice", "bob", "mallory", "dora", "robot", "acme", You, ""}
	needs := map[string][]string{"b": {"a"}, "c": {"a", "b"}, "e": {"c"}}
	image := func(stage string) string { return fmt.Sprintf("%s%d/%d", stage, 1+r.IntN(8)/7, 1+r.IntN(8)/7) }
	var out []claim.Claim
	for range 1 + r.IntN(24) {
		stage := []string{"a", "b", "c", "e"}[r.IntN(4)]
		p := who[r.IntN(len(who))]
		var c claim.Claim
		switch r.IntN(6) {
		case 0:
			c = tree(stage, image(stage))
		case 1:
			c = signed(p, stage, image(stage))
			c.Release = []string{"", "2026.03.0", "2025.10.0"}[r.IntN(3)]
		default:
			var inputs []string
			if r.IntN(4) > 0 {
				for _, n := range needs[stage] {
					inputs = append(inputs, n, image(n))
				}
			}
			c = built(p, stage, image(stage), inputs...)
			change(r, &c)
		}
		if p == "" && c.Kind != claim.KindTree {
			c = unverified(c)
		}
		if !c.Bundle.IsZero() {
			c.Bundle = claim.Digest{byte(len(out)), byte(r.Uint32()), byte(r.Uint32())} // one bundle, one claim
		}
		out = append(out, c)
	}
	return out
}

func change(r *rand.Rand, c *claim.Claim) {
	switch r.IntN(12) {
	case 0:
		c.Repeats, c.Identical = 3, 1+r.IntN(3)
	case 1:
		c.Mode = claim.ModePulled
	case 2:
		c.Output, c.Failure = claim.Output{}, &claim.Failure{Phase: "make"}
	case 3:
		c.Recipe = d("another recipe")
	case 4:
		c.Output.Rootfs = d("another rootfs")
	case 5:
		c.Output = claim.OutputOf(c.Output.Rootfs, chain.LevelRootfs)
	case 6:
		*c = unverified(*c)
	}
}

func somePolicy(r *rand.Rand) *policy.Policy {
	p := policy.Default()
	p.Persons, p.CPUVendors, p.Signers = 1+r.IntN(3), r.IntN(3), r.IntN(3)
	p.Level = chain.LevelManifest + chain.Level(r.IntN(3))
	p.Dissent, p.Intermittent, p.CI = policy.Action(r.IntN(2)), policy.Action(r.IntN(2)), r.IntN(2) == 0
	return p
}

func runs(t *testing.T, f func(t *testing.T, r *rand.Rand, c *Case)) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 5))
		c := world(t)
		c.Policy = somePolicy(r)
		f(t, r, c)
		if t.Failed() {
			t.Fatalf("seed %d, policy %+v", seed, c.Policy)
		}
	}
}

// The order in which claims come in changes nothing.
func TestOrderDoesNotMatter(t *testing.T) {
	runs(t, func(t *testing.T, r *rand.Rand, c *Case) {
		claims := someClaims(r)
		first := judged(c, claims...)
		r.Shuffle(len(claims), func(i, j int) { claims[i], claims[j] = claims[j], claims[i] })
		if diff := cmp.Diff(first, judged(c, claims...)); diff != "" {
			t.Error(diff)
		}
	})
}

// grade orders verdicts by how good they are. Reconverged is an agreement like
// others; only that there is something to reconverge from is worse.
func grade(v *claim.Verdict) int {
	g := map[claim.Status]int{claim.Reproduced: 6, claim.Reconverged: 5, claim.Single: 5, claim.SelfOnly: 5, claim.Equivalent: 5, claim.Signed: 4,
		claim.Seed: 3, claim.Unclaimed: 3, claim.Failed: 2, claim.Tainted: 1, claim.Flaky: 0, claim.Disputed: 0}[v.Status]
	if v.Met {
		g += 10
	}
	return g
}

// A verified build with an output that nobody else has never makes any verdict
// better, whoever it is by.
func TestDissentNeverImproves(t *testing.T) {
	runs(t, func(t *testing.T, r *rand.Rand, c *Case) {
		c.Policy.Dissent = policy.Block
		claims := someClaims(r)
		before := judged(c, claims...)
		stage := []string{"a", "b", "c"}[r.IntN(3)]
		v := verdictOf(t, before, stage)
		if !slices.ContainsFunc(v.Groups, func(g claim.Group) bool { return g.Persons > 0 || slices.Contains(g.Parties, "tree") }) {
			return // there is nothing to dissent from: what is of no known release blocks nobody
		}
		dissent := built([]string{"mallory", "alice", You, "robot"}[r.IntN(4)], stage, "fresh")
		after := judged(c, append(claims, dissent)...)
		for i := range after.Verdicts {
			a, b := &before.Verdicts[i], &after.Verdicts[i]
			if a.Stage == stage && b.Status == claim.Reproduced || b.Met && !a.Met {
				t.Errorf("%s: %s (met %v) became %s (met %v)", b.Stage, a.Status, a.Met, b.Status, b.Met)
			}
			if grade(b) > grade(a) {
				t.Errorf("%s: %s became %s", b.Stage, a.Status, b.Status)
			}
		}
	})
}

// What is not verified raises nothing.
func TestUnverifiedNeverRaises(t *testing.T) {
	runs(t, func(t *testing.T, r *rand.Rand, c *Case) {
		claims := someClaims(r)
		before := judged(c, claims...)
		for range 5 {
			more := someClaims(r)
			for _, m := range more {
				if m.Kind != claim.KindTree {
					claims = append(claims, with(unverified(m), func(c *claim.Claim) { c.Bundle[0]++ }))
				}
			}
		}
		after := judged(c, claims...)
		for i := range after.Verdicts {
			a, b := before.Verdicts[i], after.Verdicts[i]
			if a.Status != b.Status || a.Met != b.Met || a.Persons != b.Persons || a.Signers != b.Signers {
				t.Errorf("%s: %s (met %v) became %s (met %v)", b.Stage, a.Status, a.Met, b.Status, b.Met)
			}
		}
	})
}
