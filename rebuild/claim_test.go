package rebuild_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stagescope/stagescope/chain/claim"
	"github.com/stagescope/stagescope/chain/claim/statement"
	"github.com/stagescope/stagescope/rebuild"
	"github.com/stagescope/stagescope/rebuild/enginetest"
)

// TestClaim: what a rebuild says can be signed, says how often it was repeated,
// and is about the recipe that the store kept.
func TestClaim(t *testing.T) {
	c := testChain("a", "b a")
	e := &enginetest.Engine{Salt: func(stage string, n int) string {
		if stage == "core-b" && n == 2 {
			return "other"
		}
		return ""
	}}
	b := builder(t, c, e)
	for range 3 {
		if _, err := b.Rebuild(t.Context(), "core-b", rebuild.Options{}, nil); err != nil {
			t.Fatal(err)
		}
	}
	varied, err := b.Rebuild(t.Context(), "core-b", rebuild.Options{Variation: rebuild.Variation{CPUs: []int{0}}}, nil)
	if err != nil || !varied.Varied() {
		t.Fatal(err)
	}
	all, err := rebuild.Results(b.Store, "core-b")
	if err != nil || len(all) != 4 {
		t.Fatalf("%d results, %v", len(all), err)
	}
	k, err := statement.Generate(statement.Ed25519)
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, r := range all {
		cl := r.Claim(all)
		counts[fmt.Sprintf("%d of %d", cl.Identical, cl.Repeats)]++
		if cl.Mode != claim.ModeRebuilt || !slices.Equal(cl.Variation, []string{"cpus=1"}) || cl.Kind != claim.KindOwn || len(cl.Inputs) != 1 || !r.OwnInputs() {
			t.Errorf("%+v", cl)
		}
		json, err := r.RecipeJSON(b.Store)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := statement.Sign(t.Context(), &statement.Statement{Claim: cl, RecipeSize: int64(len(json))}, k); err != nil {
			t.Error(err)
		}
	}
	if counts["2 of 4"] != 2 || counts["1 of 4"] != 2 {
		t.Error(counts)
	}
}

// TestClaimOfNothing: only a step that failed says something about the recipe.
func TestClaimOfNothing(t *testing.T) {
	r := &rebuild.Result{Stage: "core-a", Platform: "linux/amd64", Failure: &rebuild.Failure{Text: "no space"}}
	r.Verdict.Status = rebuild.Failed
	if c := r.Claim(nil); c != nil {
		t.Errorf("%+v", c)
	}
	r.Failure.Step, r.Failure.ExitCode = "RUN make", 2
	if c := r.Claim(nil); c == nil || !c.Failed() || c.Failure.Exit != 2 || c.Repeats != 0 {
		t.Errorf("%+v", c)
	}
	r.Verdict.Status = rebuild.Interrupted
	if c := r.Claim(nil); c != nil {
		t.Errorf("%+v", c)
	}
}
