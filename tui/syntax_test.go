package tui

import (
	"strings"
	"testing"

	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/tui/internal/look"
)

// painted writes the parts of a line that have a role, as role:text.
func painted(l look.Line) string {
	names := map[look.Role]string{look.Keyword: "k", look.String: "s", look.Variable: "v", look.Number: "n", look.Comment: "c"}
	var out []string
	for _, part := range l {
		if n := names[part.Role]; n != "" && strings.TrimSpace(part.Text) != "" {
			out = append(out, n+":"+strings.TrimSpace(part.Text))
		}
	}
	return strings.Join(out, " ")
}

func TestSyntax(t *testing.T) {
	for _, c := range []struct{ path, text, want string }{
		{"Containerfile", "# a note\nFROM stagex/a AS build\nARG V=1.2\nCOPY --from=x . /${V}/\n", "c:# a note|k:FROM k:AS|k:ARG n:1.2|k:COPY v:${V}"},
		{"Containerfile", "RUN --network=none <<-EOF\n\tset -e # careful\n\techo \"$A\" 'b' $C\n\tEOF\nRUN [\"/a\", \"b\"]\n", `k:RUN|c:# careful|s:"$A" s:'b' v:$C|k:EOF|k:RUN s:"/a" s:"b"`},
		{"Containerfile", "RUN a \\\n  FROM b \\\n  c\nENV X=y\n", "k:RUN|||k:ENV"},
		{"Containerfile", "COPY <<A <<B /\nFROM\nA\nx\nB\nCMD x#y\n", "k:COPY||k:A||k:B|k:CMD"},
		{"package.toml", "[package] # x\nname = \"a\" # note\nlist = [1, \"b\"]\n", `k:[package] # x|v:name s:"a" c:# note|v:list n:1 s:"b"`},
		{"seed.hex0", "7F 45 # 00 magic\n", "n:7F 45 c:# 00 magic"},
	} {
		var got []string
		for _, l := range colour(c.text, syntaxOf(c.path)) {
			got = append(got, painted(l))
		}
		if g := strings.Join(got, "|"); g != c.want {
			t.Errorf("%s:\n%s\ngives %s\nwant  %s", c.path, c.text, g, c.want)
		}
	}
}

// Colours never change the text, and what is hostile in it is made safe.
func FuzzSyntax(f *testing.F) {
	f.Add("FROM a AS b\nRUN <<E\n\"\x1b[31m\nE\n")
	f.Add("[a]\nb = \"\\\"\n")
	f.Add("RUN <<-A <<B\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, path := range []string{"Containerfile", "package.toml", "x.hex0"} {
			lines := colour(text, syntaxOf(path))
			raw := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
			if len(lines) != len(raw) {
				t.Fatalf("%d lines of %d", len(lines), len(raw))
			}
			for i, l := range lines {
				want := safe.Line(raw[i])
				if path == "x.hex0" {
					want = strings.TrimRight(want, " ")
				}
				if got := l.Text(); got != want {
					t.Fatalf("%s: %q became %q", path, want, got)
				}
			}
		}
	})
}
