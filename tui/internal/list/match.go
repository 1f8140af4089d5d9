package list

import "strings"

// Matcher tells which texts a query finds. A query with an upper case letter
// is taken as it is, any other one ignores case; a leading "!" inverts it.
type Matcher struct {
	needle string
	fold   bool
	not    bool
}

// Match compiles a query.
func Match(query string) Matcher {
	m := Matcher{needle: query}
	if strings.HasPrefix(query, "!") {
		m.needle, m.not = query[1:], true
	}
	m.fold = strings.ToLower(m.needle) == m.needle
	return m
}

// Empty reports whether the query finds everything.
func (m Matcher) Empty() bool { return m.needle == "" }

// Needle is the text to mark in what was found; "" for an inverted query.
func (m Matcher) Needle() string {
	if m.not {
		return ""
	}
	return m.needle
}

// Text reports whether the query finds text.
func (m Matcher) Text(text string) bool {
	if m.needle == "" {
		return true
	}
	return contains(text, m.needle, m.fold) != m.not
}

// contains avoids the copy of strings.ToLower for ASCII, which is nearly all
// that is ever searched.
func contains(text, needle string, fold bool) bool {
	if !fold {
		return strings.Contains(text, needle)
	}
	if len(needle) > len(text) {
		return false
	}
	first := needle[0]
	if first >= 0x80 {
		return strings.Contains(strings.ToLower(text), needle)
	}
	upper := first
	if 'a' <= first && first <= 'z' {
		upper -= 'a' - 'A'
	}
	for i := 0; i+len(needle) <= len(text); i++ {
		if c := text[i]; (c == first || c == upper) && strings.EqualFold(text[i:i+len(needle)], needle) {
			return true
		}
	}
	// A letter whose other case has another length is not found above.
	return !ascii(needle) && strings.Contains(strings.ToLower(text), needle)
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// Filter gives the rows below n whose text the query finds, or nil for an
// empty query. It may run in a command: text must then read nothing that the
// model changes.
func (m Matcher) Filter(n int, text func(i int) string) []int {
	if m.Empty() {
		return nil
	}
	found := []int{}
	for i := range n {
		if m.Text(text(i)) {
			found = append(found, i)
		}
	}
	return found
}

// Next gives the first row after from (or before it, when dir is -1) whose text
// the query finds, going round the end; -1 when there is none.
func (m Matcher) Next(n, from, dir int, text func(i int) string) int {
	if m.Empty() {
		return -1
	}
	for k := 1; k <= n; k++ {
		if i := ((from+dir*k)%n + n) % n; m.Text(text(i)) {
			return i
		}
	}
	return -1
}
