package system

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/stagescope/stagescope/diff"
)

// KindLoaderCache is the cache by which the loader finds libraries, ld.so.cache.
const KindLoaderCache diff.Kind = "loader's cache"

// The layouts (glibc, sysdeps/generic/dl-cache.h): the old one alone, the old one
// with the new one behind it, and since 2.32 the new one alone.
const (
	oldCache      = "ld.so-1.7.0\x00"
	newCache      = "glibc-ld.so.cache1.1"
	oldCacheHead  = 16
	oldCacheEntry = 12
	newCacheHead  = 48
	newCacheEntry = 24
	cacheExtra    = 0xeaa42174
	maxLibraries  = 1 << 18
	tagGenerator  = 0
	tagHwcaps     = 1
)

func init() {
	diff.Register(diff.Format{Kind: KindLoaderCache, Compare: compareCache, Match: func(in *diff.Input) bool {
		return in.HasPrefix(newCache) || in.HasPrefix(oldCache)
	}})
}

// library is an entry of the cache.
type library struct {
	name, path string
	of         string // the machine it is for, as numbers
}

func (l library) String() string { return l.name + " (" + l.of + ") => " + l.path }

// loaderCache is what a cache says.
type loaderCache struct {
	libs      []library // in the order in which they are sought
	generator string
	more      []string // all else that it says
}

// cacheReader reads a cache.
type cacheReader struct {
	p []byte
	m marks
	o binary.ByteOrder
	c *loaderCache
}

func parseCache(p []byte) (*loaderCache, error) {
	r := &cacheReader{p: p, m: make(marks, len(p)), o: binary.LittleEndian, c: &loaderCache{}}
	base := 0
	if strings.HasPrefix(string(p), oldCache) {
		end, err := r.old()
		if err != nil {
			return nil, err
		}
		if base = (end + 7) &^ 7; base >= len(p) || !strings.HasPrefix(string(p[base:]), newCache) {
			base = -1
		}
	}
	if base >= 0 {
		if err := r.new(base); err != nil {
			return nil, err
		}
	}
	r.c.more = append(r.c.more, r.m.rest(p)...)
	return r.c, nil
}

// word reads a number of 4 bytes; what is not there is refused before.
func (r *cacheReader) word(at int) int { return int(r.o.Uint32(r.p[at:])) }

// old reads the old layout, and gives where its entries end. Those of the new one
// behind it are the ones that are sought.
func (r *cacheReader) old() (int, error) {
	if len(r.p) < oldCacheHead {
		return 0, bad("it ends inside the header")
	}
	n := r.word(12)
	if n > maxLibraries || n > (len(r.p)-oldCacheHead)/oldCacheEntry {
		return 0, bad("%d libraries in %d bytes", n, len(r.p))
	}
	end := oldCacheHead + n*oldCacheEntry
	r.m.mark(0, end)
	for i := range n {
		at := oldCacheHead + i*oldCacheEntry
		name, okN := r.m.str(r.p, end+r.word(at+4))
		to, okP := r.m.str(r.p, end+r.word(at+8))
		if !okN || !okP {
			return 0, bad("library %d has no name", i)
		}
		r.c.more = append(r.c.more, fmt.Sprintf("old: %s (%#x) => %s", name, r.word(at), to))
	}
	return end, nil
}

func (r *cacheReader) new(base int) error {
	if len(r.p)-base < newCacheHead {
		return bad("it ends inside the header")
	}
	n, strs, extra := r.word(base+20), r.word(base+24), r.word(base+32)
	if n > maxLibraries || n > (len(r.p)-base-newCacheHead)/newCacheEntry {
		return bad("%d libraries in %d bytes", n, len(r.p))
	}
	from := base + newCacheHead + n*newCacheEntry
	if strs > len(r.p)-from {
		return bad("%d bytes of names in %d bytes", strs, len(r.p))
	}
	r.m.mark(base, from)
	r.c.more = append(r.c.more, fmt.Sprintf("header %x %x", r.p[base+28:base+32], r.p[base+36:base+newCacheHead]))
	for i := range n {
		at := base + newCacheHead + i*newCacheEntry
		name, okN := r.m.str(r.p, base+r.word(at+4))
		to, okP := r.m.str(r.p, base+r.word(at+8))
		if !okN || !okP {
			return bad("library %d has no name", i)
		}
		r.c.libs = append(r.c.libs, library{name, to, fmt.Sprintf("%#x %#x %#x", r.word(at), r.word(at+12), r.o.Uint64(r.p[at+16:]))})
	}
	end := from + strs
	if extra != 0 {
		last, err := r.extensions(base, base+extra)
		if err != nil {
			return err
		}
		end = max(end, last)
	}
	if end < len(r.p) {
		r.c.more = append(r.c.more, "after its end: "+hex.EncodeToString(r.p[end:]))
		r.m.mark(end, len(r.p))
	}
	return nil
}

