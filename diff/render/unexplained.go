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

// name is what the file is called. Where a file is all that was compared, its worst
// part says more.
func (u unexplainedFile) name() string {
	if u.path == u.node.Name {
		return u.parts[0].node.Name
	}
	return u.node.Name
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
