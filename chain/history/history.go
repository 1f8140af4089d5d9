package history

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/stagex"
)

// Cache keeps what can be computed again. A store is one.
type Cache interface {
	// Cache gives exactly what PutCache was given, or reports that it is not there.
	Cache(kind string, key chain.Digest) ([]byte, bool)
	PutCache(kind string, key chain.Digest, data []byte) error
}

// cacheKind names what is kept of a release, with the version of its encoding.
const cacheKind = "history-1"

// Line is a digest that a release publishes.
type Line struct {
	Stage   string       `json:"stage"` // as the release names it
	Version string       `json:"version,omitempty"`
	Digest  chain.Digest `json:"digest"`
	Level   chain.Level  `json:"level"` // unknown where the release does not say it
	File    string       `json:"file"`
	Line    int          `json:"line"`
}

// Release is a tag that publishes digests.
type Release struct {
	Name   string    `json:"name"`
	Commit string    `json:"commit"`
	When   time.Time `json:"when"` // of the commit
	Lines  []Line    `json:"lines"`
}

// History is what all release tags of a repository publish.
type History struct {
	Releases []Release // the oldest first
	Problems []string  // what could not be read of them; hostile text
	Read     int       // releases that were read from git, not from the cache
}

// Load reads all release tags. Cache may be nil. A tag that publishes nothing is
// no release and is left out; one that cannot be read is a problem.
func (r *Repository) Load(ctx context.Context, c Cache) (*History, error) {
	tags, problems, err := r.Tags()
	if err != nil {
		return nil, err
	}
	h := &History{Problems: problems}
	for _, t := range tags {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		rel, bad, cached, err := r.release(t, c)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			h.Problems = append(h.Problems, fmt.Sprintf("tag %q: %v", t.Name, err))
			continue
		}
		for _, b := range bad {
			h.Problems = append(h.Problems, fmt.Sprintf("tag %q: %s", t.Name, b))
		}
		if !cached {
			h.Read++
		}
		h.Releases = append(h.Releases, rel)
	}
	return h, nil
}

// kept is what the cache holds of one commit.
type kept struct {
	Lines    []Line   `json:"lines"`
	Problems []string `json:"problems,omitempty"`
	Nothing  bool     `json:"nothing,omitempty"` // it publishes no digests
}

func (r *Repository) release(t Tag, c Cache) (rel Release, problems []string, cached bool, err error) {
	rel = Release{Name: t.Name, Commit: t.Commit, When: t.When.UTC()}
	key := chain.SHA256(sha256.Sum256([]byte("commit " + t.Commit)))
	var k kept
	if c != nil {
		data, ok := c.Cache(cacheKind, key)
		cached = ok && json.Unmarshal(data, &k) == nil
	}
	if !cached {
		if k, err = r.read(t); err != nil {
			return rel, nil, false, err
		}
		if data, err := json.Marshal(k); err == nil && c != nil {
			_ = c.PutCache(cacheKind, key, data) // it is only read again next time
		}
	}
	if k.Nothing {
		return rel, nil, cached, fs.ErrNotExist
	}
	rel.Lines = k.Lines
	return rel, k.Problems, cached, nil
}

func (r *Repository) read(t Tag) (kept, error) {
	tree, err := r.FS(t)
	if err != nil {
		return kept{}, err
	}
	lines, problems, err := stagex.PublishedLines(tree)
	if errors.Is(err, fs.ErrNotExist) {
		return kept{Nothing: true}, nil
	}
	if err != nil {
		return kept{}, err
	}
	k := kept{Problems: problems, Lines: make([]Line, len(lines))}
	for i, l := range lines {
		k.Lines[i] = Line{Stage: l.Stage, Version: l.Version, Digest: l.Digest, Level: l.Level, File: l.Origin, Line: l.Line}
	}
	return k, nil
}

// Digests are all digests that any release publishes, each once.
func (h *History) Digests() []chain.Digest {
	seen := map[chain.Digest]bool{}
	var out []chain.Digest
	for _, r := range h.Releases {
		for _, l := range r.Lines {
			if !seen[l.Digest] {
				seen[l.Digest] = true
				out = append(out, l.Digest)
			}
		}
	}
	return out
}

