package safe

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestText(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"plain ümlaut 日本", "plain ümlaut 日本"},
		{"\x1b[2Jx", `\x1b[2Jx`},
		{"a\nb\r\tc", `a\nb\r\tc`},
		{"bad\xff\xfe", `bad\xff\xfe`},
		{"\u202egnp.exe", `\u202egnp.exe`},
		{"zero\u200bwidth", `zero\u200bwidth`},
		{"\u009b31m", `\u009b31m`},
		{"tag\U000e0041", `tag\U000e0041`},
		{"del\x7f", `del\x7f`},
		{"sep\u2028", `sep\u2028`},
	} {
		if got := Text(c.in); got != c.want {
			t.Errorf("Text(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

func TestLine(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"a\tb\r\n", "a       b"},
		{"\tx", "        x"},
		{"12345678\tx", "12345678        x"},
		{"\x1b]0;t\a", `\x1b]0;t\x07`},
	} {
		if got := Line(c.in); got != c.want {
			t.Errorf("Line(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add("\x1b[31m\u202e\xff")
	f.Fuzz(func(t *testing.T, s string) {
		got := Text(s)
		if !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool { return r < 0x20 || r == 0x7f || hidden(r) }) {
			t.Errorf("Text(%q) = %q is not safe", s, got)
		}
		if Text(got) != got {
			t.Errorf("Text is not stable on %q", s)
		}
	})
}
