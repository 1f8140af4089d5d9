package audit

import (
	"fmt"
	"strings"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/containerfile"
)

// registries under which the stages of a StageX tree are published.
var registries = []string{"docker.io/stagex/", "index.docker.io/stagex/", "quay.io/stagex/", "stagex/"}

// Resolve opens an image by its reference, which has a digest, and gives the
// digest of the manifest that is there for the platform in use.
type Resolve func(ref string) (chain.Digest, error)

// resolve says what an image is, and asks for it where only its manifest tells.
func (a *auditor) resolve(ref containerfile.Ref) Root {
	r := resolve(a.chain, ref)
	if r.Kind != RootNotChecked || r.Stage == "" || a.options.Resolve == nil {
		return r
	}
	manifest, err := a.options.Resolve(ref.Name)
	if err != nil {
		r.Why += fmt.Sprintf("; it could not be asked for: %v", err)
		return r
	}
	s, err := a.chain.Stage(r.Stage)
	if err != nil {
		return r
	}
	for _, p := range s.Published {
		if p.Level == chain.LevelManifest && p.Digest == manifest {
			r.Kind, r.Why = RootStage, fmt.Sprintf("pinned to an index that wraps the digest that %s publishes", p.Origin)
			return r
		}
	}
	r.Kind = RootOpaque
	r.Why = fmt.Sprintf("it is named like a stage, but its manifest %s is not what the tree publishes", manifest.Short())
	return r
}

// resolve says what an image that a recipe names is: a stage of the chain by
// name, held to the digest that its tree publishes where it is pinned, or
// something of which the chain knows no source.
func resolve(c *chain.Chain, ref containerfile.Ref) Root {
	name, pin, _ := strings.Cut(ref.Name, "@")
	r := Root{Kind: RootOpaque, Name: ref.Name, Line: ref.Line, How: ref.Kind, Why: "it is no stage of the chain: no source below here is known"}
	if pin != "" {
		d, err := chain.ParseDigest(pin)
		if err != nil {
			r.Kind, r.Why = RootNotChecked, fmt.Sprintf("its pin cannot be read: %v", err)
			return r
		}
		r.Digest = d
	}
	if ref.Open || ref.Name == "" {
		r.Kind, r.Why = RootNotChecked, "it is named by a variable that has no value"
		return r
	}
	id, ok := published(name)
	if !ok {
		return r
	}
	s, err := c.Stage(id)
	if err != nil {
		r.Why = fmt.Sprintf("it is named like a stage, but %s has no stage %q", c.Name, id)
		return r
	}
	r.Stage = s.ID
	if r.Digest == "" {
		r.Kind, r.Why = RootStage, "a stage of the chain, by name"
		return r
	}
	return pinnedTo(s, r)
}

// pinnedTo compares a pin with what the tree publishes. A pin to the index that
// a registry serves cannot be told from a foreign one without asking for it.
func pinnedTo(s *chain.Stage, r Root) Root {
	for _, p := range s.Published {
		if p.Digest == r.Digest {
			r.Kind, r.Why = RootStage, fmt.Sprintf("pinned to the digest that %s publishes", p.Origin)
			return r
		}
	}
	for _, l := range s.Local {
		if l.Index == r.Digest && l.Index != "" {
			for _, p := range s.Published {
				if p.Digest == l.Manifest {
					r.Kind, r.Why = RootStage, fmt.Sprintf("pinned to the index in %s, which wraps the digest that %s publishes", l.Layout, p.Origin)
					return r
				}
			}
		}
	}
	r.Kind = RootNotChecked
	r.Why = "it is named like a stage, but pinned to a digest that the tree does not publish: the index around it, or another image"
	return r
}

// published gives the stage's ID in an image's name, tag dropped.
func published(name string) (id string, ok bool) {
	for _, prefix := range registries {
		if rest, found := strings.CutPrefix(name, prefix); found {
			id, _, _ = strings.Cut(rest, ":")
			return id, id != "" && !strings.Contains(id, "/")
		}
	}
	return "", false
}
