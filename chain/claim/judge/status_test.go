package judge

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim"
	"github.com/stagescope/stagescope/chain/claim/policy"
)

type want struct {
	status claim.Status
	met    bool
	flags  []claim.FlagKind
	lacks  string
	taint  []string
	own    bool
}

func check(t *testing.T, v *claim.Verdict, w want) {
	t.Helper()
	if v.Status != w.status || v.Met != w.met || v.Own != w.own {
		t.Errorf("%s, met %v, own %v; want %s, %v, %v: %s", v.Status, v.Met, v.Own, w.status, w.met, w.own, v.Sentence())
	}
	var kinds []claim.FlagKind
	for _, f := range v.Flags {
		if !slices.Contains(kinds, f.Kind) {
			kinds = append(kinds, f.Kind)
		}
	}
	slices.Sort(w.flags)
	if diff := cmp.Diff(w.flags, kinds); diff != "" {
		t.Errorf("flags: %s", diff)
	}
	if got := strings.Join(v.Lacks, ", "); got != w.lacks {
		t.Errorf("lacks %q, want %q", got, w.lacks)
	}
	if diff := cmp.Diff(w.taint, v.Taint); diff != "" {
		t.Errorf("taint: %s", diff)
	}
}

// What the claims about one stage, which needs no other, establish.
func TestStatusOfOneStage(t *testing.T) {
	fail := func(who string) claim.Claim {
		return with(built(who, "a", "1"), func(c *claim.Claim) {
			c.Output, c.Failure = claim.Output{}, &claim.Failure{Phase: "make", Exit: 2}
		})
	}
	trials := func(c claim.Claim, identical, repeats int) claim.Claim {
		c.Identical, c.Repeats = identical, repeats
		return c
	}
	kinds := func(k ...claim.FlagKind) []claim.FlagKind { return k }
	signs := func(c *Case) { c.Policy.Signers = 2 }
	warn := func(c *Case) { c.Policy.Dissent = policy.Warn }
	for name, x := range map[string]struct {
		claims []claim.Claim
		change func(*Case)
		want   want
	}{
		"nothing":                     {nil, nil, want{status: claim.Unclaimed, lacks: "a claim"}},
		"a tree publishes":            {[]claim.Claim{tree("a", "1")}, nil, want{status: claim.Unclaimed, lacks: "2 more persons, 2 more CPU vendors"}},
		"a seed":                      {[]claim.Claim{tree("a", "1")}, func(c *Case) { c.Stages[0].Seed = true }, want{status: claim.Seed, lacks: "2 more persons, 2 more CPU vendors"}},
		"two signed":                  {[]claim.Claim{tree("a", "1"), signed("alice", "a", "1"), signed("bob", "a", "1")}, nil, want{status: claim.Signed, lacks: "2 more persons, 2 more CPU vendors"}},
		"two signed, which is enough": {[]claim.Claim{tree("a", "1"), signed("alice", "a", "1"), signed("bob", "a", "1")}, signs, want{status: claim.Signed, met: true}},
		"one signed, of two":          {[]claim.Claim{tree("a", "1"), signed("alice", "a", "1")}, signs, want{status: claim.Signed, lacks: "2 more persons, 2 more CPU vendors"}},
		"only you":                    {[]claim.Claim{built(You, "a", "1"), tree("a", "1")}, nil, want{status: claim.SelfOnly, lacks: "1 more person, 1 more CPU vendor"}},
		"one other":                   {[]claim.Claim{built("alice", "a", "1")}, nil, want{status: claim.Single, lacks: "1 more person, 1 more CPU vendor"}},
		"two of one CPU vendor":       {[]claim.Claim{built("alice", "a", "1"), built("mallory", "a", "1")}, nil, want{status: claim.Single, lacks: "1 more CPU vendor"}},
		"two agree":                   {[]claim.Claim{built("alice", "a", "1"), built("bob", "a", "1")}, nil, want{status: claim.Reproduced, met: true}},
		"you and another agree":       {[]claim.Claim{built("alice", "a", "1"), built(You, "a", "1"), tree("a", "1")}, nil, want{status: claim.Reproduced, met: true}},
		"two agree, one fails":        {[]claim.Claim{built("alice", "a", "1"), built("bob", "a", "1"), fail("dora")}, nil, want{status: claim.Reproduced, met: true, flags: kinds(claim.FlagFailed)}},
		"all fail":                    {[]claim.Claim{tree("a", "1"), fail("dora")}, nil, want{status: claim.Failed, flags: kinds(claim.FlagFailed), lacks: "2 more persons, 2 more CPU vendors"}},
		"a person and her employer":   {[]claim.Claim{built("dora", "a", "1"), built("acme", "a", "1")}, nil, want{status: claim.Single, lacks: "1 more person, 1 more CPU vendor"}},
		"a service does not count":    {[]claim.Claim{built("alice", "a", "1"), built("robot", "a", "1")}, nil, want{status: claim.Single, flags: kinds(claim.FlagMachine), lacks: "1 more person, 1 more CPU vendor"}},
		"a service that counts":       {[]claim.Claim{built("alice", "a", "1"), built("robot", "a", "1")}, func(c *Case) { c.Policy.CI = true }, want{status: claim.Reproduced, met: true}},
		"one of three disagrees":      {[]claim.Claim{built("alice", "a", "1"), built("bob", "a", "1"), built("mallory", "a", "2")}, nil, want{status: claim.Disputed, own: true, lacks: "agreement"}},
		"a service disagrees":         {[]claim.Claim{built("alice", "a", "1"), built("bob", "a", "1"), built("robot", "a", "2")}, nil, want{status: claim.Disputed, own: true, lacks: "agreement", flags: kinds(claim.FlagMachine)}},
		"the tree says otherwise":     {[]claim.Claim{built("alice", "a", "1"), built("bob", "a", "1"), tree("a", "2")}, nil, want{status: claim.Disputed, own: true, lacks: "agreement"}},
		"dissent is warned of":        {[]claim.Claim{built("alice", "a", "1"), built("bob", "a", "1"), built("mallory", "a", "2")}, warn, want{status: claim.Disputed, own: true, met: true, flags: kinds(claim.FlagDissent)}},
		"both sides meet the policy":  {[]claim.Claim{built("alice", "a", "1"), built("bob", "a", "1"), built("mallory", "a", "2"), built("dora", "a", "2")}, warn, want{status: claim.Disputed, own: true, lacks: "agreement"}},
		"flaky by trials":             {[]claim.Claim{trials(built(You, "a", "1"), 2, 3), trials(built(You, "a", "2"), 1, 3), built("alice", "a", "1")}, nil, want{status: claim.Flaky, own: true, lacks: "agreement", flags: kinds(claim.FlagIntermittent)}},
		"not all trials, warned of":   {[]claim.Claim{trials(built("bob", "a", "1"), 2, 3), built("alice", "a", "1")}, nil, want{status: claim.Flaky, met: true, flags: kinds(claim.FlagIntermittent)}},
		"not all trials, blocked":     {[]claim.Claim{trials(built("bob", "a", "1"), 2, 3), built("alice", "a", "1")}, func(c *Case) { c.Policy.Intermittent = policy.Block }, want{status: claim.Flaky, lacks: "one output from every trial", flags: kinds(claim.FlagIntermittent)}},
		"too old": {[]claim.Claim{built("alice", "a", "1"), with(built("bob", "a", "1"), func(c *claim.Claim) { c.Finished = now.Add(-500 * 24 * time.Hour) })},
			func(c *Case) { c.Policy.MaxAge = 400 * 24 * time.Hour }, want{status: claim.Single, flags: kinds(claim.FlagStale), lacks: "1 more person, 1 more CPU vendor"}},
		"an old dissent is still one": {[]claim.Claim{built("alice", "a", "1"), built("dora", "a", "1"), with(built("bob", "a", "2"), func(c *claim.Claim) { c.Finished = now.Add(-500 * 24 * time.Hour) })},
			func(c *Case) { c.Policy.MaxAge = 400 * 24 * time.Hour }, want{status: claim.Disputed, own: true, flags: kinds(claim.FlagStale), lacks: "agreement"}},
		"less diverse than preferred": {[]claim.Claim{built("alice", "a", "1"), built("bob", "a", "1")}, func(c *Case) { c.Policy.Prefer.Kernels = 2 }, want{status: claim.Reproduced, met: true, flags: kinds(claim.FlagUniform)}},
		"another wrapping, answered": {[]claim.Claim{built("alice", "a", "1/x"), built("bob", "a", "1/y")}, func(c *Case) {
			c.Answers = []claim.Equivalence{{A: out("1/y").Manifest, B: out("1/x").Manifest, Level: chain.LevelRootfs, Causes: []string{"A2"}}}
		}, want{status: claim.Equivalent, lacks: "one manifest"}},
		"another wrapping, and files count": {[]claim.Claim{built("alice", "a", "1/x"), built("bob", "a", "1/y")}, func(c *Case) { c.Policy.Level = chain.LevelRootfs }, want{status: claim.Reproduced, met: true}},
		"an answer for a tree's digest": {[]claim.Claim{built("alice", "a", "1/x"), built("bob", "a", "1/x"), tree("a", "1/y")}, func(c *Case) {
			c.Policy.Level = chain.LevelRootfs
			c.Answers = []claim.Equivalence{{A: out("1/y").Manifest, B: out("1/x").Manifest, Level: chain.LevelRootfs}}
		}, want{status: claim.Equivalent, met: true}},
	} {
		t.Run(name, func(t *testing.T) {
			c := world(t)
			if x.change != nil {
				x.change(c)
			}
			v := verdictOf(t, judged(c, x.claims...), "a")
			check(t, v, x.want)
			if s := v.Sentence(); s == "not checked" {
				t.Error("no sentence")
			}
		})
	}
}