// Hit is a stage for which a digest was published.
type Hit struct {
	Line
	Release  string   `json:"release"`  // the first that publishes it
	Releases []string `json:"releases"` // all that do, the oldest first
	Later    []Later  `json:"later"`    // the digests that took its place, the oldest first
	Newest   string   `json:"newest"`   // of all releases
	Gone     string   `json:"gone,omitempty"`
}

// Later is a digest that superseded another.
type Later struct {
	Release string       `json:"release"` // the first that publishes it
	Version string       `json:"version,omitempty"`
	Digest  chain.Digest `json:"digest"`
}

// Find gives the stages for which a digest was published, in the order of their
// releases; none when no release did.
func (h *History) Find(d chain.Digest) []Hit {
	var hits []*Hit
	for i, r := range h.Releases {
		for _, l := range r.Lines {
			if l.Digest != d {
				continue
			}
			if k := slices.IndexFunc(hits, func(x *Hit) bool { return x.Stage == l.Stage || lineage(x.Stage, l.Stage) }); k >= 0 {
				hits[k].Releases = append(hits[k].Releases, r.Name)
				h.follow(hits[k], i)
				continue
			}
			hit := &Hit{Line: l, Release: r.Name, Releases: []string{r.Name}, Later: []Later{}, Newest: h.Releases[len(h.Releases)-1].Name}
			h.follow(hit, i)
			hits = append(hits, hit)
		}
	}
	out := make([]Hit, len(hits))
	for i, x := range hits {
		out[i] = *x
	}
	return out
}

// follow finds what took a digest's place after the i-th release.
func (h *History) follow(hit *Hit, i int) {
	hit.Later, hit.Gone = []Later{}, ""
	now := hit.Digest
	for _, r := range h.Releases[i+1:] {
		l, ok := r.of(hit.Stage)
		switch {
		case !ok && hit.Gone == "":
			hit.Gone = r.Name
		case ok:
			hit.Gone = ""
			if l.Digest != now {
				now = l.Digest
				hit.Later = append(hit.Later, Later{r.Name, l.Version, l.Digest})
			}
		}
	}
}

// of gives a release's line for a stage, also when it has got its tier since.
func (r *Release) of(stage string) (Line, bool) {
	found, n := Line{}, 0
	for _, l := range r.Lines {
		if l.Stage == stage {
			return l, true
		}
		if lineage(stage, l.Stage) {
			found = l
			n++
		}
	}
	return found, n == 1
}

// lineage reports whether a later name is an earlier one with its tier: until
// 2024.09 packages had none.
func lineage(earlier, later string) bool {
	tier, rest, ok := strings.Cut(later, "-")
	if !ok || rest != earlier {
		return false
	}
	return tier == "bootstrap" || tier == "core" || tier == "pallet" || tier == "user"
}

// Name is the stage with its version: "core-openssl 3.5.2".
func (x *Hit) Name() string { return strings.TrimSpace(x.Stage + " " + x.Version) }

// Sentence is e.g. "core-openssl 3.5.2 of 2025.10.0, superseded twice".
func (x *Hit) Sentence() string {
	s := x.Name() + " of " + x.Release
	if last := x.Releases[len(x.Releases)-1]; last != x.Release {
		s += " to " + last
	}
	switch n := len(x.Later); {
	case n == 1:
		s += ", superseded once"
	case n == 2:
		s += ", superseded twice"
	case n > 2:
		s += fmt.Sprintf(", superseded %d times", n)
	case x.Gone == "":
		return s + ", the newest"
	}
	if x.Gone != "" {
		s += ", published no more since " + x.Gone
	}
	return s
}

// Searched says which releases were searched: "26 releases, 2024.02.0 to
// 2026.03.0, 7812 digests".
func (h *History) Searched() string {
	if len(h.Releases) == 0 {
		return "no release"
	}
	n := len(h.Digests())
	if len(h.Releases) == 1 {
		return fmt.Sprintf("1 release, %s, %d digests", h.Releases[0].Name, n)
	}
	return fmt.Sprintf("%d releases, %s to %s, %d digests", len(h.Releases), h.Releases[0].Name, h.Releases[len(h.Releases)-1].Name, n)
}
