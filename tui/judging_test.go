package tui

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim"
)

// sampleJudged is what claims establish of the sample chain: gcc is disputed of
// itself, bash inherits it, and lost could not be built by one.
func sampleJudged() *Judged {
	out := func(s string) claim.Output { return claim.Output{Manifest: digestOf(s)} }
	made := func(party, vendor string, stage string, o claim.Output) *claim.Claim {
		return &claim.Claim{Kind: claim.KindRebuild, Party: party, Origin: "ghcr.io/" + party + "/claims", Stage: stage, Output: o, Mode: claim.ModeRebuilt,
			Environment: claim.Environment{CPUVendor: vendor}, Verification: claim.Verification{State: claim.Verified}}
	}
	all := &Judged{Verdicts: map[string]*claim.Verdict{}, Claims: map[string][]*claim.Claim{}, Unread: map[string][]string{}, Policy: "release",
		First: []string{"core-gcc"}, Next: []string{"core-gcc, by you: it settles 1 stage above it"}}
	for _, st := range sampleChain().Stages {
		o := out(st.ID)
		v := &claim.Verdict{Stage: st.ID, Status: claim.Reproduced, Met: true, Output: o, Level: chain.LevelManifest, Persons: 2, Vendors: 2,
			Groups: []claim.Group{{Output: o, Parties: []string{"alice", "bob", "sample tree"}, Persons: 2, Vendors: 2, Claims: 3}}}
		all.Claims[st.ID] = []*claim.Claim{made("alice", "AuthenticAMD", st.ID, o), made("bob", "GenuineIntel", st.ID, o),
			{Kind: claim.KindTree, Party: "sample tree", Origin: "digests/core.txt:3", Stage: st.ID, Output: o, Verification: claim.Verification{State: claim.Verified}}}
		all.Verdicts[st.ID] = v
	}
	for _, id := range []string{"core-gcc", "user-bash"} {
		v := all.Verdicts[id]
		v.Status, v.Own, v.Met = claim.Disputed, id == "core-gcc", false
		if !v.Own {
			v.Taint = []string{"core-gcc"}
		}
		v.Groups[0].Parties, v.Groups[0].Persons, v.Groups[0].Vendors = []string{"alice", "sample tree"}, 1, 1
		v.Groups = append(v.Groups, claim.Group{Output: out("x" + id), Parties: []string{"bob"}, Persons: 1, Vendors: 1, Claims: 1})
		all.Claims[id][1].Output = out("x" + id)
		v.Flags = []claim.Flag{{Kind: claim.FlagIntermittent, Text: "bob: 2 of 3 trials \x1b[31mwere identical"}}
	}
	lost := all.Claims["core-lost"]
	lost[0].Failure, lost[0].Output = &claim.Failure{Phase: "make", Exit: 2}, claim.Output{}
	lost[1].Verification = claim.Verification{State: claim.Unverified, Reason: "no known party has the key"}
	all.Verdicts["core-lost"].Status = claim.Failed
	all.Unread["core-gcc"] = []string{"ghcr.io/carol/claims: 503 Service Unavailable"}
	return all
}

func sampleJudge(_ context.Context, ids []string, say func(Judging)) (*Judged, error) {
	say(Judging{Done: 3, All: 6, What: "ghcr.io"})
	all := sampleJudged()
	if len(ids) > 0 {
		for id := range all.Verdicts {
			if id != ids[0] {
				delete(all.Verdicts, id)
			}
		}
	}
	return all, nil
}

func TestVerifyInWorkbench(t *testing.T) {
	d := newDriver(t, sampleConfig(newFakeBuilder()), 120, 40)
	if d.app.verdict("core-gcc") != nil {
		t.Fatal("a verdict stands before anyone asked")
	}
	d.keys("V")
	if v := d.app.verdict("core-gcc"); v == nil || v.Status != claim.Disputed {
		t.Fatalf("the verdict is %v", v)
	}
	got := cells(d)
	for _, want := range []string{"verified 6 stages", "2 disputed", "1 source could not be read"} {
		if !strings.Contains(got, want) {
			t.Errorf("the screen lacks %q:\n%s", want, got)
		}
	}
	d.keys("v", "d", "enter")
	if s, ok := d.app.top().(*stageScreen); !ok || s.stage.ID != "core-gcc" {
		t.Errorf("the first divergence opens %T", d.app.top())
	}
}

// A gathering that is stopped, or fails, leaves what was known.
func TestVerifyStopped(t *testing.T) {
	cfg := sampleConfig(newFakeBuilder())
	cfg.Judge = func(ctx context.Context, _ []string, _ func(Judging)) (*Judged, error) {
		return nil, errors.New("policy.toml:3: no such field")
	}
	d := newDriver(t, cfg, 80, 24)
	d.keys("V")
	if !strings.Contains(cells(d), "policy.toml:3: no such field") || d.app.judging != nil || d.app.judged != nil {
		t.Error("a failure is not said, or leaves something behind")
	}
	// Stopped before it ended: its late answer counts for nothing.
	d.app.cfg.Judge = sampleJudge
	cmd := d.app.verify()
	late := d.app.judging
	d.run(d.app.verify())
	if d.app.judging != nil {
		t.Fatal("a second V does not stop the first")
	}
	_ = cmd
	d.send(judgedAll{of: late, got: sampleJudged()})
	if d.app.judged != nil {
		t.Error("an answer came after the stop and was taken")
	}
	cfg.Judge, cfg.WhyNoJudge = nil, "there is no store"
	d = newDriver(t, cfg, 80, 24)
	d.keys("v")
	if !strings.Contains(cells(d), "there is no store") {
		t.Error("it is not said why claims cannot be verified")
	}
}

// A party that says two things of one stage is seen in the matrix.
func TestMatrixEquivocation(t *testing.T) {
	j := sampleJudged()
	twice := *j.Claims["core-gcc"][0]
	twice.Output = claim.Output{Manifest: digestOf("xcore-gcc")}
	j.Claims["core-gcc"] = append(j.Claims["core-gcc"], &twice)
	cfg := sampleConfig(newFakeBuilder())
	cfg.Judge = func(context.Context, []string, func(Judging)) (*Judged, error) { return j, nil }
	cfg.JudgeFirst = true
	d := newDriver(t, cfg, 120, 40)
	m := newMatrixScreen(d.app, nil)
	if f := m.cells["core-gcc"]["alice"]; f.sign != "%" {
		t.Errorf("alice's cell is %q", f.sign)
	}
	if f := m.cells["core-musl"]["alice"]; f.sign != "=" {
		t.Errorf("alice's other cell is %q", f.sign)
	}
}
