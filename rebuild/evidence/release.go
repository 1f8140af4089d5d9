package evidence

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/go-containerregistry/pkg/name"
	"golang.org/x/sync/errgroup"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim"
	"github.com/stagescope/stagescope/chain/claim/party"
	"github.com/stagescope/stagescope/chain/image"
)

// TagState is what a registry serves under a tag, beside what the tree says.
type TagState string

// The states. The zero value is that nobody looked.
const (
	TagNotChecked TagState = ""
	TagRight      TagState = "right"   // the manifest, or the index around it, that the tree publishes
	TagOther      TagState = "other"   // another one
	TagAbsent     TagState = "absent"  // there is no such tag
	TagUnknown    TagState = "unknown" // it could not be read, or the tree says nothing
)

// Tag is one tag of one stage in one registry.
type Tag struct {
	Ref      string       `json:"ref"`
	State    TagState     `json:"state"`
	Manifest chain.Digest `json:"manifest,omitempty"` // that is served; hashed
	Reason   string       `json:"reason,omitempty"`
}

// Released is how far one stage is released.
type Released struct {
	Stage  string       `json:"stage"`
	Digest chain.Digest `json:"digest,omitempty"` // that the tree publishes
	Tags   []Tag        `json:"tags"`
	Wait   []string     `json:"wait"`   // persons of the parties file who have not rebuilt it to this digest
	Signed []string     `json:"signed"` // persons whose PGP signature of the digest is verified
}

// Done says that every tag is right and nobody is waited for.
func (r *Released) Done() bool {
	return r.Digest != "" && len(r.Wait) == 0 && !slices.ContainsFunc(r.Tags, func(t Tag) bool { return t.State != TagRight })
}

// Wrong says that a tag is proven to serve something else.
func (r *Released) Wrong() bool {
	return slices.ContainsFunc(r.Tags, func(t Tag) bool { return t.State == TagOther })
}

// Release says of the stages of a report whether every registry serves them under
// the release's tag, the version's and "latest", and who has still to rebuild
// them. Layers are not fetched.
func Release(ctx context.Context, c *chain.Chain, r *Report, o Options, release string) ([]Released, error) {
	registries := make([]Registry, len(o.Registries))
	for i, text := range o.Registries {
		var err error
		if registries[i], err = ParseRegistry(text); err != nil {
			return nil, err
		}
	}
	asker := &gathering{o: o, health: map[string]*health{}}
	out := make([]Released, len(r.Stages))
	var eg errgroup.Group
	eg.SetLimit(atOnce)
	for i := range r.Stages {
		st, err := c.Stage(r.Stages[i].Verdict.Stage)
		if err != nil {
			return nil, fmt.Errorf("checking a release: %w", err)
		}
		out[i] = released(st, &r.Stages[i], o.Parties)
		eg.Go(func() error {
			for _, reg := range registries {
				for _, tag := range slices.Compact([]string{"sx" + release, st.Tag(), "latest"}) {
					out[i].Tags = append(out[i].Tags, asker.tag(ctx, st, reg, tag, r.Platform))
				}
			}
			if o.Progress != nil {
				o.Progress(Progress{Done: i + 1, All: len(r.Stages), What: st.ID})
			}
			return nil
		})
	}
	_ = eg.Wait() // what failed is in the tags
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("checking a release: %w", err)
	}
	return out, nil
}

// released is what claims say of one stage's release.
func released(st *chain.Stage, s *Stage, parties *party.Parties) Released {
	out := Released{Stage: st.ID, Digest: st.Digest(), Tags: []Tag{}, Wait: []string{}, Signed: []string{}}
	rebuilt := map[string]bool{}
	for _, c := range s.Claims {
		if c.Verification.State != claim.Verified || out.Digest == "" || c.Output.At(st.Published[0].Level) != out.Digest {
			continue
		}
		switch {
		case c.Kind == claim.KindPGP && !slices.Contains(out.Signed, c.Party):
			out.Signed = append(out.Signed, c.Party)
		case (c.Kind == claim.KindRebuild || c.Kind == claim.KindOwn) && c.Mode == claim.ModeRebuilt:
			rebuilt[c.Party] = true
		}
	}
	slices.Sort(out.Signed)
	if parties == nil {
		return out
	}
	for _, p := range parties.List {
		if p.Kind == party.Person && !rebuilt[p.Name] {
			out.Wait = append(out.Wait, p.Name)
		}
	}
	slices.Sort(out.Wait)
	return out
}

// tag asks a registry what it serves under one tag.
func (g *gathering) tag(ctx context.Context, st *chain.Stage, r Registry, tag, platform string) Tag {
	t := Tag{Ref: r.Prefix + "/" + st.ID + ":" + tag}
	ref, err := r.reference(st.ID, tag)
	if err == nil {
		if len(st.Platforms) > 0 {
			platform = st.Platforms[0]
		}
		err = g.healthOf(r.Prefix).ask(func() error { return g.hashTag(ctx, &t, ref, st, platform) })
	}
	switch {
	case errors.Is(err, image.ErrNotFound):
		t.State = TagAbsent
	case err != nil:
		t.State, t.Reason = TagUnknown, err.Error()
	}
	return t
}

// hashTag opens the image behind a tag and compares its digests with the tree's.
func (g *gathering) hashTag(ctx context.Context, t *Tag, ref name.Reference, st *chain.Stage, platform string) error {
	img, err := image.OpenReference(ctx, image.Reference{Kind: image.KindRegistry, Text: ref.Name(), Name: ref},
		image.Options{Platform: cmp.Or(platform, "linux/amd64"), Offline: g.o.Offline, Transport: g.o.Transport, Keychain: g.o.Keychain})
	if err != nil {
		return err
	}
	defer img.Close()
	t.Manifest = img.ManifestDigest()
	if len(st.Published) == 0 {
		t.State, t.Reason = TagUnknown, "the tree publishes no digest to compare with"
		return nil
	}
	own := claim.Output{Manifest: t.Manifest, Rootfs: img.Rootfs()}
	if idx := img.Index(); idx != nil {
		own.Index = idx.Digest()
	}
	switch want := st.Published[0]; own.At(want.Level) {
	case "":
		t.State, t.Reason = TagUnknown, fmt.Sprintf("the tree's digest is of the %s, and none is served", want.Level)
	case want.Digest:
		t.State = TagRight
	default:
		t.State = TagOther
	}
	return nil
}
