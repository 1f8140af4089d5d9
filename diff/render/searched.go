package render

import "strings"

// searched appends the text of a page, a line for each block: what a search looks
// through, as textOf in search.js has it.
func searched(out []byte, page string) []byte {
	for page != "" {
		at := strings.IndexByte(page, '<')
		if at < 0 {
			return unescaped(out, page)
		}
		out = unescaped(out, page[:at])
		page = page[at:]
		end := strings.IndexByte(page, '>')
		if end < 0 {
			break // no page ends inside a tag
		}
		tag := page[1:end]
		page = page[end+1:]
		switch {
		case strings.HasPrefix(tag, `a class="link"`), tag == `p class="wait"`: // with what is in it
			if _, after, ok := strings.Cut(page, ">"); ok {
				page = after
			}
		case !inline(tag):
			out = append(out, '\n')
		}
	}
	return out
}

// entities are the characters that are escaped where a page is written.
var entities = []struct {
	name string
	c    byte
}{{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&#34;", '"'}, {"&#39;", '\''}}

func unescaped(out []byte, s string) []byte {
	for {
		at := strings.IndexByte(s, '&')
		if at < 0 {
			return append(out, s...)
		}
		out = append(out, s[:at]...)
		s = s[at:]
		n, c := 1, byte('&')
		for _, e := range entities {
			if strings.HasPrefix(s, e.name) {
				n, c = len(e.name), e.c
				break
			}
		}
		out, s = append(out, c), s[n:]
	}
}

// inline reports whether a tag is of an element that does not end a line.
func inline(tag string) bool {
	tag = strings.TrimPrefix(tag, "/")
	if at := strings.IndexByte(tag, ' '); at >= 0 {
		tag = tag[:at]
	}
	switch tag {
	case "b", "i", "em", "strong", "small", "mark", "span", "code", "a":
		return true
	}
	return false
}
