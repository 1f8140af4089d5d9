package stagex

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/containerfile"
)

const digestsDir = "digests"

// published is one line of a digests file.
type published struct {
	digest chain.Digest
	id     string
	line   int
}

// parseDigests reads a digests file: "<64 hex digits> <stage>" per line. Lines
// that are something else are given back as bad.
func parseDigests(data []byte) (good []published, bad []badFile) {
	n := 0
	for text := range strings.Lines(string(data)) {
		n++
		words := strings.Fields(text)
		if len(words) == 0 {
			continue
		}
		if len(words) != 2 {
			bad = append(bad, badFile{n, fmt.Sprintf("want a digest and a stage, have %d words", len(words))})
			continue
		}
		d, err := chain.ParseDigest(words[0])
		if err != nil {
			bad = append(bad, badFile{n, err.Error()})
			continue
		}
		good = append(good, published{d, words[1], n})
	}
	return good, bad
}

// publish gives every stage the digests that the tree publishes for it, and
// reports what has no counterpart.
func (l *loader) publish(c *chain.Chain) {
	entries, err := fs.ReadDir(l.fsys, digestsDir)
	if err != nil {
		text := "the tree publishes no digests, so that no rebuild can be compared with it"
		if !errors.Is(err, fs.ErrNotExist) {
			text = fmt.Sprintf("the published digests cannot be read: %v", plain(err))
		}
		l.add(chain.Warning, "no-digests", digestsDir, 0, "", "%s", text)
		return
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".txt") {
			l.publishFile(c, path.Join(digestsDir, e.Name()))
		}
	}
	l.equalDigests(c)
	for _, s := range c.Stages {
		if len(s.Published) == 0 {
			l.findings = append(l.findings, chain.Finding{Severity: chain.Notice, Rule: "stage-without-digest", Stage: s.ID, File: s.Containerfile,
				Text: fmt.Sprintf("digests/%s.txt has no digest of %q", s.Tier, s.ID)})
		}
	}
}

func (l *loader) publishFile(c *chain.Chain, name string) {
	data, err := containerfile.ReadFile(l.fsys, name)
	if err != nil {
		l.add(chain.Fault, "unreadable", name, 0, "check the permissions", "the published digests cannot be read: %v", plain(err))
		return
	}
	good, bad := parseDigests(data)
	for _, b := range bad {
		l.add(chain.Fault, "digest-line", name, b.line, "", "%s", b.text)
	}
	for _, p := range good {
		s, err := c.Stage(p.id)
		if err != nil {
			l.add(chain.Warning, "digest-without-stage", name, p.line, "remove the line or restore the package", "%q has a digest but is no stage of this tree", p.id)
			continue
		}
		if tier := strings.TrimSuffix(path.Base(name), ".txt"); tier != s.Tier {
			l.add(chain.Notice, "digest-elsewhere", name, p.line, "", "%q is listed here, not in digests/%s.txt", s.ID, s.Tier)
		}
		if len(s.Published) > 0 && s.Published[0].Digest != p.digest {
			l.add(chain.Fault, "two-digests", name, p.line, "keep the right one", "%q has another digest in %s:%d", s.ID, s.Published[0].Origin, s.Published[0].Line)
		}
		s.Published = append(s.Published, chain.Claimed{Digest: p.digest, Level: l.rules.level, Origin: name, Line: p.line})
	}
}

// equalDigests reports different stages with one digest: annotations and names
// differ, so that one of the lines must be wrong.
func (l *loader) equalDigests(c *chain.Chain) {
	holders := map[chain.Digest][]*chain.Stage{}
	for _, s := range c.Stages {
		for _, p := range s.Published {
			if !slices.Contains(holders[p.Digest], s) {
				holders[p.Digest] = append(holders[p.Digest], s)
			}
		}
	}
	for d, stages := range holders {
		if len(stages) < 2 {
			continue
		}
		var ids []string
		for _, s := range stages {
			ids = append(ids, s.ID)
		}
		slices.SortFunc(stages, func(a, b *chain.Stage) int { return cmp.Compare(a.ID, b.ID) })
		at := stages[0].Published[0]
		l.findings = append(l.findings, chain.Finding{Severity: chain.Warning, Rule: "equal-digests", Stage: stages[0].ID, File: at.Origin, Line: at.Line,
			Text: fmt.Sprintf("%s are different recipes but have one digest, %s", strings.Join(ids, " and "), d.Short()),
			Hint: "rebuild them: at most one of them can be right"})
	}
}
