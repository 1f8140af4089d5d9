package ddc

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/containerfile"
)

func check() Check {
	return Check{
		Suspect: Compiler{Name: "s", Path: "/bin/cc"}, Trusted: Compiler{Name: "t", Path: "/opt/other/cc1"},
		Source: os.DirFS("."), Command: []string{"{cc}", "-o", "{out}", "{source}/cc.c"}, Platform: "linux/amd64",
	}
}

func out(text string) Output { return Output{Digest: chain.Digest(text), Size: 1} }

func TestJudge(t *testing.T) {
	for _, tc := range []struct {
		name                       string
		binary, s1, s2, t1, t2, t3 string
		want                       Status
		self                       bool
	}{
		{"an honest compiler", "a", "a", "a", "x", "a", "a", Corresponds, true},
		{"an infected one that keeps itself alive", "b", "b", "b", "x", "a", "a", Differs, true},
		{"an infected one that has lost itself", "b", "c", "a", "x", "a", "a", OnlyResults, false},
		{"made by another compiler", "b", "a", "a", "x", "a", "a", OnlyResults, false},
		{"neither its source nor itself", "b", "c", "d", "x", "a", "a", Differs, false},
		{"a trusted side that does not come to rest", "b", "b", "b", "x", "a", "c", Unsettled, true},
		{"at rest by chance only on the other side", "a", "a", "a", "x", "a", "c", Unsettled, true},
		{"nothing of the third round", "a", "a", "a", "x", "a", "", NotChecked, true},
		{"nothing at all", "", "", "", "", "", "", NotChecked, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := Result{SuspectBinary: out(tc.binary), TrustedBinary: out("t"), Suspect1: out(tc.s1), Suspect2: out(tc.s2),
				Trusted1: out(tc.t1), Trusted2: out(tc.t2), Trusted3: out(tc.t3)}
			r.judge()
			if r.Status != tc.want || r.SelfMade() != tc.self {
				t.Errorf("%v, made by itself %v; want %v, %v", r.Status, r.SelfMade(), tc.want, tc.self)
			}
			if (r.Status == NotChecked) != (r.Sentence() == "not checked") {
				t.Errorf("sentence %q", r.Sentence())
			}
		})
	}
	var zero Result
	if zero.Status != NotChecked || zero.Status.String() != "not checked" {
		t.Errorf("the zero value is %v", zero.Status)
	}
}

func TestStatusText(t *testing.T) {
	for s := NotChecked; s <= Unsettled; s++ {
		text, _ := s.MarshalText()
		var back Status
		if err := back.UnmarshalText(text); err != nil || back != s {
			t.Errorf("%s comes back as %v: %v", text, back, err)
		}
	}
	var s Status
	if s.UnmarshalText([]byte("good")) == nil || Status(99).String() != "not checked" {
		t.Error("an unknown status was taken")
	}
}

// TestContainerfile: each side runs in its own image, takes the compiler that
// the round before gave, and its arguments reach it as they are.
func TestContainerfile(t *testing.T) {
	c := check()
	c.Command = append(c.Command, `-DNAME="a b"`, "$HOME", "<<EOF", "back\\slash")
	text, err := c.Containerfile()
	if err != nil {
		t.Fatal(err)
	}
	f, err := containerfile.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"suspect-1", "suspect-2", "trusted-1", "trusted-2", "trusted-3", "compared"}, f.Builds); d != "" {
		t.Errorf("build stages (-want +got):\n%s", d)
	}
	reading := f.Read(containerfile.Variables(nil, nil))
	if len(reading.Fetches) > 0 || len(reading.Runs) != 5 {
		t.Errorf("%d steps, fetches %v", len(reading.Runs), reading.Fetches)
	}
	for _, r := range reading.Runs {
		if r.Network != "none" || !strings.Contains(r.Text, `"-DNAME=\"a b\"","$HOME","`) || !strings.Contains(r.Text, `"back\\slash"`) {
			t.Errorf("step %q, network %q", r.Text, r.Network)
		}
		for _, n := range []string{sourcePath + "/cc.c", outDir + "/" + outName} {
			if !strings.Contains(r.Text, n) {
				t.Errorf("step %q lacks %s", r.Text, n)
			}
		}
	}
	for _, line := range []string{
		`COPY --from=suspect-1 --chmod=0755 ["/ddc/out/compiler","/bin/cc"]`,
		`COPY --from=trusted-1 --chmod=0755 ["/ddc/out/compiler","/opt/other/cc1"]`,
		`COPY --from=trusted-2 --chmod=0755 ["/ddc/out/compiler","/opt/other/cc1"]`,
	} {
		if !strings.Contains(text, line) {
			t.Errorf("the recipe lacks %s:\n%s", line, text)
		}
	}
}

func TestBadChecks(t *testing.T) {
	for name, change := range map[string]func(*Check){
		"no compiler":       func(c *Check) { c.Suspect.Path = "" },
		"relative":          func(c *Check) { c.Suspect.Path = "bin/cc" },
		"a variable":        func(c *Check) { c.Trusted.Path = "/bin/$CC" },
		"a pattern":         func(c *Check) { c.Trusted.Path = "/bin/c*" },
		"up":                func(c *Check) { c.Trusted.Path = "/bin/../cc" },
		"a line":            func(c *Check) { c.Trusted.Path = "/bin/cc\nRUN x" },
		"no command":        func(c *Check) { c.Command = nil },
		"nothing written":   func(c *Check) { c.Command = []string{"{cc}", "{source}/cc.c"} },
		"a zero byte":       func(c *Check) { c.Command = append(c.Command, "a\x00b") },
		"too long":          func(c *Check) { c.Command = append(c.Command, strings.Repeat("x", maxArg+1)) },
		"no source":         func(c *Check) { c.Source = nil },
		"nothing compiled":  func(c *Check) { c.Command = []string{"{cc}", "{out}"} },
		"compiler not used": func(c *Check) { c.Command = []string{"{out}", "{source}"} },
	} {
		t.Run(name, func(t *testing.T) {
			c := check()
			change(&c)
			if text, err := c.Containerfile(); err == nil {
				t.Errorf("taken:\n%s", text)
			}
		})
	}
	c := check()
	c.Command = []string{"{out}", "{source}"}
	if _, err := c.Containerfile(); !errors.Is(err, ErrCommand) {
		t.Errorf("error %v", err)
	}
}
