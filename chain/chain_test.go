package chain

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// stage makes a stage of an ID "tier-name" that needs others.
func stage(id string, needs ...string) *Stage {
	tier, name, _ := strings.Cut(id, "-")
	s := &Stage{ID: id, Tier: tier, Name: name, Package: name, Dir: "packages/" + tier + "/" + name}
	for i, n := range needs {
		s.Needs = append(s.Needs, Need{ID: n, Line: i + 1})
	}
	return s
}

func ids(stages []*Stage) string {
	var out []string
	for _, s := range stages {
		out = append(out, s.ID)
	}
	return strings.Join(out, " ")
}

func rules(c *Chain) string {
	var out []string
	for _, f := range c.Findings {
		out = append(out, f.Rule)
	}
	return strings.Join(out, " ")
}

func sample() *Chain {
	return New("sample", []*Stage{
		stage("user-app", "core-gcc", "core-musl"),
		stage("core-musl", "bootstrap-stage1"),
		stage("core-gcc", "core-musl", "bootstrap-stage1"),
		stage("bootstrap-stage1", "bootstrap-stage0"),
		stage("bootstrap-stage0"),
		stage("core-profile"),
	})
}

func TestOrder(t *testing.T) {
	c := sample()
	if got, want := ids(c.Stages), "bootstrap-stage0 bootstrap-stage1 core-musl core-gcc core-profile user-app"; got != want {
		t.Errorf("order = %s, want %s", got, want)
	}
	for _, test := range []struct{ what, got, want string }{
		{"needs", ids(c.Needs("user-app")), "core-gcc core-musl"},
		{"dependents", ids(c.Dependents("bootstrap-stage1")), "core-musl core-gcc"},
		{"ancestors", ids(c.Ancestors("core-gcc")), "bootstrap-stage0 bootstrap-stage1 core-musl"},
		{"downstream", ids(c.Downstream("bootstrap-stage1")), "core-musl core-gcc user-app"},
		{"path", ids(c.Path("user-app")), "bootstrap-stage0 bootstrap-stage1 core-musl core-gcc user-app"},
		{"find by name", ids(c.Find("musl")), "core-musl"},
		{"find by pattern", ids(c.Find("bootstrap-*")), "bootstrap-stage0 bootstrap-stage1"},
		{"find by part", ids(c.Find("tag")), "bootstrap-stage0 bootstrap-stage1"},
		{"find nothing", ids(c.Find("zzz")), ""},
		{"findings", rules(c), ""},
	} {
		if test.got != test.want {
			t.Errorf("%s = %q, want %q", test.what, test.got, test.want)
		}
	}
	if c.Depth("user-app") != 4 || c.Edges() != 6 {
		t.Errorf("depth %d, edges %d; want 4 and 6", c.Depth("user-app"), c.Edges())
	}
}

func TestUnknownStageSuggests(t *testing.T) {
	_, err := sample().Stage("core-mus")
	if !errors.Is(err, ErrNoStage) || !strings.Contains(err.Error(), "core-musl") {
		t.Errorf("error = %v, want ErrNoStage that names core-musl", err)
	}
	if _, err := sample().Stage("qqqqqqqq"); err == nil || strings.Contains(err.Error(), "mean") {
		t.Errorf("error = %v, want one without a suggestion", err)
	}
}

func TestCycle(t *testing.T) {
	c := New("cycle", []*Stage{stage("core-a", "core-b"), stage("core-b", "core-c"), stage("core-c", "core-a"), stage("core-d", "core-a"), stage("core-e")})
	if len(c.Stages) != 5 || c.Stages[0].ID != "core-e" {
		t.Errorf("stages = %s, want all five with core-e first", ids(c.Stages))
	}
	if rules(c) != "cycle" || !strings.Contains(c.Findings[0].Text, "core-a needs core-b needs core-c needs core-a") {
		t.Errorf("findings = %v", c.Findings)
	}
	for _, s := range c.Stages { // must end
		c.Path(s.ID)
		c.Ancestors(s.ID)
		want := "core-a core-b core-c core-a"
		if s.ID == "core-e" {
			want = ""
		}
		if got := c.Cycle(s.ID); s.ID != "core-b" && s.ID != "core-c" && strings.Join(got, " ") != want || len(got) == 1 {
			t.Errorf("the cycle at %s is %q, want %q", s.ID, got, want)
		}
	}
}

func TestMissingAndDuplicate(t *testing.T) {
	c := New("bad", []*Stage{stage("core-a", "core-gone", "core-gone"), stage("core-a")})
	if got := rules(c); got != "duplicate-stage unknown-need unknown-need" && got != "duplicate-stage unknown-need" {
		t.Errorf("findings = %s", got)
	}
	if len(c.Stages) != 1 || c.Edges() != 0 {
		t.Errorf("%d stages, %d edges", len(c.Stages), c.Edges())
	}
}

func TestDigest(t *testing.T) {
	hex := strings.Repeat("ab", 32)
	for _, s := range []string{hex, "sha256:" + hex} {
		if d, err := ParseDigest(s); err != nil || d != Digest("sha256:"+hex) || d.Hex() != hex || d.Short() != hex[:12] {
			t.Errorf("ParseDigest(%q) = %q, %v", s, d, err)
		}
	}
	for _, s := range []string{"", "sha256:", "sha512:" + hex, hex[1:], strings.ToUpper(hex), strings.Repeat("zz", 32)} {
		if d, err := ParseDigest(s); err == nil {
			t.Errorf("ParseDigest(%q) = %q, want an error", s, d)
		}
	}
	for l := LevelUnknown; l <= LevelFiles; l++ {
		b, _ := l.MarshalText()
		var back Level
		if err := back.UnmarshalText(b); err != nil || back != l {
			t.Errorf("level %d: %v, %v", l, back, err)
		}
	}
}

func TestOrderIsStable(t *testing.T) {
	a, b := sample().Stages, sample().Stages
	slices.Reverse(b)
	if got := ids(New("again", b).Stages); got != ids(a) {
		t.Errorf("order depends on input order: %s", got)
	}
}
