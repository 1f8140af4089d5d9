package render

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stagescope/stagescope/diff"
)

// TestClosing shows that what is said below a report is its verdict and flags that
// exist, and nothing where nothing differs.
func TestClosing(t *testing.T) {
	o := Options{Complete: true}
	out := o.Closing(sample(), false)
	if verdict := o.verdict(o.summarize(sample())); !strings.HasPrefix(out[0], verdict) || !strings.Contains(out[0], "--stat") {
		t.Errorf("%q does not say %q", out[0], verdict)
	}
	all := strings.Join(out, "\n")
	for _, want := range []string{"the worst file alone: --only ", "--tui", "--format html --out report.html"} {
		if !strings.Contains(all, want) {
			t.Errorf("no %q in %s", want, all)
		}
	}
	o.Stat, o.Only = true, []string{"conf"}
	if all := strings.Join(o.Closing(sample(), true), "\n"); strings.Contains(all, "--stat") || strings.Contains(all, "--only") || strings.Contains(all, "--tui") {
		t.Errorf("what was asked for, or cannot be, is offered: %s", all)
	}
	if out := o.Closing(&diff.Node{Status: diff.Same}, false); out != nil {
		t.Errorf("of what is the same: %q", out)
	}
}

// TestUnmatched shows that a path, kind or cause that no difference has is named, so
// that a mistyped one does not read as one that is equal.
func TestUnmatched(t *testing.T) {
	for name, write := range map[string]func(*bytes.Buffer, Options) error{
		"text":     func(b *bytes.Buffer, o Options) error { return Text(b, sample(), o) },
		"markdown": func(b *bytes.Buffer, o Options) error { return Markdown(b, sample(), o) },
		"html":     func(b *bytes.Buffer, o Options) error { return HTML(b, sample(), o) },
	} {
		var b bytes.Buffer
		if err := write(&b, Options{Complete: true, Only: []string{"conf", "cnof"}, Fold: []string{"Z9"}}); err != nil {
			t.Fatal(err)
		}
		out := b.String()
		if !strings.Contains(out, "cnof") || !strings.Contains(out, "Z9") || strings.Contains(out, `--only "conf"`) || strings.Contains(out, "--only &#34;conf") {
			t.Errorf("%s: %.1500s", name, out)
		}
	}
}
