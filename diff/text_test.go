package diff

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
)

// TestInsideLines: what differs inside a line is found, and not what lies
// between two differences.
func TestInsideLines(t *testing.T) {
	var words strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&words, "word%x,", i*i)
	}
	long := words.String()
	for name, tc := range map[string]struct {
		a, b string
		want [][2]string
	}{
		"two places":      {"one 11 and the same again 22 end\n", "one 33 and the same again 44 end\n", [][2]string{{"11", "33"}, {"22", "44"}}},
		"a character":     {"grün und\n", "grän und\n", [][2]string{{"ü", "ä"}}},
		"more lines":      {"alpha beta\n", "alpha gamma\nnew\n", [][2]string{{"beta", "gamma\nnew"}}},
		"CRLF":            {"a line\r\n", "a line\n", [][2]string{{"\r", ""}}},
		"no line end":     {"last\n", "last", [][2]string{{"\n", ""}}},
		"long lines":      {"<" + long + "X" + strings.ToUpper(long) + "Y>", "<" + long + "XX" + strings.ToUpper(long) + "Z>", [][2]string{{"", "X"}, {"Y", "Z"}}},
		"not valid UTF-8": {"a caf\xe9 one and more\n", "a caf\xe8 two and more\n", [][2]string{{"\xe9 one", "\xe8 two"}}},
	} {
		n, err := NewExaminer(Options{}).Pair(t.Context(), "", "f", inputOf([]byte(tc.a)), inputOf([]byte(tc.b)))
		if err != nil {
			t.Fatal(err)
		}
		var got [][2]string
		for i, r := range n.RangesA {
			q := n.RangesB[i]
			got = append(got, [2]string{tc.a[r.Off : r.Off+r.Len], tc.b[q.Off : q.Off+q.Len]})
		}
		if d := cmp.Diff(tc.want, got); d != "" || n.Kind != KindText {
			t.Errorf("%s: %s %s", name, n.Kind, d)
		}
		if err := hunksCover(n, []byte(tc.a), []byte(tc.b)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// utf16Text writes a text with its mark.
func utf16Text(s string, big bool) []byte {
	var out []byte
	for _, u := range utf16.Encode([]rune("\ufeff" + s)) {
		if big {
			out = append(out, byte(u>>8), byte(u))
		} else {
			out = append(out, byte(u), byte(u>>8))
		}
	}
	return out
}

func TestUTF16(t *testing.T) {
	for _, tc := range []struct {
		a, b []byte
		want string
	}{
		{utf16Text("one 𝄞\ntwo\n", false), utf16Text("one 𝄞\n2\n", false), "text in UTF-16 known 1 children"},
		{utf16Text("one\n", false), utf16Text("one\n", true), "text in UTF-16 none 0 children [byte order D3g]"},
		{utf16Text("one\n", false), append(utf16Text("one\n", false), 0x00, 0xd8), "binary known 0 children"},
		{utf16Text("one\n", false), append(utf16Text("one\n", false), 'x'), "binary known 0 children"},
	} {
		n, err := NewExaminer(Options{}).Pair(t.Context(), "", "f", inputOf(tc.a), inputOf(tc.b))
		if err != nil {
			t.Fatal(err)
		}
		n.Settle()
		got := fmt.Sprintf("%s %s %d children", n.Kind, n.Residue, len(n.Children))
		for _, r := range n.Reasons {
			got += fmt.Sprintf(" [%s %s]", r.Field, r.Cause.ID)
		}
		if got != tc.want {
			t.Errorf("%s, want %s: %s", got, tc.want, n.Note)
		}
	}
}
