package diff

import (
	"fmt"
	"path"
	"strings"
)

// Glob reports whether a path matches a pattern. It is path.Match's, with two
// additions: "**" as a whole component stands for any number of them, none
// included; and a pattern without a slash is also held to the last component
// alone. Slashes at the beginning and end of both say nothing.
func Glob(pattern, name string) bool {
	name = strings.Trim(name, "/")
	if !strings.Contains(pattern, "/") {
		if ok, err := path.Match(pattern, path.Base(name)); ok && err == nil {
			return true
		}
	}
	return globParts(strings.Split(strings.Trim(pattern, "/"), "/"), strings.Split(name, "/"))
}

// globParts matches component by component. It keeps one place to go back to,
// the last "**", so that it takes at most the product of both lengths.
func globParts(pattern, name []string) bool {
	p, n, star, from := 0, 0, -1, 0
	for n < len(name) {
		if p < len(pattern) && pattern[p] == "**" {
			star, from = p, n
			p++
			continue
		}
		if p < len(pattern) {
			if ok, err := path.Match(pattern[p], name[n]); ok && err == nil {
				p, n = p+1, n+1
				continue
			}
		}
		if star < 0 {
			return false
		}
		from++
		p, n = star+1, from
	}
	for p < len(pattern) && pattern[p] == "**" {
		p++
	}
	return p == len(pattern)
}

// CheckGlob says what is wrong with a pattern.
func CheckGlob(pattern string) error {
	if _, err := path.Match(pattern, ""); err != nil {
		return fmt.Errorf("reading the glob %q: %w", pattern, err)
	}
	if pattern == "" {
		return fmt.Errorf("reading the glob %q: it is empty", pattern)
	}
	return nil
}