func TestFlakyRate(t *testing.T) {
	trial := func(image string, identical int) claim.Claim {
		return with(built(You, "a", image), func(c *claim.Claim) { c.Identical, c.Repeats = identical, 10 })
	}
	v := verdictOf(t, judged(world(t), trial("1", 7), trial("2", 2), trial("3", 1)), "a")
	if v.Rate != 0.7 || v.Trials != 10 || v.Sentence() != "one builder gets several outputs: 70% of 10 trials agree" {
		t.Errorf("%v of %d: %s", v.Rate, v.Trials, v.Sentence())
	}
}

// Disputes and taint along the chain.
func TestFlow(t *testing.T) {
	agree := func(stage, image string, inputs ...string) []claim.Claim {
		return []claim.Claim{built("alice", stage, image, inputs...), built("bob", stage, image, inputs...)}
	}
	all := func(lists ...[]claim.Claim) []claim.Claim { return slices.Concat(lists...) }
	disputedA := all(agree("a", "a1"), []claim.Claim{built("mallory", "a", "a2")})
	lacks2 := "2 more persons, 2 more CPU vendors"
	for name, x := range map[string]struct {
		claims []claim.Claim
		want   map[string]want
		first  string
		next   string
	}{
		"all agree": {all(agree("a", "a1"), agree("b", "b1", "a", "a1"), agree("c", "c1", "a", "a1", "b", "b1")), map[string]want{
			"a": {status: claim.Reproduced, met: true}, "b": {status: claim.Reproduced, met: true}, "c": {status: claim.Reproduced, met: true}, "e": {status: claim.Unclaimed, lacks: "a claim"}}, "", ""},
		"taint flows down": {all(disputedA, agree("b", "b1", "a", "a1"), agree("c", "c1", "a", "a1", "b", "b1")), map[string]want{
			"a": {status: claim.Disputed, own: true, lacks: "agreement"},
			"b": {status: claim.Tainted, taint: []string{"a"}, lacks: "undisputed inputs"}, "c": {status: claim.Tainted, taint: []string{"a"}, lacks: "undisputed inputs"},
			"e": {status: claim.Tainted, taint: []string{"a"}, lacks: "a claim, undisputed inputs"}}, "a", "a"},
		"a dispute is inherited": {all(disputedA, agree("b", "b1", "a", "a1"), []claim.Claim{built("mallory", "b", "b2", "a", "a2")}), map[string]want{
			"a": {status: claim.Disputed, own: true, lacks: "agreement"}, "b": {status: claim.Disputed, taint: []string{"a"}, lacks: "agreement"}}, "a", "a"},
		"a dispute of its own below another": {all(disputedA, agree("b", "b1", "a", "a1"), []claim.Claim{built("mallory", "b", "b2", "a", "a1")}), map[string]want{
			"b": {status: claim.Disputed, own: true, lacks: "agreement"}, "c": {status: claim.Tainted, taint: []string{"a", "b"}, lacks: "a claim, undisputed inputs"}}, "a b", "a"},
		"outputs reconverge": {all(disputedA, []claim.Claim{built("alice", "b", "b1", "a", "a1"), built("mallory", "b", "b1", "a", "a2"), built("bob", "b", "b1", "a", "a1")}, agree("c", "c1", "a", "a1", "b", "b1")), map[string]want{
			"b": {status: claim.Reconverged, met: true, taint: []string{"a"}},
			"c": {status: claim.Tainted, taint: []string{"a"}, lacks: "undisputed inputs"}}, "a", "a"},
		"taint stops where they reconverge": {all(disputedA, []claim.Claim{built("alice", "b", "b1", "a", "a1"), built("mallory", "b", "b1", "a", "a2")}, agree("c", "c1", "a", "a1", "b", "b1"),
			[]claim.Claim{built("mallory", "c", "c1", "a", "a2", "b", "b1")}, agree("e", "e1", "c", "c1")), map[string]want{
			"b": {status: claim.Reconverged, taint: []string{"a"}, lacks: "1 more CPU vendor"},
			"c": {status: claim.Reconverged, met: true, taint: []string{"a"}}, "e": {status: claim.Reproduced, met: true}}, "a", "a"},
		"inputs are not stated": {[]claim.Claim{tree("a", "a1"), built(You, "a", "a2"), tree("b", "b1"), built(You, "b", "b2", "a", "a2"), tree("c", "c1")}, map[string]want{
			"a": {status: claim.Disputed, own: true, lacks: "agreement"}, "b": {status: claim.Disputed, taint: []string{"a"}, lacks: "agreement"},
			"c": {status: claim.Tainted, taint: []string{"a"}, lacks: lacks2 + ", undisputed inputs"}}, "a", "a"},
		"an image that nobody claims was used": {[]claim.Claim{built("alice", "b", "b1", "a", "a1"), built("bob", "b", "b2", "a", "a2")}, map[string]want{
			"a": {status: claim.Unclaimed, lacks: "a claim"}, "b": {status: claim.Disputed, taint: []string{"a"}, lacks: "agreement"}}, "a", "a"},
	} {
		t.Run(name, func(t *testing.T) {
			j := judged(world(t), x.claims...)
			for stage, w := range x.want {
				t.Run(stage, func(t *testing.T) { check(t, verdictOf(t, j, stage), w) })
			}
			var first []string
			for _, f := range j.First {
				first = append(first, f.Stage)
			}
			if got := strings.Join(first, " "); got != x.first {
				t.Errorf("first divergence %q, want %q", got, x.first)
			}
			if x.next != "" && (len(j.Next) == 0 || j.Next[0].Stage != x.next) {
				t.Errorf("next %+v, want %s", j.Next, x.next)
			}
		})
	}
}

