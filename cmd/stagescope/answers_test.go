package main

import (
	"testing"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/seedling"
	"github.com/stagescope/stagescope/chain/store"
	"github.com/stagescope/stagescope/rebuild"
	"github.com/stagescope/stagescope/rebuild/enginetest"
)

// TestAnswersFollowTheClaim: list and show print what the stored result says of
// the claims that the tree makes now, not of those that it made then.
func TestAnswersFollowTheClaim(t *testing.T) {
	c, err := seedling.Load()
	if err != nil {
		t.Fatal(err)
	}
	st, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	b := &rebuild.Builder{Chain: c, Store: st, Engines: []rebuild.Engine{&enginetest.Engine{}}, Offline: true, LogDir: t.TempDir()}
	stage, err := c.Stage("bootstrap-stage0")
	if err != nil {
		t.Fatal(err)
	}
	r, err := b.Rebuild(t.Context(), stage.ID, rebuild.Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	a := &app{store: st.Dir()}
	for _, tc := range []struct {
		claim chain.Digest
		want  rebuild.Status
	}{{stage.Published[0].Digest, rebuild.Differs}, {r.Digests.Manifest, rebuild.Reproduced}, {chain.SHA256([32]byte{1}), rebuild.Differs}} {
		stage.Published[0].Digest = tc.claim
		if got := a.answersOf(c, stage).Bytes; got != tc.want.String() {
			t.Errorf("with the claim %s the answer is %q, want %q", tc.claim.Short(), got, tc.want)
		}
	}
}
