package judge

import (
	"crypto/sha256"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim"
	"github.com/stagescope/stagescope/chain/claim/party"
	"github.com/stagescope/stagescope/chain/claim/policy"
)

var now = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)

// d is the digest of a text.
func d(text string) chain.Digest { return chain.SHA256(sha256.Sum256([]byte(text))) }

// world is a chain a, b from a, c from b and a, e from c; and those who claim.
func world(t testing.TB) *Case {
	t.Helper()
	return &Case{
		Release: "2026.03.0", Parties: everyone(), Policy: policy.Default(), Now: now,
		Stages: []Stage{
			{ID: "a", Recipe: d("recipe a"), Hours: 0.1},
			{ID: "b", Recipe: d("recipe b"), Needs: []string{"a"}, Hours: 1},
			{ID: "c", Recipe: d("recipe c"), Needs: []string{"b", "a"}, Hours: 2},
			{ID: "e", Recipe: d("recipe e"), Needs: []string{"c"}, Hours: 1},
		},
	}
}

var everyone = sync.OnceValue(func() *party.Parties {
	text := ""
	for _, p := range []string{"alice person", "bob person", "mallory person", "dora person", "robot ci", "acme organisation"} {
		var name, kind string
		if _, err := fmt.Sscan(p, &name, &kind); err != nil {
			panic(err)
		}
		text += fmt.Sprintf("[[party]]\nname = %q\nkind = %q\n", name, kind)
		if name == "dora" {
			text += "organisation = \"acme\"\n"
		}
	}
	parties, err := party.Read("parties.toml", []byte(text), now, nil)
	if err != nil {
		panic(err)
	}
	return parties
})

// out is an image at all levels; images of one content before the "/" differ in
// their wrapping only.
func out(text string) claim.Output {
	content, _, _ := cut(text)
	return claim.Output{Index: d("index " + text), Manifest: d("manifest " + text), Rootfs: d("rootfs " + content), Files: d("files " + content)}
}

func cut(s string) (string, string, bool) {
	for i := range s {
		if s[i] == '/' {
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}

var vendors = map[string]string{"alice": "AuthenticAMD", "bob": "GenuineIntel", "mallory": "AuthenticAMD", "dora": "ARM", You: "GenuineIntel", "robot": "ARM", "acme": "ARM"}

// built is a verified rebuild claim by a party, with inputs as pairs of a stage
// and its image.
func built(who, stage, image string, inputs ...string) claim.Claim {
	c := claim.Claim{
		Kind: claim.KindRebuild, Party: who, Key: "key of " + who, Stage: stage, Release: "2026.03.0", Recipe: d("recipe " + stage),
		Mode: claim.ModeRebuilt, Output: out(image), Finished: now.Add(-time.Hour),
		Environment: claim.Environment{CPUVendor: vendors[who], Kernel: "6.8", BuildKit: "v0.31.1"}, Verification: claim.Verification{State: claim.Verified},
	}
	if who == You {
		c.Kind, c.Key = claim.KindOwn, ""
	} else {
		c.Bundle = claim.Digest(sha256.Sum256([]byte(who + stage + image + fmt.Sprint(inputs))))
	}
	for i := 0; i+1 < len(inputs); i += 2 {
		o := out(inputs[i+1])
		c.Inputs = append(c.Inputs, claim.Input{Stage: inputs[i], Manifest: o.Manifest, Rootfs: o.Rootfs})
	}
	if len(inputs) > 0 || stage == "a" {
		i, err := claim.InputDigest(c.Recipe, c.Inputs)
		if err != nil {
			panic(err)
		}
		c.Input = i
	}
	return c
}

// says is a verified claim of another kind, at one level.
func says(kind claim.Kind, who, stage string, dg chain.Digest, l chain.Level) claim.Claim {
	c := claim.Claim{Kind: kind, Party: who, Stage: stage, Output: claim.OutputOf(dg, l), Verification: claim.Verification{State: claim.Verified}}
	if kind == claim.KindPGP {
		c.Key = "pgp of " + who
	}
	return c
}

func tree(stage, image string) claim.Claim {
	return says(claim.KindTree, "tree", stage, out(image).Manifest, chain.LevelManifest)
}

func signed(who, stage, image string) claim.Claim {
	return says(claim.KindPGP, who, stage, out(image).Manifest, chain.LevelManifest)
}

func with(c claim.Claim, change func(*claim.Claim)) claim.Claim {
	change(&c)
	return c
}

func unverified(c claim.Claim) claim.Claim {
	c.Verification = claim.Verification{State: claim.Unverified, Reason: "no known party has the key"}
	return c
}

func judged(c *Case, claims ...claim.Claim) *Judgement {
	var l Ledger
	for i := range claims {
		l.Add(&claims[i])
	}
	return l.Judge(c)
}

func verdictOf(t testing.TB, j *Judgement, stage string) *claim.Verdict {
	t.Helper()
	for i := range j.Verdicts {
		if j.Verdicts[i].Stage == stage {
			return &j.Verdicts[i]
		}
	}
	t.Fatalf("no verdict of %q", stage)
	return nil
}

func flagOf(v *claim.Verdict, kind claim.FlagKind) *claim.Flag {
	for i := range v.Flags {
		if v.Flags[i].Kind == kind {
			return &v.Flags[i]
		}
	}
	return nil
}
