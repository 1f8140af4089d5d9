package render

import (
	"strings"

	"github.com/stagescope/stagescope/diff"
)

// unexplainedFile is a file of which something is not explained.
type unexplainedFile struct {
	path  string // of the file
	node  *diff.Node
	parts []Finding // worst first
}

// unexplainedFiles puts together what is not explained of one file. The file with
// the worst of it comes first.
func (s Summary) unexplainedFiles() (out []unexplainedFile) {
	by := map[*diff.Node]int{}
	for _, f := range s.Unexplained {
		k, ok := by[f.file]
		if !ok {
			k = len(out)
			by[f.file] = k
			out = append(out, unexplainedFile{path: f.File, node: f.file})
		}
		out[k].parts = append(out[k].parts, f)
	}
	return out
}

// whole reports whether the file is all that was compared.
func (u unexplainedFile) whole() bool { return u.path == u.node.Name }

// worstNames are what is explained least: files, or the parts of a file that is all that
// was compared. The number is how many there are of these.
func worstNames(files []unexplainedFile) (names []string, n int) {
	if len(files) == 1 && files[0].whole() {
		for _, f := range files[0].parts {
			names = append(names, f.node.Name)
		}
		return names, len(names)
	}
	for _, f := range files {
		names = append(names, f.node.Name)
	}
	return names, len(names)
}

// mostParts bounds the parts of a file that are named.
const mostParts = 4

// said says what is not explained, part by part.
func (u unexplainedFile) said(all bool) string {
	var out []string
	for i, f := range u.parts {
		if i == mostParts && !all && len(u.parts) > mostParts+1 {
			out = append(out, "… and "+plural(len(u.parts)-i, "more part"))
			break
		}
		what := f.What
		if part := f.part(); part != "" {
			what = part + " (" + what + ")"
		}
		out = append(out, what)
	}
	return strings.Join(out, "; ")
}
