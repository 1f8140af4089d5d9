package seedling

import (
	"strings"
	"testing"

	"github.com/stagescope/stagescope/chain"
)

func TestLoad(t *testing.T) {
	c, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range c.Findings {
		if f.Severity > chain.Notice {
			t.Errorf("%s: %s: %s", f.Where(), f.Rule, f.Text)
		}
	}
	if len(c.Stages) == 0 || c.Stages[0].ID != "bootstrap-stage0" {
		t.Fatalf("the chain does not begin with bootstrap-stage0")
	}
	steps := 0
	for _, s := range c.Stages {
		steps += len(s.Steps)
		if s.ID != "bootstrap-stage0" && len(c.Ancestors(s.ID)) == 0 {
			t.Errorf("%s does not stand on the seed", s.ID)
		}
		if zoo := strings.HasPrefix(s.Name, "zoo-"); zoo == (s.Digest() != "") {
			t.Errorf("%s: has the published digest %q", s.ID, s.Digest())
		}
		for _, step := range s.Steps {
			if step.Network != "none" {
				t.Errorf("%s:%d: step without --network=none", s.Containerfile, step.Line)
			}
		}
	}
	if len(c.Stages) > 45 || steps > 400 {
		t.Errorf("%d stages and %d steps; more than 45 and 400 cost more than a minute", len(c.Stages), steps)
	}
}
