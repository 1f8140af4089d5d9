package incident

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/incident"
)

// staging is an incident while it is being staged.
type staging struct {
	*Stager
	Staged
	def    *incident.Incident
	name   string
	dir    string // where it is written
	final  string // where it will be
	actors []*actor
}

// stagers stage the incidents, by name.
var stagers = map[string]func(*staging, context.Context) error{
	"honest":            (*staging).honest,
	"thompson":          (*staging).thompson,
	"tampered":          (*staging).tampered,
	"nondeterministic":  (*staging).nondeterministic,
	"backdoored-source": (*staging).backdooredSource,
	"opaque":            (*staging).opaque,
	"stale-mirror":      (*staging).staleMirror,
	"metadata-only":     (*staging).metadataOnly,
}

func (w *staging) stage(ctx context.Context) error {
	var err error
	if w.def, err = incident.Find(w.name); err != nil {
		return err
	}
	w.Places = map[string]string{}
	w.say(Event{Incident: w.name, Text: "staging"})
	if err := stagers[w.name](w, ctx); err != nil {
		return err
	}
	for name, dir := range map[string]string{"tree": "tree", "store": "store", "parties": "parties.toml", "policy": "policy.toml", "nothing": "nothing"} {
		w.Facts[name] = filepath.Join(w.final, dir)
	}
	for _, a := range w.actors {
		w.Facts["place:"+a.Name] = filepath.Join(w.final, a.dir)
	}
	w.Recorded = w.Stager.Engine == nil
	return w.writeParties()
}

// look sets what the incident is looked at from: a tree, and the store with the
// own rebuilds of it.
func (w *staging) look(b *build) error {
	if err := copyTree(filepath.Join(w.dir, "tree"), b.chain.Root); err != nil {
		return err
	}
	if err := b.copyStore(filepath.Join(w.dir, "store")); err != nil {
		return err
	}
	return w.own(b, "own")
}

