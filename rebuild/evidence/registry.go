package evidence

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim"
	"github.com/stagescope/stagescope/chain/image"
)

// giveUp is after how many failures in a row a registry is not asked any more:
// hundreds of stages would wait for each of its timeouts.
const giveUp = 4

// health counts a registry's failures.
type health struct {
	mu     sync.Mutex
	failed int
	last   error
}

// ask runs f unless the registry has failed too often.
func (h *health) ask(f func() error) error {
	h.mu.Lock()
	failed, last := h.failed, h.last
	h.mu.Unlock()
	if failed >= giveUp {
		return fmt.Errorf("not asked, since it failed %d times in a row: %w", failed, last)
	}
	err := f()
	h.mu.Lock()
	defer h.mu.Unlock()
	if err == nil || errors.Is(err, image.ErrNotFound) {
		h.failed = 0
	} else {
		h.failed, h.last = h.failed+1, err
	}
	return err
}

func (g *gathering) healthOf(registry string) *health {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.health[registry] == nil {
		g.health[registry] = &health{}
	}
	return g.health[registry]
}

// Registry is where a chain's images are served: each stage in a repository of
// its own below a prefix.
type Registry struct {
	Prefix string // e.g. "docker.io/stagex"
	Tag    string // "" for the release's, else the version's
}

// ParseRegistry reads "docker.io/stagex" or, with a tag, "quay.io/stagex:latest".
func ParseRegistry(text string) (Registry, error) {
	r := Registry{Prefix: strings.TrimSuffix(text, "/")}
	if i := strings.LastIndexByte(r.Prefix, ':'); i > strings.LastIndexByte(r.Prefix, '/') && strings.Contains(r.Prefix, "/") {
		r.Prefix, r.Tag = r.Prefix[:i], r.Prefix[i+1:]
	}
	if _, err := r.reference("stage", r.Tag); err != nil || !strings.Contains(r.Prefix, "/") && !strings.ContainsAny(r.Prefix, ".:") {
		return Registry{}, fmt.Errorf("%q is no registry with a namespace, such as docker.io/stagex", text)
	}
	return r, nil
}

func (r Registry) reference(id, tag string) (name.Reference, error) {
	text := r.Prefix + "/" + id
	if tag != "" {
		text += ":" + tag
	}
	return name.ParseReference(text)
}

// fromRegistries asks what registries serve for a stage.
func (g *gathering) fromRegistries(ctx context.Context, x *gathered) {
	for _, text := range g.o.Registries {
		r, err := ParseRegistry(text)
		if err != nil {
			x.unknown = append(x.unknown, Unknown{text, err.Error()})
			continue
		}
		if err := g.served(ctx, x, r); err != nil && ctx.Err() == nil {
			x.unknown = append(x.unknown, Unknown{r.Prefix + "/" + x.stage.ID, err.Error()})
		}
	}
}

// served takes what a registry serves under the tag that is certainly of this
// release: the one asked for, or the release's own. Failing that, it takes the
// version's, which moves on with each release and may be another's image.
func (g *gathering) served(ctx context.Context, x *gathered, r Registry) error {
	fixed := r.Tag
	if fixed == "" && g.c.Release != "" {
		fixed = "sx" + g.c.Release
	}
	if fixed != "" {
		err := g.serve(ctx, x, r, fixed, g.release)
		if err == nil || !errors.Is(err, image.ErrNotFound) || r.Tag != "" {
			return absent(x, r, fixed, err)
		}
	}
	return absent(x, r, x.stage.Tag(), g.serve(ctx, x, r, x.stage.Tag(), ""))
}

// absent takes the answer that there is nothing for what it is: an answer.
func absent(x *gathered, r Registry, tag string, err error) error {
	if errors.Is(err, image.ErrNotFound) {
		x.notes = append(x.notes, fmt.Sprintf("%s does not have %s:%s", r.Prefix, x.stage.ID, tag))
		return nil
	}
	return err
}

// serve opens one image and claims what its bytes hash to: index, manifest and
// config. Its layers are not fetched.
func (g *gathering) serve(ctx context.Context, x *gathered, r Registry, tag, release string) error {
	ref, err := r.reference(x.stage.ID, tag)
	if err != nil {
		return fmt.Errorf("naming the image: %w", err)
	}
	return g.healthOf(r.Prefix).ask(func() error {
		img, err := image.OpenReference(ctx, image.Reference{Kind: image.KindRegistry, Text: ref.Name(), Name: ref},
			image.Options{Platform: x.platform, Offline: g.o.Offline, Transport: g.o.Transport, Keychain: g.o.Keychain})
		if err != nil {
			return err
		}
		defer img.Close()
		c := &claim.Claim{Kind: claim.KindRegistry, Party: g.registryParty(r.Prefix), Origin: fmt.Sprintf("%s/%s:%s", r.Prefix, x.stage.ID, tag),
			Stage: x.stage.ID, Platform: x.platform, Release: release, Version: x.stage.Version, Mode: claim.ModePulled,
			Output:       claim.Output{Manifest: img.ManifestDigest(), Rootfs: img.Rootfs()},
			Verification: claim.Verification{State: claim.Verified}}
		if idx := img.Index(); idx != nil {
			c.Output.Index = idx.Digest()
		}
		x.claims = append(x.claims, c)
		return nil
	})
}

// registryParty is the party that a registry is declared as, else its own name.
func (g *gathering) registryParty(prefix string) string {
	if g.o.Parties != nil {
		for _, p := range g.o.Parties.List {
			for _, repo := range p.Repositories {
				if repo == prefix {
					return p.Name
				}
			}
		}
	}
	return prefix
}

// attached looks for what publishers attached to the images that registries
// serve.
func (g *gathering) attached(ctx context.Context) {
	if g.o.Attached == nil {
		return
	}
	for _, x := range g.stages {
		for _, c := range x.claims {
			if c.Kind != claim.KindRegistry || ctx.Err() != nil {
				continue
			}
			repository, _, _ := strings.Cut(c.Origin, "/"+x.stage.ID+":")
			claims, unknown := g.o.Attached.Find(ctx, repository+"/"+x.stage.ID, x.stage.ID, x.platform, c.Output.Index, c.Output.Manifest)
			x.unknown = append(x.unknown, unknown...)
			x.claims = append(x.claims, claims...)
		}
	}
}

// digests are those at hand of a stage, with their levels.
func (x *gathered) digests() map[chain.Digest]chain.Level {
	out := map[chain.Digest]chain.Level{}
	for _, c := range x.claims {
		for _, l := range []chain.Level{chain.LevelIndex, chain.LevelManifest} {
			if d := c.Output.At(l); d != "" {
				out[d] = l
			}
		}
	}
	return out
}
