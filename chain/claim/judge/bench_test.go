package judge

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim"
	"github.com/stagescope/stagescope/chain/claim/party"
	"github.com/stagescope/stagescope/chain/claim/policy"
)

// manyParties are n persons, on CPUs of three makers.
func manyParties(tb testing.TB, n int) *party.Parties {
	text := ""
	for i := range n {
		text += fmt.Sprintf("[[party]]\nname = \"party %d\"\nkind = \"person\"\n", i)
	}
	p, err := party.Read("parties.toml", []byte(text), now, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// bigCase is a chain like StageX's: 513 stages, seven needs each.
func bigCase(parties *party.Parties, release string) *Case {
	c := &Case{Release: release, Parties: parties, Policy: policy.Default(), Now: now}
	for i := range 513 {
		s := Stage{ID: fmt.Sprintf("stage %d", i), Recipe: d(fmt.Sprintf("%s recipe %d", release, i)), Hours: 0.5}
		for k := 1; k <= 7 && k*k <= i; k++ {
			s.Needs = append(s.Needs, fmt.Sprintf("stage %d", i-k*k))
		}
		c.Stages = append(c.Stages, s)
	}
	return c
}

// everyClaim is the claims of n parties about all stages of a release. One in a thousand
// disagrees about one stage in fifty.
func everyClaim(c *Case, n int, take func(*claim.Claim)) {
	bundle, number := claim.Digest{}, uint64(0)
	for i := range c.Stages {
		st := &c.Stages[i]
		var inputs []claim.Input
		for _, need := range slices.Sorted(slices.Values(st.Needs)) {
			o := out(c.Release + need)
			inputs = append(inputs, claim.Input{Stage: need, Manifest: o.Manifest, Rootfs: o.Rootfs})
		}
		x := claim.Claim{Kind: claim.KindRebuild, Stage: st.ID, Release: c.Release, Recipe: st.Recipe, Inputs: inputs, Mode: claim.ModeRebuilt,
			Output: out(c.Release + st.ID), Finished: now.Add(-time.Hour), Repeats: 2, Identical: 2, Verification: claim.Verification{State: claim.Verified}}
		var err error
		if x.Input, err = claim.InputDigest(x.Recipe, inputs); err != nil {
			panic(err)
		}
		same, other := x.Output, out(c.Release+st.ID+" dissent")
		for k := range n {
			x.Party, x.Key = c.Parties.List[k].Name, "sha256:"+c.Parties.List[k].Name
			x.Environment = claim.Environment{CPUVendor: [...]string{"AuthenticAMD", "GenuineIntel", "ARM"}[k%3], Kernel: "6.8", BuildKit: "v0.31.1"}
			x.Output = same
			if i%50 == 7 && k%1000 == 3 {
				x.Output = other
			}
			number++
			binary.LittleEndian.PutUint64(bundle[:], number)
			copy(bundle[8:], c.Release)
			x.Bundle = bundle
			take(&x)
		}
	}
}

func tally(j *Judgement) map[claim.Status]int {
	out := map[claim.Status]int{}
	for i := range j.Verdicts {
		out[j.Verdicts[i].Status]++
	}
	return out
}

func report(b *testing.B) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(m.Sys)/1e6, "MB-from-system")
}

// BenchmarkRelease is what a person waits for: 10 parties, one release.
func BenchmarkRelease(b *testing.B) {
	c := bigCase(manyParties(b, 10), "2026.03.0")
	var claims []claim.Claim
	everyClaim(c, 10, func(x *claim.Claim) { claims = append(claims, *x) })
	for b.Loop() {
		var l Ledger
		for i := range claims {
			l.Add(&claims[i])
		}
		if j := l.Judge(c); len(j.Verdicts) != 513 {
			b.Fatal(len(j.Verdicts))
		}
	}
}

// BenchmarkMillions is 1,000 parties by 513 stages by 12 releases: 6,156,000
// records taken in and judged.
func BenchmarkMillions(b *testing.B) {
	parties := manyParties(b, 1000)
	for b.Loop() {
		var l Ledger
		var cases []*Case
		for r := range 12 {
			c := bigCase(parties, fmt.Sprintf("2026.%02d.0", r+1))
			cases = append(cases, c)
			everyClaim(c, 1000, l.Add)
		}
		if l.Len() != 6_156_000 {
			b.Fatal(l.Len())
		}
		for _, c := range cases {
			j := l.Judge(c)
			n := tally(j)
			if n[claim.Disputed] != 11 || len(j.First) != 11 || n[claim.Reproduced] == 0 || n[claim.Reproduced]+n[claim.Disputed]+n[claim.Tainted] != 513 {
				b.Fatal(n, len(j.First))
			}
			if j.Verdicts[0].Persons != 1000 || j.Verdicts[0].Level != chain.LevelManifest {
				b.Fatal(j.Verdicts[0].Sentence())
			}
		}
		report(b)
		runtime.KeepAlive(&l)
	}
}
