package incident

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim"
	"github.com/stagescope/stagescope/chain/claim/publish"
	"github.com/stagescope/stagescope/chain/claim/statement"
	"github.com/stagescope/stagescope/chain/incident"
	"github.com/stagescope/stagescope/rebuild"
)

// Played is what a statement of a played party says of the machine that it was
// built on: that there is none.
const Played = "played by stagescope demo: party and machine are simulated, the build was one on this computer"

// actor is a party of an incident while it is staged.
type actor struct {
	incident.Party
	key   *statement.PrivateKey
	place *publish.Directory
	dir   string // of its repository, below the incident's directory
	w     *staging
}

// actor makes a party with a key and a repository of its own.
func (w *staging) actor(name string) (*actor, error) {
	for _, p := range w.def.Parties {
		if p.Name != name {
			continue
		}
		a := &actor{Party: p, dir: filepath.Join("places", name), w: w}
		a.open()
		w.Places[name] = filepath.ToSlash(a.dir)
		w.actors = append(w.actors, a)
		if p.Serves {
			return a, nil // it only serves images: it signs nothing
		}
		var err error
		a.key, err = statement.Generate(statement.Ed25519)
		return a, err
	}
	return nil, fmt.Errorf("the incident %q has no party %q", w.name, name)
}

func (a *actor) open() { a.place = publish.NewDirectory(filepath.Join(a.w.dir, a.dir)) }

// says is what a party states otherwise than the result does.
type says struct {
	recipe *build // whose recipe it claims to have run; nil: the one that it ran
	at     int    // result to state, the newest being 0
	once   bool   // it knows of no other result than that
}

// claims signs and publishes what the build gave of stages, with the images.
func (a *actor) claims(ctx context.Context, b *build, ids []string, s says) error {
	for _, id := range ids {
		if err := a.claim(ctx, b, id, s); err != nil {
			return fmt.Errorf("publishing what %s says of %q: %w", a.Name, id, err)
		}
	}
	return nil
}

func (a *actor) claim(ctx context.Context, b *build, id string, s says) error {
	all, err := b.results(id)
	if err != nil {
		return err
	}
	if s.at >= len(all) {
		return fmt.Errorf("there are %d results of it, not %d", len(all), s.at+1)
	}
	r := all[s.at]
	if s.once {
		all = []*rebuild.Result{r}
	}
	c := r.Claim(all)
	if c == nil {
		return fmt.Errorf("its result gives nothing to claim")
	}
	recipe, err := r.RecipeJSON(b.store)
	if err != nil {
		return err
	}
	if s.recipe != nil {
		if recipe, err = s.recipe.recipe(id, c); err != nil {
			return err
		}
	}
	// A log and steps tell of the recipe that really ran.
	c.Log, c.Steps = "", nil
	c.Environment.CPUVendor, c.Environment.CPUModel, c.Environment.HostTool = a.CPUVendor, "simulated", Played
	c.Environment.Kernel, c.Environment.CPUs, c.Environment.MemoryMiB = a.Kernel, 0, 0
	stage, err := b.chain.Stage(id)
	if err != nil {
		return err
	}
	st := &statement.Statement{Claim: c, RecipeSize: int64(len(recipe)), URLs: map[string]string{}}
	if len(c.Inputs) > 0 {
		st.Deps = statement.DepsOwn
	}
	for _, src := range stage.Sources {
		c.Sources = append(c.Sources, claim.Source{Name: src.File, Digest: src.Digest})
		st.URLs[src.File] = src.Mirrors[0]
	}
	bundle, err := statement.Sign(ctx, st, a.key)
	if err != nil {
		return err
	}
	pub := publish.Publication{Recipe: recipe, Bundle: bundle, Image: chain.Digest(r.Output.Digest), From: publish.NewStore(b.store)}
	if _, err := publish.Put(ctx, a.place, pub); err != nil {
		return err
	}
	return a.tag(ctx, id, chain.Digest(r.Output.Digest))
}

// serve publishes the image of a stage without a word about it.
func (a *actor) serve(ctx context.Context, b *build, id string) error {
	r, err := b.result(id)
	if err != nil {
		return err
	}
	d := chain.Digest(r.Output.Digest)
	if err := publish.CopyImage(ctx, publish.NewStore(b.store), a.place, d, id); err != nil {
		return fmt.Errorf("publishing %q at %s: %w", id, a.Name, err)
	}
	return nil
}

// tag gives an image that the repository has the stage's name.
func (a *actor) tag(ctx context.Context, id string, d chain.Digest) error {
	m, err := a.place.Manifest(ctx, string(d))
	if err != nil {
		return err
	}
	return a.place.PutManifest(ctx, m, id)
}

// recipe makes a claim be about this tree's recipe of the stage: with its
// inputs, and without what no recipe of this tree names.
func (b *build) recipe(id string, c *claim.Claim) ([]byte, error) {
	stage, err := b.chain.Stage(id)
	if err != nil {
		return nil, err
	}
	r, data, err := rebuild.RecipeDigest(b.chain, stage, c.Platform)
	if err != nil {
		return nil, err
	}
	var inputs []claim.Input
	for _, in := range c.Inputs {
		for _, n := range stage.Needs {
			if n.ID == in.Stage {
				inputs = append(inputs, in)
			}
		}
	}
	if len(inputs) != len(stage.Needs) {
		return nil, fmt.Errorf("it was built from %d of the %d images that the recipe needs", len(inputs), len(stage.Needs))
	}
	c.Recipe, c.Inputs = r, inputs
	c.Input, err = claim.InputDigest(r, inputs)
	return data, err
}

// writeParties writes parties.toml and policy.toml. Repositories are given by
// their final paths, so that both work from any directory.
func (w *staging) writeParties() error {
	var b strings.Builder
	b.WriteString("# The parties of this incident. All of them are played by stagescope demo:\n# their keys were made for it and thrown away.\n")
	for _, a := range w.actors {
		kind := "person"
		if a.Serves {
			kind = "registry"
		}
		fmt.Fprintf(&b, "\n# %s\n[[party]]\nname = %q\nkind = %q\nrepositories = [%q]\n", a.Who, a.Name, kind, "oci:"+filepath.Join(w.final, a.dir))
		if a.key == nil {
			continue
		}
		pem, err := statement.MarshalPublicKey(a.key.Public())
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "\n[[party.key]]\ntype = \"claim\"\npem = '''\n%s'''\n\n[[party.machine]]\nname = \"simulated\"\ncpuVendor = %q\n", pem, a.CPUVendor)
	}
	if err := os.WriteFile(filepath.Join(w.dir, "parties.toml"), []byte(b.String()), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(w.dir, "policy.toml"), []byte(policyText), 0o644)
}

// policyText is StageX's own rule.
const policyText = `# Two persons, on CPUs of two makers, and nobody who says otherwise.
[policy.release]
agree = {persons = 2, cpuVendors = 2}
dissent = "block"
`
