package system

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/stagescope/stagescope/diff"
)

// KindAuxCache is what ldconfig remembers of the libraries that it has seen, so that
// it need not read them again.
const KindAuxCache diff.Kind = "ldconfig's memory"

// The layout (glibc, elf/cache.c): of each file its inode, time of change, size and
// device, what the library is, and its name.
const (
	auxMagic = "glibc-ld.so.auxcache-"
	auxHead  = 32
	auxEntry = 48
)

func init() {
	diff.Register(diff.Format{Kind: KindAuxCache, Match: func(in *diff.Input) bool { return in.HasPrefix(auxMagic) }, Compare: compareAux})
}

// auxCache is what a file says of libraries, sorted, and of the disk.
type auxCache struct {
	libs []string
	disk map[string]string // what is remembered of the disk, by the library
	rest []string
}

func parseAux(p []byte) (*auxCache, error) {
	o := binary.LittleEndian
	if len(p) < auxHead {
		return nil, bad("it ends inside the header")
	}
	n, strs := int(o.Uint32(p[24:])), int(o.Uint32(p[28:]))
	if version := string(p[len(auxMagic):24]); version != "1.0" && version != "2.0" {
		return nil, bad("version %q", version)
	}
	if n > maxLibraries || n > (len(p)-auxHead)/auxEntry || auxHead+n*auxEntry+strs != len(p) {
		return nil, bad("%d libraries and %d bytes of names in %d bytes", n, strs, len(p))
	}
	names := auxHead + n*auxEntry
	m := make(marks, len(p))
	m.mark(0, names)
	c := &auxCache{disk: map[string]string{}, libs: []string{fmt.Sprintf("%q, %d libraries", p[:24], n)}}
	for i := range n {
		e := p[auxHead+i*auxEntry:][:auxEntry]
		inode, changed, size, device := o.Uint64(e), o.Uint64(e[8:]), o.Uint64(e[16:]), o.Uint64(e[24:])
		if inode>>48 != 0 || device>>32 != 0 || changed>>33 != 0 {
			return nil, bad("library %d: inode %#x, device %#x, changed %#x", i, inode, device, changed)
		}
		name := "none"
		if at := int(o.Uint32(e[36:])); at != 0 {
			var ok bool
			if name, ok = m.str(p, names+at); !ok {
				return nil, bad("library %d has no name", i)
			}
		}
		says := fmt.Sprintf("%s, %d bytes, flags %#x, level %#x", name, size, o.Uint32(e[32:]), o.Uint32(e[40:]))
		c.libs = append(c.libs, says)
		c.disk[says] = fmt.Sprintf("%s: inode %d, changed %s, device %#x", name, inode, time.Unix(int64(changed), 0).UTC().Format(time.RFC3339), device)
	}
	slices.Sort(c.libs)
	m.mark(names, min(names+1, len(p))) // no name lies at 0
	c.rest = m.rest(p)
	return c, nil
}

func compareAux(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input) error {
	var cs [2]*auxCache
	for i, in := range []*diff.Input{a, b} {
		p, err := readAll(in)
		if err != nil {
			return err
		}
		if cs[i], err = parseAux(p); err != nil {
			return fmt.Errorf("side %c: %w", 'A'+i, err)
		}
	}
	return part(ctx, x, n, "libraries", a, b, func(n *diff.Node) error {
		hs, err := x.Hunks(ctx, a, b)
		if err != nil {
			return err
		}
		onlyA, onlyB := without(cs[0].libs, cs[1].libs), without(cs[1].libs, cs[0].libs)
		if len(onlyA)+len(onlyB) > 0 {
			n.Reasons = append(n.Reasons, diff.Reason{Field: "libraries", A: some(onlyA), B: some(onlyB)})
			x.Listing(n, "libraries", lines(cs[0].libs), lines(cs[1].libs))
		}
		if !slices.Equal(cs[0].rest, cs[1].rest) {
			n.Reasons = append(n.Reasons, diff.Reason{Field: "what nothing refers to", A: some(cs[0].rest), B: some(cs[1].rest)})
		}
		if len(n.Reasons) > 0 {
			setHunks(n, hs, nil)
			return nil
		}
		setHunks(n, nil, hs)
		r := diff.Reason{Field: "files on the disk"}
		for _, l := range cs[0].libs {
			if r.A == "" && cs[0].disk[l] != cs[1].disk[l] {
				r.A, r.B = cs[0].disk[l], cs[1].disk[l]
			}
		}
		r.Cause = &diff.Cause{ID: "C1", Name: "inodes and times of libraries, and an order by them", Confidence: diff.Proved,
			Evidence: "what both say of libraries is equal, and they hold nothing else but what pads entries, which nobody reads", Fix: "delete var/cache/ldconfig/aux-cache"}
		n.Reasons = append(n.Reasons, r)
		return nil
	})
}
