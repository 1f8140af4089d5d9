package store

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/stagescope/stagescope/chain"
)

// Policy says what GC may remove.
type Policy struct {
	// MaxBytes bounds the layout's blobs; the least recently used roots are
	// removed until they fit. 0 sets no bound: only what nothing leads to goes.
	MaxBytes int64
	// Remove names tags, and digests, that are removed even though they are
	// evidence. A tag's artifacts go with it.
	Remove []string
	// Protect keeps a root whatever its age; may be nil.
	Protect func(Root) bool
	// MinAge spares blobs younger than it, which a build may be about to use.
	MinAge time.Duration
	DryRun bool // only say what would go
	// Sweep removes, whatever their age, the blobs that only what Remove names
	// led to.
	Sweep bool
}

// Root is an entry of the index: a tag, an artifact, or an image without a tag.
type Root struct {
	Name       string // its tag; "" when it has none
	Descriptor ocispec.Descriptor
	Size       int64 // bytes of all that it leads to
	Used       time.Time
	Evidence   bool   // an image that is not known to match a claim, or an artifact about one
	Matches    string // which claim it is known to match
}

// Freed is what GC removed, or would remove.
type Freed struct {
	Bytes   int64    `json:"bytes"`
	Blobs   int      `json:"blobs"`
	Roots   []string `json:"roots,omitempty"` // tags, or digests of what has none
	Kept    int64    `json:"kept"`            // bytes that remain
	Over    int64    `json:"over,omitempty"`  // bytes over the bound that could not be removed
	Blocked []string `json:"blocked,omitempty"`
}

// GC removes what no tag and no artifact leads to and, over the bound, the
// least recently used roots. An image that is not known to match a claim stays
// unless Policy.Remove names it.
func (s *Store) GC(ctx context.Context, p Policy) (Freed, error) {
	release, err := s.maintain("gc")
	if err != nil {
		return Freed{}, err
	}
	defer release()
	writers, err := s.exclusive(ctx, lockWriters)
	if err != nil {
		return Freed{}, err
	}
	defer writers()
	g := &collector{store: s, policy: p, dropped: map[int]bool{}, ledTo: map[chain.Digest]bool{}}
	if err := g.mark(ctx); err != nil {
		return Freed{}, fmt.Errorf("collecting garbage: %w", err)
	}
	if err := g.removeNamed(); err != nil {
		return Freed{}, err
	}
	g.evict()
	err = g.sweep(ctx)
	return g.freed, err
}

// Roots lists the index's entries with what GC knows of them, tags first.
func (s *Store) Roots(ctx context.Context) ([]Root, error) {
	g := &collector{store: s}
	if err := g.mark(ctx); err != nil {
		return nil, fmt.Errorf("listing the store: %w", err)
	}
	slices.SortFunc(g.roots, func(a, b Root) int {
		if (a.Name == "") != (b.Name == "") {
			return strings.Compare(b.Name, a.Name)
		}
		if c := strings.Compare(a.Name, b.Name); c != 0 {
			return c
		}
		return strings.Compare(string(a.Descriptor.Digest), string(b.Descriptor.Digest))
	})
	return g.roots, nil
}

// Usage counts the layout's blobs and their bytes.
func (s *Store) Usage() (blobs int, bytes int64, err error) {
	entries, err := os.ReadDir(s.blobDir())
	if err != nil {
		return 0, 0, fmt.Errorf("listing the store's blobs: %w", err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			blobs++
			bytes += info.Size()
		}
	}
	return blobs, bytes, nil
}

type collector struct {
	store  *Store
	policy Policy

	roots   []Root
	reach   []map[chain.Digest]bool // per root
	refs    map[chain.Digest]int    // how many kept roots lead to a blob
	sizes   map[chain.Digest]int64
	ages    map[chain.Digest]time.Time
	dropped map[int]bool
	ledTo   map[chain.Digest]bool // blobs that dropped roots lead to
	total   int64                 // bytes of blobs that kept roots lead to
	freed   Freed
}

