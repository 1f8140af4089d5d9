package stagex

import "strings"

// lineDep is a dependency as the tree's own scripts find it.
type lineDep struct {
	text string // after "stagex/", pins included
	line int
}

// lineRule finds dependencies line by line, as the tree's generator does, and
// reports the lines that would make it crash.
func (r rules) lineRule(data []byte) (deps []lineDep, crashes []badFile) {
	n := 0
	for line := range strings.Lines(string(data)) {
		n++
		line = strings.TrimRight(line, "\r\n")
		words := strings.Split(line, " ")
		after := func(i int) {
			if len(words) <= i {
				crashes = append(crashes, badFile{n, "the tree's scripts split this line at spaces and find nothing after the first word"})
				return
			}
			if _, dep, ok := strings.Cut(words[i], "/"); ok {
				dep, _, _ = strings.Cut(dep, "/")
				deps = append(deps, lineDep{strings.TrimSpace(dep), n})
			}
		}
		switch {
		case strings.HasPrefix(line, "COPY"):
			if len(words) < 2 {
				after(1)
				continue
			}
			if !strings.HasPrefix(words[1], "--from") {
				continue
			}
			parts := strings.Split(words[1], "=")
			if len(parts) != 2 {
				crashes = append(crashes, badFile{n, "the tree's scripts crash on this --from: it must hold exactly one \"=\""})
				continue
			}
			if dep, ok := strings.CutPrefix(parts[1], "stagex/"); ok {
				dep, _, _ = strings.Cut(dep, "/")
				deps = append(deps, lineDep{dep, n})
			}
		case strings.HasPrefix(line, "FROM stagex/"):
			after(1)
		case r.crossPlatform && strings.HasPrefix(line, "FROM --platform=linux/386 stagex/"):
			after(2)
		}
	}
	return deps, crashes
}