// Where inputs are assumed, it is said, and a cheap stage below that was never
// built is proposed.
func TestNextAmongAssumed(t *testing.T) {
	j := judged(world(t), tree("a", "a1"), tree("b", "b1"), tree("c", "c1"), signed("alice", "c", "c2"), with(signed("bob", "c", "c2"), func(c *claim.Claim) { c.Release = "2026.03.0" }))
	v := verdictOf(t, j, "c")
	if v.Status != claim.Disputed || !v.Own || len(v.Assumed) != 1 {
		t.Errorf("%s own %v assumed %q", v.Status, v.Own, v.Assumed)
	}
	if len(j.Next) != 1 || j.Next[0].Stage != "a" || j.Next[0].Dispute != "c" || j.Next[0].Settles != 2 {
		t.Errorf("%+v", j.Next)
	}
}

// The user's own build stands, so the next word is another's.
func TestNextAfterOwn(t *testing.T) {
	j := judged(world(t), tree("a", "a1"), built(You, "a", "a2"))
	if len(j.Next) != 1 || j.Next[0].Stage != "a" || !strings.Contains(j.Next[0].Why, "another person's") {
		t.Errorf("%+v", j.Next)
	}
}

func TestQuestions(t *testing.T) {
	j := judged(world(t), built("alice", "a", "1/x"), built("bob", "a", "1/y"), tree("b", "b1"), built(You, "b", "b2"), built("alice", "c", "c1", "a", "1", "b", "1"), built("bob", "c", "c2", "a", "1", "b", "1"))
	a := verdictOf(t, j, "a")
	if len(a.Question) != 1 || a.Question[0].Level != chain.LevelFiles || !strings.Contains(a.Question[0].Text, "only the wrapping differs") {
		t.Errorf("%+v", a.Question)
	}
	if b := verdictOf(t, j, "b"); len(b.Question) != 1 || b.Question[0].Level != chain.LevelUnknown {
		t.Errorf("%+v", b.Question)
	}
	if c := verdictOf(t, j, "c"); len(c.Question) != 0 {
		t.Errorf("contents differ, and yet: %+v", c.Question)
	}
}
