package stagex

import (
	"io/fs"
	"strings"

	"github.com/stagescope/stagescope/chain/containerfile"
)

// release is the release tag of a git checkout, "" when the tree is none or its
// commit has no tag that git keeps packed or as a plain file. It reads two or
// three small files and never runs git.
func release(tree fs.FS) string {
	git, err := fs.Sub(tree, ".git")
	if err != nil {
		return ""
	}
	head, err := containerfile.ReadFile(git, "HEAD")
	if err != nil {
		return ""
	}
	commit := strings.TrimSpace(string(head))
	packed := packedRefs(git)
	if ref, ok := strings.CutPrefix(commit, "ref: "); ok {
		if b, err := containerfile.ReadFile(git, ref); err == nil {
			commit = strings.TrimSpace(string(b))
		} else {
			commit = packed[ref]
		}
	}
	if commit == "" {
		return ""
	}
	best := ""
	consider := func(name, at string) {
		// Release tags are dates, so that the greatest is the newest.
		if at == commit && name > best {
			best = name
		}
	}
	for ref, at := range packed {
		if name, ok := strings.CutPrefix(ref, "refs/tags/"); ok {
			consider(name, at)
		}
	}
	loose, _ := fs.ReadDir(git, "refs/tags")
	for _, e := range loose {
		if b, err := containerfile.ReadFile(git, "refs/tags/"+e.Name()); err == nil {
			consider(e.Name(), strings.TrimSpace(string(b)))
		}
	}
	return best
}

// packedRefs reads git's packed-refs; an annotated tag is given by the commit
// that it points to.
func packedRefs(git fs.FS) map[string]string {
	refs := map[string]string{}
	data, err := containerfile.ReadFile(git, "packed-refs")
	if err != nil {
		return refs
	}
	last := ""
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if peeled, ok := strings.CutPrefix(line, "^"); ok && last != "" {
			refs[last] = peeled
			continue
		}
		at, name, ok := strings.Cut(line, " ")
		if ok && !strings.HasPrefix(line, "#") {
			refs[name], last = at, name
		}
	}
	return refs
}
