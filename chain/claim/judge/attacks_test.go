package judge

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim"
)

// Each attack is made on a stage that one honest person has rebuilt: it must not
// become reproduced, and the attack must be seen.
func TestAttacks(t *testing.T) {
	honest := built("alice", "a", "1")
	old := func(c *claim.Claim) { c.Recipe = d("recipe of 2025.10.0") }
	twoKeys := with(built("alice", "a", "1"), func(c *claim.Claim) { c.Key, c.Bundle = "another key of alice", claim.Digest{9} })
	contradicts := with(built("bob", "a", "1"), func(c *claim.Claim) { c.Output.Rootfs, c.Output.Files = d("other"), "" })
	signedTwice := with(signed("alice", "a", "1"), func(c *claim.Claim) { c.Key = "a subkey of alice" })
	for name, x := range map[string]struct {
		claims []claim.Claim
		status claim.Status
		flag   claim.FlagKind
	}{
		"replay of an old release's claim":   {[]claim.Claim{honest, with(built("bob", "a", "1"), old)}, claim.Single, claim.FlagReplay},
		"replay that is of another release":  {[]claim.Claim{honest, with(built("bob", "a", "1"), func(c *claim.Claim) { old(c); c.Release = "2025.10.0" })}, claim.Single, claim.FlagEqualOutput},
		"one person with two keys":           {[]claim.Claim{honest, twoKeys}, claim.Single, claim.FlagSamePerson},
		"one person with two subkeys":        {[]claim.Claim{tree("a", "1"), signed("alice", "a", "1"), signedTwice}, claim.Signed, claim.FlagSamePerson},
		"a digest copied and declared":       {[]claim.Claim{honest, with(built("bob", "a", "1"), func(c *claim.Claim) { c.Mode = claim.ModePulled })}, claim.Single, claim.FlagPulled},
		"a mode that is not stated":          {[]claim.Claim{honest, with(built("bob", "a", "1"), func(c *claim.Claim) { c.Mode = claim.ModeUnknown })}, claim.Single, claim.FlagPulled},
		"a claim of nobody known":            {[]claim.Claim{honest, unverified(built("", "a", "1"))}, claim.Single, claim.FlagNone},
		"dissent of nobody known":            {[]claim.Claim{honest, unverified(built("", "a", "2"))}, claim.Single, claim.FlagDissent},
		"a refused claim":                    {[]claim.Claim{honest, with(built("bob", "a", "1"), func(c *claim.Claim) { c.Verification = claim.Verification{State: claim.Refused, Reason: "bad"} })}, claim.Single, claim.FlagRefused},
		"a claim that nobody looked at":      {[]claim.Claim{honest, with(built("bob", "a", "1"), func(c *claim.Claim) { c.Verification = claim.Verification{} })}, claim.Single, claim.FlagNone},
		"a verified claim of no party":       {[]claim.Claim{honest, built("zoe", "a", "1")}, claim.Single, claim.FlagMachine},
		"a digest with other contents":       {[]claim.Claim{honest, contradicts}, claim.Unclaimed, claim.FlagContradiction},
		"other contents than the bytes have": {[]claim.Claim{built(You, "a", "1"), contradicts}, claim.SelfOnly, claim.FlagContradiction},
		"two outputs to muddle a dispute":    {[]claim.Claim{honest, built("bob", "a", "1"), built("mallory", "a", "2"), built("mallory", "a", "1")}, claim.Flaky, claim.FlagEquivocation},
		"two outputs, neither the honest":    {[]claim.Claim{honest, built("bob", "a", "1"), built("mallory", "a", "2"), built("mallory", "a", "3")}, claim.Disputed, claim.FlagEquivocation},
		"a claim from the future":            {[]claim.Claim{honest, with(built("bob", "a", "1"), func(c *claim.Claim) { c.Finished = now.AddDate(1, 0, 0) })}, claim.Single, claim.FlagStale},
		"an attestation is no rebuild":       {[]claim.Claim{honest, with(built("bob", "a", "1"), func(c *claim.Claim) { c.Kind = claim.KindAttestation })}, claim.Single, claim.FlagNone},
		"an invented input digest":           {[]claim.Claim{honest, with(built("bob", "a", "2"), func(c *claim.Claim) { c.Input = "sha256:zz" })}, claim.Disputed, claim.FlagNone},
		"a legacy form":                      {[]claim.Claim{tree("a", "1"), with(signed("bob", "a", "1"), func(c *claim.Claim) { c.Legacy = "array" })}, claim.Signed, claim.FlagLegacy},
	} {
		t.Run(name, func(t *testing.T) {
			v := verdictOf(t, judged(world(t), x.claims...), "a")
			if v.Status != x.status || v.Met {
				t.Errorf("%s, met %v: %s", v.Status, v.Met, v.Sentence())
			}
			if x.flag != claim.FlagNone && flagOf(v, x.flag) == nil {
				t.Errorf("no flag %q: %+v", x.flag, v.Flags)
			}
		})
	}
}