// mark reads the blobs and what the index leads to.
func (g *collector) mark(ctx context.Context) error {
	g.refs, g.sizes, g.ages = map[chain.Digest]int{}, map[chain.Digest]int64{}, map[chain.Digest]time.Time{}
	entries, err := os.ReadDir(g.store.blobDir())
	if err != nil {
		return err
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			d := chain.Digest("sha256:" + e.Name())
			g.sizes[d], g.ages[d] = info.Size(), info.ModTime()
		}
	}
	idx, err := g.store.index(ctx)
	if err != nil {
		return err
	}
	matches := g.matches(idx)
	for _, e := range idx.Manifests {
		g.addRoot(e, matches)
	}
	return nil
}

// matches says which images are known to match a claim: by their tag, or by an
// artifact about them.
func (g *collector) matches(idx *ocispec.Index) map[digest.Digest]string {
	known := map[digest.Digest]string{}
	for _, e := range idx.Manifests {
		text := e.Annotations[AnnotationMatches]
		if text == "" {
			continue
		}
		known[e.Digest] = text
		if m, err := g.store.manifest(chain.Digest(e.Digest)); err == nil && m.Subject != nil {
			known[m.Subject.Digest] = text
		}
	}
	return known
}

func (g *collector) addRoot(e ocispec.Descriptor, matches map[digest.Digest]string) {
	r := Root{Name: e.Annotations[ocispec.AnnotationRefName], Descriptor: e, Matches: matches[e.Digest]}
	reach := map[chain.Digest]bool{}
	visit := func(c ocispec.Descriptor) bool {
		d := chain.Digest(c.Digest)
		if reach[d] {
			return false
		}
		reach[d] = true
		r.Size += g.sizes[d]
		return true
	}
	_ = g.store.walk(e, visit) // what is missing below cannot be removed either
	if record := chain.Digest(e.Annotations[annotationRecord]); record != "" {
		reach[record] = true
		reach[chain.Digest(ocispec.DescriptorEmptyJSON.Digest)] = true
	}
	r.Used = g.used(chain.Digest(e.Digest))
	r.Evidence = r.Matches == "" && e.Annotations[AnnotationExpendable] == ""
	if m, err := g.store.manifest(chain.Digest(e.Digest)); err == nil && m.Subject != nil && r.Evidence {
		r.Evidence = matches[m.Subject.Digest] == ""
	}
	for d := range reach {
		if g.refs[d] == 0 {
			g.total += g.sizes[d]
		}
		g.refs[d]++
	}
	g.roots, g.reach = append(g.roots, r), append(g.reach, reach)
}

// used is when a root, or what it names directly, was last opened or made.
func (g *collector) used(d chain.Digest) time.Time {
	used := g.ages[d]
	m, err := g.store.manifest(d)
	if err != nil {
		return used
	}
	for _, c := range m.children() {
		if at := g.ages[chain.Digest(c.Digest)]; at.After(used) && c.MediaType != ocispec.MediaTypeEmptyJSON {
			used = at
		}
	}
	return used
}

// AnnotationExpendable on an artifact or a tag's descriptor says that it can be
// had again, e.g. a source by its mirrors, so that GC may remove it.
const AnnotationExpendable = "dev.stagescope.expendable"

func (g *collector) drop(i int) {
	if g.dropped[i] {
		return
	}
	g.dropped[i] = true
	for d := range g.reach[i] {
		g.ledTo[d] = true
		if g.refs[d]--; g.refs[d] == 0 {
			g.total -= g.sizes[d]
		}
	}
	name := g.roots[i].Name
	if name == "" {
		name = string(g.roots[i].Descriptor.Digest)
	}
	g.freed.Roots = append(g.freed.Roots, name)
	// What is said about an image goes with it.
	for j, r := range g.roots {
		if m, err := g.store.manifest(chain.Digest(r.Descriptor.Digest)); err == nil && m.Subject != nil &&
			m.Subject.Digest == g.roots[i].Descriptor.Digest && !g.stillTagged(m.Subject.Digest) {
			g.drop(j)
		}
	}
}

