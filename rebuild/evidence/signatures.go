package evidence

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim"
	"github.com/stagescope/stagescope/chain/claim/pgp"
	"github.com/stagescope/stagescope/chain/image"
	"github.com/stagescope/stagescope/chain/web"
)

// namespace is where StageX's images are, in names of signatures.
const namespace = "stagex"

// lookaside is a place of signatures: a directory, or an https address.
type lookaside struct {
	name string
	fsys fs.FS // nil: it is an address
	base string
	tree bool // it is in the tree, with signatures of older releases too
}

// openSignatures finds the directories: the tree's own, and those asked for, which
// hold stagex/ or signatures/stagex/.
func (g *gathering) openSignatures() error {
	if info, err := fs.Stat(g.c.FS, "signatures"); err == nil && info.IsDir() {
		g.dirs = append(g.dirs, &lookaside{name: "signatures", fsys: g.c.FS, base: "signatures", tree: true})
	}
	places := slices.Clone(g.o.Signatures)
	if g.o.Parties != nil {
		for _, p := range g.o.Parties.List {
			places = append(places, p.Lookasides...)
		}
	}
	for _, name := range places {
		if slices.ContainsFunc(g.dirs, func(d *lookaside) bool { return d.name == name }) {
			continue
		}
		if strings.HasPrefix(name, "https://") || strings.HasPrefix(name, "http://") {
			g.dirs = append(g.dirs, &lookaside{name: name})
			continue
		}
		d := &lookaside{name: name, fsys: os.DirFS(name)}
		for _, base := range []string{".", "signatures"} {
			if info, err := fs.Stat(d.fsys, path.Join(base, namespace)); err == nil && info.IsDir() {
				d.base = base
			}
		}
		if d.base == "" {
			return fmt.Errorf("gathering evidence: %q holds no signatures: neither %s/ nor signatures/%s/ is there", name, namespace, namespace)
		}
		g.dirs = append(g.dirs, d)
	}
	return nil
}

// signatures takes the signatures of every digest that is known by now.
func (g *gathering) signatures(ctx context.Context) {
	v := &pgp.Verifier{Keyring: g.o.Keyring, Now: func() time.Time { return g.o.Now }}
	client := &http.Client{Transport: g.o.Transport, CheckRedirect: web.CheckRedirect}
	if g.o.Transport == nil {
		client = web.NewClient(web.Options{})
	}
	for _, d := range g.dirs {
		if d.fsys != nil {
			g.say(d.name, false)
			g.fromDirectory(ctx, v, d)
			continue
		}
		var eg errgroup.Group
		eg.SetLimit(atOnce)
		for _, x := range g.stages {
			eg.Go(func() error {
				if ctx.Err() == nil {
					g.fromLookaside(ctx, v, d, client, x)
					g.say(d.name, false)
				}
				return nil
			})
		}
		_ = eg.Wait() // what failed is in the stages' unknowns
	}
}

// fromDirectory reads all signatures of a directory at once.
func (g *gathering) fromDirectory(ctx context.Context, v *pgp.Verifier, d *lookaside) {
	all, err := v.ReadDir(ctx, d.fsys, d.base)
	if err != nil {
		g.unknownf(d.name, "%v", err)
		return
	}
	others := map[*gathered]map[chain.Digest]int{}
	refused, bad := 0, ""
	defer func() {
		if refused > 0 {
			g.notes = append(g.notes, fmt.Sprintf("%s: %d files are no good signatures; %s", d.name, refused, bad))
		}
	}()
	for i := range all {
		s := &all[i]
		g.signer(s)
		if s.State == claim.Refused {
			if refused++; refused == 1 {
				bad = fmt.Sprintf("the first is %s: %s", s.Path, s.Reason)
			}
		}
		ns, id, _ := strings.Cut(s.Repository, "/")
		x := g.byID[id]
		if x == nil || ns != namespace {
			continue
		}
		known := x.digests()
		if _, ok := known[s.Digest]; !ok && d.tree {
			if others[x] == nil {
				others[x] = map[chain.Digest]int{}
			}
			others[x][s.Digest]++
			continue
		}
		g.signed(x, d, s)
	}
	for x, o := range others {
		n := 0
		for _, files := range o {
			n += files
		}
		x.notes = append(x.notes, fmt.Sprintf("%s holds %d signatures of %d other digests of it, which are of no release that is known here: not judged", d.name, n, len(o)))
	}
}

// fromLookaside asks for the signatures of one stage's digests.
func (g *gathering) fromLookaside(ctx context.Context, v *pgp.Verifier, d *lookaside, client *http.Client, x *gathered) {
	l := pgp.Lookaside{Base: d.name, Client: client}
	digests := x.digests()
	for _, dg := range sortedDigests(digests) {
		if g.o.Offline {
			x.unknown = append(x.unknown, Unknown{d.name, image.ErrOffline.Error()})
			return
		}
		err := g.healthOf(d.name).ask(func() error {
			found, err := l.Of(ctx, v, namespace+"/"+x.stage.ID, dg)
			for i := range found {
				g.signer(&found[i])
				g.signed(x, d, &found[i])
			}
			return err
		})
		if err != nil && ctx.Err() == nil {
			x.unknown = append(x.unknown, Unknown{d.name, err.Error()})
		}
	}
}

func sortedDigests(m map[chain.Digest]chain.Level) []chain.Digest {
	out := make([]chain.Digest, 0, len(m))
	for d := range m {
		out = append(out, d)
	}
	slices.Sort(out)
	return out
}

// signed makes a signature a claim. A signature states no release: that of a
// digest which is known to be of this one is of this one too.
func (g *gathering) signed(x *gathered, d *lookaside, s *pgp.Signature) {
	if s.Tag != "" && s.Tag != x.stage.Tag() {
		x.notes = append(x.notes, fmt.Sprintf("%s: %s is of version %s", d.name, s.Path, s.Tag))
		return
	}
	level, known := x.digests()[s.Digest]
	if !known {
		level = chain.LevelManifest
		if len(x.stage.Published) > 0 {
			level = x.stage.Published[0].Level
		}
	}
	c := s.Claim(level)
	c.Stage, c.Platform, c.Origin = x.stage.ID, x.platform, d.name+"/"+s.Path
	if c.Verification.State != claim.Verified {
		if p := g.o.Parties.ByPGP(cmp.Or(s.Fingerprint, s.Primary)); p != nil {
			c.Verification.Reason += fmt.Sprintf("; the parties file says that the key is %s's", p.Name)
		}
	}
	x.claims = append(x.claims, &c)
}

// signer counts what a key signed.
func (g *gathering) signer(s *pgp.Signature) {
	key := cmp.Or(s.Fingerprint, s.KeyID, "unknown")
	g.mu.Lock()
	defer g.mu.Unlock()
	n := g.signers[key]
	if n == nil {
		n = &Signer{Key: key}
		g.signers[key] = n
	}
	n.Files++
	switch s.State {
	case claim.Verified:
		n.Verified++
		n.Party = s.Person
	case claim.Refused:
		n.Refused++
	default:
		n.Unverified++
	}
}