// Many files by one person are one person; the same bundle from two places is
// one claim.
func TestFilesAreNoPersons(t *testing.T) {
	var claims []claim.Claim
	for i := range 50 {
		claims = append(claims, with(built("alice", "a", "1"), func(c *claim.Claim) { c.Bundle = claim.Digest{byte(i + 1)} }))
	}
	claims = append(claims, claims...)
	v := verdictOf(t, judged(world(t), claims...), "a")
	if v.Persons != 1 || v.Groups[0].Claims != 50 || v.Met {
		t.Errorf("%d persons of %d claims, met %v", v.Persons, v.Groups[0].Claims, v.Met)
	}
}

// Two stages with one image: it happened, and is always said.
func TestEqualOutputs(t *testing.T) {
	j := judged(world(t), tree("a", "same"), tree("b", "same"), tree("c", "c1"))
	for _, stage := range []string{"a", "b"} {
		if f := flagOf(verdictOf(t, j, stage), claim.FlagEqualOutput); f == nil {
			t.Errorf("%s: not flagged", stage)
		}
	}
	if f := flagOf(verdictOf(t, j, "c"), claim.FlagEqualOutput); f != nil {
		t.Errorf("c: %+v", f)
	}
}

// A tag that moves, or a signature of no known release, is no dispute: it may be
// of another release. It is never silent either.
func TestUnknownRelease(t *testing.T) {
	moving := says(claim.KindRegistry, "docker.io/stagex", "a", out("0").Manifest, chain.LevelManifest)
	fixed := with(moving, func(c *claim.Claim) { c.Release = "2026.03.0" })
	other := with(moving, func(c *claim.Claim) { c.Release = "2025.10.0" })
	base := []claim.Claim{built("alice", "a", "1"), built("bob", "a", "1"), tree("a", "1")}
	for _, x := range []struct {
		more   claim.Claim
		status claim.Status
		flags  int
	}{{moving, claim.Reproduced, 1}, {fixed, claim.Disputed, 0}, {other, claim.Reproduced, 0}, {signed("mallory", "a", "0"), claim.Reproduced, 1}} {
		v := verdictOf(t, judged(world(t), append(base[:3:3], x.more)...), "a")
		if v.Status != x.status || len(v.Flags) != x.flags {
			t.Errorf("%s of %q: %s, %+v", x.more.Kind, x.more.Release, v.Status, v.Flags)
		}
	}
}

// Digests of the index are compared with those of the index alone, except where
// bytes here show which manifest it wraps.
func TestLevels(t *testing.T) {
	index := func(kind claim.Kind, who, image string) claim.Claim {
		return says(kind, who, "a", out(image).Index, chain.LevelIndex)
	}
	for name, x := range map[string]struct {
		claims  []claim.Claim
		status  claim.Status
		level   chain.Level
		parties []string
		beside  []string
		signers int
	}{
		"an era of indexes":          {[]claim.Claim{index(claim.KindTree, "tree", "1"), index(claim.KindPGP, "bob", "1")}, claim.Signed, chain.LevelIndex, []string{"bob", "tree"}, nil, 1},
		"bytes here connect them":    {[]claim.Claim{index(claim.KindTree, "tree", "1"), index(claim.KindPGP, "bob", "1"), built(You, "a", "1")}, claim.SelfOnly, chain.LevelManifest, []string{"bob", "tree", "you"}, nil, 1},
		"a claim alone does not":     {[]claim.Claim{index(claim.KindTree, "tree", "1"), index(claim.KindPGP, "bob", "1"), built("alice", "a", "1")}, claim.Single, chain.LevelManifest, []string{"alice"}, []string{"bob", "tree"}, 0},
		"another index is a dissent": {[]claim.Claim{index(claim.KindTree, "tree", "2"), built("alice", "a", "1")}, claim.Disputed, chain.LevelManifest, []string{"alice"}, nil, 0},
		"a level that nobody else has": {[]claim.Claim{index(claim.KindTree, "tree", "2"), with(built("alice", "a", "1"), func(c *claim.Claim) { c.Output.Index = "" })},
			claim.Single, chain.LevelManifest, []string{"alice"}, nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			v := verdictOf(t, judged(world(t), x.claims...), "a")
			if v.Status != x.status || v.Level != x.level || v.Signers != x.signers {
				t.Errorf("%s at %s, %d signers", v.Status, v.Level, v.Signers)
			}
			var g claim.Group
			for _, y := range v.Groups {
				if len(x.parties) > 0 && len(y.Parties) > 0 && y.Parties[0] == x.parties[0] {
					g = y
				}
			}
			if diff := cmp.Diff(x.parties, g.Parties); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(x.beside, g.Beside); diff != "" {
				t.Error(diff)
			}
			if incomparable := flagOf(v, claim.FlagIncomparable) != nil; incomparable != (name == "a level that nobody else has") {
				t.Errorf("incomparable: %v", incomparable)
			}
		})
	}
}