// extensions reads what newer releases add: who wrote the cache, and the names of
// subdirectories for processors.
func (r *cacheReader) extensions(base, at int) (end int, err error) {
	if at < 0 || at > len(r.p)-8 || r.o.Uint32(r.p[at:]) != cacheExtra {
		return 0, bad("there is no extension where it says")
	}
	n := r.word(at + 4)
	if n > (len(r.p)-at-8)/16 {
		return 0, bad("%d extensions in %d bytes", n, len(r.p))
	}
	end = at + 8 + 16*n
	r.m.mark(at, end)
	for i := range n {
		h := at + 8 + 16*i
		tag, off, size := r.word(h), base+r.word(h+8), r.word(h+12)
		if off > len(r.p) || size > len(r.p)-off {
			return 0, bad("extension %d is not in the file", tag)
		}
		r.m.mark(off, off+size)
		end = max(end, off+size)
		text := string(r.p[off : off+size])
		switch {
		case tag == tagGenerator && r.c.generator == "":
			r.c.generator = text
			r.c.more = append(r.c.more, fmt.Sprintf("extension %d, flags %#x", tag, r.word(h+4)))
		case tag == tagHwcaps && size%4 == 0:
			for k := range size / 4 {
				s, ok := r.m.str(r.p, base+r.word(off+4*k))
				if !ok {
					return 0, bad("a subdirectory has no name")
				}
				r.c.more = append(r.c.more, "subdirectory "+s)
			}
		default:
			r.c.more = append(r.c.more, fmt.Sprintf("extension %d, flags %#x: %x", tag, r.word(h+4), text))
		}
	}
	return end, nil
}

func compareCache(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input) error {
	var cs [2]*loaderCache
	for i, in := range []*diff.Input{a, b} {
		p, err := readAll(in)
		if err != nil {
			return err
		}
		if cs[i], err = parseCache(p); err != nil {
			return fmt.Errorf("side %c: %w", 'A'+i, err)
		}
	}
	return part(ctx, x, n, "libraries", a, b, func(n *diff.Node) error {
		hs, err := x.Hunks(ctx, a, b)
		if err != nil {
			return err
		}
		sayCache(x, n, cs[0], cs[1])
		if len(n.Reasons) > 0 {
			setHunks(n, hs, nil)
			return nil
		}
		setHunks(n, nil, hs)
		n.Reasons = append(n.Reasons, diff.Reason{Field: "places of names", A: "as in A", B: "other places", Cause: &diff.Cause{ID: "D5b", Name: "where the names of libraries lie", Confidence: diff.Proved,
			Evidence: "both caches say the same, in the same order, and hold nothing else", Fix: "pin ldconfig"}})
		return nil
	})
}

// sayCache gives a node reasons and suspicions of what two caches say.
func sayCache(x *diff.Examiner, n *diff.Node, a, b *loaderCache) {
	says := func(c *loaderCache) (out []string) {
		for _, l := range c.libs {
			out = append(out, l.String())
		}
		return out
	}
	sa, sb := says(a), says(b)
	onlyA, onlyB := without(sa, sb), without(sb, sa)
	switch {
	case len(onlyA)+len(onlyB) > 0:
		n.Reasons = append(n.Reasons, diff.Reason{Field: "libraries", A: some(onlyA), B: some(onlyB)})
	case !slices.Equal(sa, sb):
		n.Reasons = append(n.Reasons, diff.Reason{Field: "order of the libraries", A: "as in A", B: "another: of two with one name the first is taken"})
	}
	if a.generator != b.generator {
		n.Reasons = append(n.Reasons, diff.Reason{Field: "written by", A: a.generator, B: b.generator,
			Cause: &diff.Cause{ID: "D5b", Name: "release of ldconfig", Confidence: diff.Likely, Evidence: "the cache names it", Fix: "pin the C library"}})
	}
	if !slices.Equal(a.more, b.more) {
		n.Reasons = append(n.Reasons, diff.Reason{Field: "what else it says", A: some(without(a.more, b.more)), B: some(without(b.more, a.more))})
	}
	x.Listing(n, "libraries", lines(sa), lines(sb))
	suspectLibraries(n, a.libs, b.libs)
}

// suspectLibraries looks for libraries that one side takes from elsewhere.
func suspectLibraries(n *diff.Node, a, b []library) {
	sides := [2][]library{a, b}
	var first [2]map[string]string // path of the first library of a name
	var dirs [2]map[string]bool
	for i, ls := range sides {
		first[i], dirs[i] = map[string]string{}, map[string]bool{}
		for _, l := range ls {
			if key := l.name + "\x00" + l.of; first[i][key] == "" {
				first[i][key] = l.path
			}
			dirs[i][path.Dir(l.path)] = true
		}
	}
	said := map[string]bool{}
	for _, l := range a {
		key := l.name + "\x00" + l.of
		if x, y := first[0][key], first[1][key]; y != "" && x != y && !said[key] {
			said[key] = true
			n.Suspect(diff.Suspicion{Kind: diff.SuspectPath, What: fmt.Sprintf("programs get %s from %s in A, from %s in B", l.name, x, y)})
		}
	}
	for i, ls := range sides {
		for _, l := range ls {
			if d := path.Dir(l.path); !dirs[1-i][d] && !said[d] {
				said[d] = true
				n.Suspect(diff.Suspicion{Kind: diff.SuspectPath, What: fmt.Sprintf("side %c has libraries of a directory that the other has none of: %s", 'A'+i, d)})
			}
		}
	}
}
