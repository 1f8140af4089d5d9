package main

import (
	"io"
	"path/filepath"
	"testing"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim"
	"github.com/stagescope/stagescope/chain/claim/judge"
	"github.com/stagescope/stagescope/chain/claim/policy"
	"github.com/stagescope/stagescope/rebuild/evidence"
	"github.com/stagescope/stagescope/tui"
)

// The workbench gets a verdict for every stage of the embedded chain, and hears
// how far it is.
func TestWorkbenchJudges(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	c, err := embedded()
	if err != nil {
		t.Fatal(err)
	}
	cfg := tui.Config{Chain: c}
	a := &app{err: io.Discard, store: filepath.Join(t.TempDir(), "none"), platform: "linux/amd64"}
	a.wireJudge(&cfg)
	heard := 0
	got, err := cfg.Judge(t.Context(), nil, func(tui.Judging) { heard++ })
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Verdicts) != len(c.Stages) || heard == 0 || got.Policy != "stagex" || len(got.Unread[""]) != 0 {
		t.Errorf("%d verdicts of %d stages, heard %d times, policy %q, unread %q", len(got.Verdicts), len(c.Stages), heard, got.Policy, got.Unread)
	}
	if v := got.Verdicts["bootstrap-stage0"]; v == nil || v.Status != claim.Unclaimed || len(got.Claims["bootstrap-stage0"]) != 1 {
		t.Errorf("%+v", v)
	}
}

func TestJudgedOf(t *testing.T) {
	r := &evidence.Report{}
	r.Policy = policy.Default()
	r.Stages = []evidence.Stage{{Verdict: claim.Verdict{Stage: "a"}, Unknown: []evidence.Unknown{{Origin: "x", Reason: "y"}}}}
	r.Unknown = []evidence.Unknown{{Origin: "all", Reason: "down"}}
	r.First = []judge.First{{Stage: "a"}}
	r.Next = []judge.Next{{Stage: "a", Settles: 1, Hours: 0.5, Why: "so"}}
	got := tui.JudgedOf(r)
	if got.Unread["a"][0] != "x: y" || got.Unread[""][0] != "all: down" || got.First[0] != "a" || got.Next[0] != "rebuild a (30m0s, settles 1 stage): so" {
		t.Errorf("%+v", got)
	}
}

// What a matrix shows of one party.
func TestCell(t *testing.T) {
	out := claim.OutputOf("sha256:x", chain.LevelManifest)
	s := &evidence.Stage{Verdict: claim.Verdict{Groups: []claim.Group{{Output: out, Parties: []string{"alice"}, Beside: []string{"tree"}}, {Parties: []string{"alice", "bob"}}}},
		Claims: []*claim.Claim{
			{Party: "carl", Verification: claim.Verification{State: claim.Unverified}}, {Party: "dora", Verification: claim.Verification{State: claim.Refused}},
			{Party: "eve", Failure: &claim.Failure{}, Verification: claim.Verification{State: claim.Verified}}, {Party: "fred"},
		}}
	for party, want := range map[string]string{"alice": "AB", "bob": "B", "tree": "a", "carl": "?", "dora": "!", "eve": "x", "fred": "?", "nobody": "-"} {
		if got := cell(s, party); got != want {
			t.Errorf("%s: %q, want %q", party, got, want)
		}
	}
}