func (g *collector) stillTagged(d digest.Digest) bool {
	for i, r := range g.roots {
		if !g.dropped[i] && r.Descriptor.Digest == d {
			return true
		}
	}
	return false
}

func (g *collector) removeNamed() error {
	for _, name := range g.policy.Remove {
		found := false
		for i, r := range g.roots {
			d := chain.Digest(r.Descriptor.Digest)
			if r.Name == name || string(d) == name || d.Hex() == name {
				g.drop(i)
				found = true
			}
		}
		if !found {
			return fmt.Errorf("removing %q: %w", name, ErrNotFound)
		}
	}
	return nil
}

// evict drops the least recently used roots until the rest fits the bound.
func (g *collector) evict() {
	if g.policy.MaxBytes <= 0 {
		return
	}
	order := make([]int, len(g.roots))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return g.roots[a].Used.Compare(g.roots[b].Used) })
	young := g.store.now().Add(-g.policy.MinAge)
	for _, i := range order {
		if g.total <= g.policy.MaxBytes {
			return
		}
		r := g.roots[i]
		switch {
		case g.dropped[i]:
		case r.Evidence:
			g.freed.Blocked = append(g.freed.Blocked, r.label())
		case r.Used.After(young), g.policy.Protect != nil && g.policy.Protect(r):
		default:
			g.drop(i)
		}
	}
	g.freed.Over = max(0, g.total-g.policy.MaxBytes)
}

func (r Root) label() string {
	if r.Name != "" {
		return r.Name
	}
	return string(r.Descriptor.Digest)
}

// sweep writes the index without the dropped roots and removes the blobs that
// nothing leads to.
func (g *collector) sweep(ctx context.Context) error {
	s := g.store
	if len(g.dropped) > 0 && !g.policy.DryRun {
		gone := map[string]bool{}
		for i := range g.dropped {
			gone[g.roots[i].Name+"\x00"+string(g.roots[i].Descriptor.Digest)] = true
		}
		err := s.updateIndex(ctx, func(idx *ocispec.Index) error {
			idx.Manifests = slices.DeleteFunc(idx.Manifests, func(e ocispec.Descriptor) bool {
				return gone[e.Annotations[ocispec.AnnotationRefName]+"\x00"+string(e.Digest)]
			})
			return nil
		})
		if err != nil {
			return err
		}
	}
	young := s.now().Add(-g.policy.MinAge)
	for d, size := range g.sizes {
		spared := g.policy.MinAge > 0 && g.ages[d].After(young) && !(g.policy.Sweep && g.ledTo[d])
		if g.refs[d] > 0 || spared {
			g.freed.Kept += size
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		g.freed.Blobs++
		g.freed.Bytes += size
		if g.policy.DryRun {
			continue
		}
		if err := s.Remove(d); err != nil {
			return err
		}
	}
	if !g.policy.DryRun {
		s.removeStale()
	}
	return nil
}

// removeStale removes files that a process began to write and left behind.
func (s *Store) removeStale() {
	_ = filepath.WalkDir(s.path(ingestDir), func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if info, err := d.Info(); err == nil && s.now().Sub(info.ModTime()) > 24*time.Hour {
				_ = os.Remove(path)
			}
		}
		return nil
	})
}

// RemoveEngineState removes what an engine keeps beside the layout. Files that
// only a user namespace can delete are left to remove, which may be nil.
func (s *Store) RemoveEngineState(remove func(dir string) error) error {
	if remove != nil {
		if err := remove(s.EngineDir()); err != nil {
			return fmt.Errorf("removing the engine's state: %w", err)
		}
	}
	if err := os.RemoveAll(s.EngineDir()); err != nil {
		return fmt.Errorf("removing the engine's state: %w", err)
	}
	return os.MkdirAll(s.EngineDir(), 0o755)
}
