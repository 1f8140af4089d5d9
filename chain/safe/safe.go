// Package safe makes text from outside (file names, logs, symbols) fit to be
// shown: nothing of it is executed by a terminal, and nothing of it is lost,
// since every byte that is not shown as itself is shown as an escape.
//
// It is for showing only. Text that is compared or stored stays as it is.
package safe

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text returns s with control characters, bytes that are not UTF-8, and
// characters that reorder or hide text replaced by visible escapes (\n, \t,
// \x1b, \u202e). A backslash that could be mistaken for one of these is left
// alone: the result is to be read, not to be parsed back.
func Text(s string) string {
	if clean(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < 0x20 || r == 0x7f:
			fmt.Fprintf(&b, `\x%02x`, r)
		case hidden(r):
			if r > 0xffff {
				fmt.Fprintf(&b, `\U%08x`, r)
			} else {
				fmt.Fprintf(&b, `\u%04x`, r)
			}
		default:
			b.WriteRune(r)
		}
		i += n
	}
	return b.String()
}

// Line is Text for one line of a log or a text file: tabs become spaces up to
// the next multiple of eight, and a trailing line end is dropped.
func Line(s string) string {
	s = strings.TrimRight(s, "\r\n")
	if !strings.ContainsRune(s, '\t') {
		return Text(s)
	}
	var b strings.Builder
	col := 0
	for i, part := range strings.Split(s, "\t") {
		if i > 0 {
			n := 8 - col%8
			b.WriteString(strings.Repeat(" ", n))
			col += n
		}
		part = Text(part)
		b.WriteString(part)
		col += utf8.RuneCountInString(part)
	}
	return b.String()
}

// clean reports whether s can be shown as it is, so that the usual case
// allocates nothing.
func clean(s string) bool {
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c < 0x20 || c == 0x7f {
				return false
			}
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 || hidden(r) {
			return false
		}
		i += n
	}
	return true
}

// hidden reports characters that take no cell or change the order of others:
// C1 controls, format characters (bidi controls, zero-width, soft hyphen, tags),
// line and paragraph separators, variation selectors, private use, unassigned.
func hidden(r rune) bool {
	if r >= 0x80 && r < 0xa0 || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co, unicode.Cs, unicode.Variation_Selector) {
		return true
	}
	return !unicode.IsPrint(r) && !unicode.In(r, unicode.Zs)
}
