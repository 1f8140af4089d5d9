package incident

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/incident"
	"github.com/stagescope/stagescope/chain/source"
	"github.com/stagescope/stagescope/chain/stagex"
	"github.com/stagescope/stagescope/chain/store"
	"github.com/stagescope/stagescope/rebuild"
)

// build is a tree, and a store in which stages of it were built.
type build struct {
	tree  incident.Tree
	dir   string
	chain *chain.Chain
	store *store.Store
}

// built are the stages of the embedded chain that have a published digest.
var built = []string{"bootstrap-stage0", "bootstrap-stage1", "bootstrap-stage2", "bootstrap-stage3", "core-filesystem", "core-login", "user-hello"}

// recipeOf says which stages of a tree are built, and which of them twice.
func recipeOf(t incident.Tree) (once, twice []string) {
	switch t {
	case incident.Honest:
		return []string{"user-try-login", "bootstrap-diverse"}, built
	case incident.Thompson:
		return []string{"user-try-login", "core-login", "user-hello"}, []string{"bootstrap-stage2"}
	case incident.Next:
		return []string{"user-hello", "core-filesystem"}, nil
	case incident.Zoo:
		return []string{"user-zoo-date-fixed"}, nil
	case incident.Opaque:
		return []string{"core-login", "user-hello"}, nil
	}
	return []string{"user-allow"}, nil
}

// build gives a tree with its stages built, building what is not there yet.
func (s *Stager) build(ctx context.Context, t incident.Tree) (*build, error) {
	if b := s.builds[t]; b != nil {
		return b, nil
	}
	root, err := s.version()
	if err != nil {
		return nil, err
	}
	b := &build{tree: t, dir: filepath.Join(root, buildsDir, string(t))}
	if err := b.open(ctx, s); err != nil {
		return nil, err
	}
	once, twice := recipeOf(t)
	for _, pass := range []struct {
		ids   []string
		times int
	}{{slices.Concat(once, twice), 1}, {twice, 2}} {
		lack, err := b.lacks(pass.ids, pass.times)
		if err != nil {
			return nil, err
		}
		if err := s.run(ctx, b, lack, rebuild.Options{NoCache: pass.times > 1, Again: pass.times > 1}); err != nil {
			return nil, err
		}
	}
	if s.builds == nil {
		s.builds = map[incident.Tree]*build{}
	}
	s.builds[t] = b
	return b, nil
}

// open writes the tree, unless it is there, and opens it and its store.
func (b *build) open(ctx context.Context, s *Stager) error {
	tree := filepath.Join(b.dir, "tree")
	if _, err := os.Stat(tree); err != nil {
		if err := b.create(ctx, s, tree); err != nil {
			return err
		}
	}
	var err error
	if b.chain, err = stagex.LoadDir(tree); err != nil {
		return err
	}
	b.store, err = store.Open(filepath.Join(b.dir, "store"))
	return err
}

// create writes the tree. The directory is not the build's before that is done.
func (b *build) create(ctx context.Context, s *Stager, tree string) error {
	recorded := s.Engine == nil // then the store is there, and only the tree is not
	if !recorded {
		if err := os.RemoveAll(b.dir); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(b.dir, 0o755); err != nil {
		return err
	}
	var extra map[string][]byte
	switch b.tree {
	case incident.Next, incident.Source, incident.Zoo: // what they have in common with it is not built again
		if recorded {
			break
		}
		honest, err := s.build(ctx, incident.Honest)
		if err != nil {
			return err
		}
		if err := honest.copyStore(filepath.Join(b.dir, "store")); err != nil {
			return err
		}
	case incident.Opaque: // all above another stage2 has other inputs
		honest, err := s.build(ctx, incident.Honest)
		if err != nil {
			return err
		}
		data, err := honest.file(ctx, "bootstrap-stage2", "/bin/cc")
		if err != nil {
			return err
		}
		extra = map[string][]byte{incident.Compiler: data}
	}
	tmp := tree + ".new"
	if err := os.RemoveAll(tmp); err != nil {
		return err
	}
	if err := incident.WriteTree(tmp, b.tree, extra); err != nil {
		return err
	}
	return os.Rename(tmp, tree)
}

// run builds stages of a tree that its store does not have.
func (s *Stager) run(ctx context.Context, b *build, ids []string, o rebuild.Options) error {
	if len(ids) == 0 {
		return nil
	}
	e, err := s.open(ctx)
	if err != nil {
		return err
	}
	r := &rebuild.Builder{
		Chain: b.chain, Store: b.store, Engines: []rebuild.Engine{e}, Concurrency: 2, Offline: true,
		Sources: &source.Fetcher{Store: b.store, Root: b.chain.Root, Offline: true},
	}
	sum, err := r.All(ctx, ids, o, func(ev rebuild.StageEvent) { s.say(Event{Text: string(b.tree), Build: &ev}) })
	if err != nil {
		return err
	}
	if sum.Interrupted {
		return context.Cause(ctx)
	}
	var needs error // of one that was not built because another one failed
	for _, x := range sum.Results {
		switch {
		case x.Err != nil && x.Verdict.Status == rebuild.Failed:
			return fmt.Errorf("building %q of the tree %s: %w", x.Stage, b.tree, x.Err)
		case x.Err != nil:
			needs = fmt.Errorf("building the tree %s: %w", b.tree, x.Err)
		}
	}
	return needs
}

// open starts the engine once.
func (s *Stager) open(ctx context.Context) (rebuild.Engine, error) {
	if s.engine != nil {
		return s.engine, nil
	}
	if s.Engine == nil {
		return nil, errors.New("nothing can be built here, and the recording does not have it: it is of other trees")
	}
	s.say(Event{Text: "starting the engine"})
	// It outlives the first build that needs it.
	e, err := s.Engine(context.WithoutCancel(ctx))
	if err != nil {
		return nil, err
	}
	s.engine = e
	return e, nil
}

// lacks gives the stages of which there are fewer results than asked for.
func (b *build) lacks(ids []string, times int) ([]string, error) {
	var out []string
	for _, id := range ids {
		all, err := b.results(id)
		if err != nil {
			return nil, err
		}
		if len(all) < times {
			out = append(out, id)
		}
	}
	return out, nil
}

// results are the results of a stage of this tree, the newest first.
func (b *build) results(id string) ([]*rebuild.Result, error) {
	all, err := rebuild.Results(b.store, id)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(r *rebuild.Result) bool {
		return !rebuild.Current(b.chain, r) || r.Output == nil
	}), nil
}

// result is the newest of them.
func (b *build) result(id string) (*rebuild.Result, error) {
	all, err := b.results(id)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%q of the tree %s was not built", id, b.tree)
	}
	return all[0], nil
}
