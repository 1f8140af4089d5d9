package stagex

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
)

// release is the release tag of a git checkout at root, "" when it is none or
// its commit has no tag that git keeps packed or as a plain file. It reads two or
// three small files and never runs git.
func release(root string) string {
	git := filepath.Join(root, ".git")
	head, err := os.ReadFile(filepath.Join(git, "HEAD"))
	if err != nil {
		return ""
	}
	commit := strings.TrimSpace(string(head))
	packed := packedRefs(filepath.Join(git, "packed-refs"))
	if ref, ok := strings.CutPrefix(commit, "ref: "); ok {
		if b, err := os.ReadFile(filepath.Join(git, filepath.FromSlash(ref))); err == nil {
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
	loose, _ := filepath.Glob(filepath.Join(git, "refs", "tags", "*"))
	for _, file := range loose {
		if b, err := os.ReadFile(file); err == nil {
			consider(filepath.Base(file), strings.TrimSpace(string(b)))
		}
	}
	return best
}

// packedRefs reads git's packed-refs; an annotated tag is given by the commit
// that it points to.
func packedRefs(file string) map[string]string {
	refs := map[string]string{}
	f, err := os.Open(file)
	if err != nil {
		return refs
	}
	defer f.Close()
	last := ""
	for sc := bufio.NewScanner(f); sc.Scan(); {
		line := sc.Text()
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