// publish makes the tree say that a build's digests are the stages': who serves
// the tree publishes what he has.
func (w *staging) publish(b *build, ids []string) error {
	lines := map[string]string{} // by tier
	for _, id := range ids {
		r, err := b.result(id)
		if err != nil {
			return err
		}
		s, err := b.chain.Stage(id)
		if err != nil {
			return err
		}
		lines[s.Tier] += fmt.Sprintf("%s %s\n", r.Digests.Manifest.Hex(), id)
	}
	for tier, text := range lines {
		if err := os.WriteFile(filepath.Join(w.dir, "tree", "digests", tier+".txt"), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// own makes facts of the digests that a build gave: NAME:STAGE and, for
// sentences, NAME:STAGE.short.
func (w *staging) own(b *build, name string) error {
	for _, s := range b.chain.Stages {
		all, err := b.results(s.ID)
		if err != nil {
			return err
		}
		if len(all) > 0 {
			w.digest(name+":"+s.ID, all[0].Digests.Manifest)
		}
	}
	return nil
}

func (w *staging) digest(name string, d chain.Digest) {
	w.Facts[name], w.Facts[name+".short"] = string(d), d.Short()
}

// images makes facts of the references by which a party's images are opened.
func (w *staging) images(a *actor, ids ...string) {
	for _, id := range ids {
		w.Facts[a.Name+"/"+id] = "oci:" + filepath.Join(w.final, a.dir) + ":" + id
	}
}

// agree lets parties build from the seed and sign what came out.
func (w *staging) agree(ctx context.Context, b *build, ids []string, names ...string) error {
	for _, n := range names {
		a, err := w.actor(n)
		if err != nil {
			return err
		}
		if err := a.claims(ctx, b, ids, says{}); err != nil {
			return err
		}
		w.images(a, ids...)
	}
	return nil
}

func (w *staging) honest(ctx context.Context) error {
	b, err := w.build(ctx, incident.Honest)
	if err != nil {
		return err
	}
	w.Facts["stages"] = strconv.Itoa(len(built))
	if err := w.look(b); err != nil {
		return err
	}
	return w.agree(ctx, b, built, "anna", "bo", "cleo")
}

func (w *staging) thompson(ctx context.Context) error {
	honest, err := w.build(ctx, incident.Honest)
	if err != nil {
		return err
	}
	bad, err := w.build(ctx, incident.Thompson)
	if err != nil {
		return err
	}
	if err := w.look(honest); err != nil {
		return err
	}
	if err := w.publish(bad, built); err != nil {
		return err
	}
	// Both state the recipe of the tree; what they ran in its place began with the
	// compiler that they had.
	all := append([]string{"user-try-login"}, built...)
	for _, n := range []string{"mallory", "nadia"} {
		a, err := w.actor(n)
		if err != nil {
			return err
		}
		if err := a.claims(ctx, bad, all, says{recipe: honest}); err != nil {
			return err
		}
		w.images(a, all...)
	}
	if err := w.own(bad, "mallory"); err != nil {
		return err
	}
	for name, b := range map[string]*build{"own": honest, "mallory": bad} {
		if err := w.compilerFacts(ctx, b, name); err != nil {
			return err
		}
	}
	var inherited []string
	for _, id := range built {
		if w.Facts["own:"+id] != w.Facts["mallory:"+id] && id != "bootstrap-stage2" {
			inherited = append(inherited, id)
		}
	}
	w.Facts["inherited"] = strings.Join(inherited, ", ")
	return w.doubleCompile(ctx, honest, bad)
}

// compilerFacts are the size of the compiler and what login said to the second
// password.
func (w *staging) compilerFacts(ctx context.Context, b *build, name string) error {
	cc, err := b.file(ctx, "bootstrap-stage2", "/bin/cc")
	if err != nil {
		return err
	}
	said, err := b.file(ctx, "user-try-login", "/wrong")
	if err != nil {
		return err
	}
	w.Facts[name+":cc.size"] = strconv.Itoa(len(cc))
	lines := strings.Split(strings.TrimSpace(string(said)), "\n")
	w.Facts[name+":answer"] = strings.Join(lines[1:], ", ")
	return nil
}

func (w *staging) nondeterministic(ctx context.Context) error {
	const id, fixed = "user-zoo-date", "user-zoo-date-fixed"
	b, err := w.build(ctx, incident.Zoo)
	if err != nil {
		return err
	}
	if err := w.twoDates(ctx, b, id, fixed); err != nil {
		return err
	}
	if err := w.look(b); err != nil {
		return err
	}
	all, err := b.results(id)
	if err != nil {
		return err
	}
	at := 0
	for i, r := range all {
		if r.Digests.Manifest != all[0].Digests.Manifest {
			at = i
		}
	}
	if at == 0 {
		return fmt.Errorf("all %d builds of %s gave one image", len(all), id)
	}
	for i, n := range []string{"anna", "bo"} {
		a, err := w.actor(n)
		if err != nil {
			return err
		}
		if err := a.claims(ctx, b, []string{id}, says{at: i * at, once: true}); err != nil {
			return err
		}
		if err := a.claims(ctx, b, append([]string{fixed}, built...), says{}); err != nil {
			return err
		}
		w.images(a, id, fixed)
		w.digest(n+":"+id, all[i*at].Digests.Manifest)
	}
	return nil
}

func (w *staging) backdooredSource(ctx context.Context) error {
	b, err := w.build(ctx, incident.Source)
	if err != nil {
		return err
	}
	if err := w.look(b); err != nil {
		return err
	}
	for fact, dir := range map[string]string{"version-control": "version-control", "release": "release"} {
		w.Facts[fact] = filepath.Join(w.final, dir)
	}
	if err := incident.WriteUpstream(filepath.Join(w.dir, "version-control"), filepath.Join(w.dir, "release")); err != nil {
		return err
	}
	w.Facts["backdoor"] = incident.Backdoor
	return w.agree(ctx, b, append([]string{"user-allow"}, below(b, "user-allow")...), "anna", "bo")
}

// below are the stages that a stage is built from, in chain order.
func below(b *build, id string) []string {
	var out []string
	for _, s := range b.chain.Ancestors(id) {
		out = append(out, s.ID)
	}
	return out
}

func (w *staging) opaque(ctx context.Context) error {
	b, err := w.build(ctx, incident.Opaque)
	if err != nil {
		return err
	}
	seed, err := w.build(ctx, incident.Honest)
	if err != nil {
		return err
	}
	if err := w.look(b); err != nil {
		return err
	}
	if err := w.own(seed, "seed"); err != nil {
		return err
	}
	f, err := os.Open(filepath.Join(w.dir, "tree", filepath.FromSlash(incident.Compiler)))
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	d, err := chain.HashReader(f)
	if err != nil {
		return err
	}
	w.digest("opaque", d)
	w.Facts["opaque:size"] = strconv.FormatInt(info.Size(), 10)
	ids := append(below(b, "core-login"), "core-login", "user-hello")
	return w.agree(ctx, b, ids, "anna", "bo", "cleo")
}
