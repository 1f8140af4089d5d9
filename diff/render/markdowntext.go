package render

import (
	"regexp"
	"strings"

	"github.com/stagescope/stagescope/chain/safe"
)

// A report in Markdown is pasted into issues, where text does things: it mentions
// people, refers to issues and commits, makes links, pictures and tables. Escaping
// does not keep from that: GitHub and GitLab look for mentions and references in what
// Markdown has become, where an escape is gone. They do not look into code. So what is
// not plainly harmless is code.

// prose is text that may hold hostile text: as it is where it can do nothing, else as
// code.
func prose(s string) string {
	s = safe.Line(s)
	if harmless.MatchString(s) && !acting.MatchString(s) {
		return s
	}
	return code(s)
}

var (
	// harmless is text of characters that mean nothing inside a line.
	harmless = regexp.MustCompile(`^[A-Za-z0-9 ,.;:()'"%+/=→…?-]*$`)
	// acting is what such characters can make: links, emoji, hashes of commits, keys of
	// trackers, and what is read as a command where a line begins with it.
	acting = regexp.MustCompile(`(?i)www\.|:/|:[a-z0-9_+-]+:|\b[0-9a-f]{7,}\b|\b[a-z][a-z0-9]*-[0-9]|^\s*/|^\s|\s$`)
)

// code is text in a code span that it cannot leave.
func code(s string) string {
	s = safe.Line(s)
	ticks := "`"
	for strings.Contains(s, ticks) {
		ticks += "`"
	}
	if s == "" || strings.Trim(s, "` ") != s {
		return ticks + " " + s + " " + ticks
	}
	return ticks + s + ticks
}

// cell is prose in a cell of a table. A bar would end the cell, and with it the code
// span; after a backslash it would do so even if escaped.
func cell(s string) string {
	if s == "" {
		return ""
	}
	return prose(strings.ReplaceAll(safe.Line(s), "|", `\x7c`))
}
