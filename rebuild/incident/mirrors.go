package incident

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/incident"
)

func (w *staging) tampered(ctx context.Context) error {
	const id = "core-login"
	b, err := w.build(ctx, incident.Honest)
	if err != nil {
		return err
	}
	bad, err := w.build(ctx, incident.Thompson)
	if err != nil {
		return err
	}
	if err := w.look(b); err != nil {
		return err
	}
	if err := w.agree(ctx, b, built, "anna", "bo"); err != nil {
		return err
	}
	mirror, err := w.actor("mirror")
	if err != nil {
		return err
	}
	if err := mirror.serve(ctx, b, id); err != nil {
		return err
	}
	w.images(mirror, id)
	return w.swapLayer(ctx, mirror, b, bad, id)
}

// swapLayer puts, in a party's repository, the layer with the other login in the
// place of the honest one, under the name of the honest one.
func (w *staging) swapLayer(ctx context.Context, a *actor, good, bad *build, id string) error {
	before, err := layers(ctx, good, id)
	if err != nil {
		return err
	}
	after, err := layers(ctx, bad, id)
	if err != nil {
		return err
	}
	for i := range before {
		if i >= len(after) || before[i] == after[i] {
			continue
		}
		data, err := bad.store.ReadBlob(after[i], maxFile)
		if err != nil {
			return err
		}
		name := filepath.Join(w.dir, a.dir, "blobs", "sha256", before[i].Hex())
		old, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		// As long as the manifest says: a shorter one would show at once.
		data = append(data, bytes.Repeat([]byte{0}, max(0, len(old)-len(data)))...)[:len(old)]
		if err := os.Chmod(name, 0o644); err != nil {
			return err
		}
		if err := os.WriteFile(name, data, 0o644); err != nil {
			return err
		}
		w.digest("layer", before[i])
		w.digest("changed", chain.SHA256(sha256.Sum256(data)))
		return nil
	}
	return fmt.Errorf("the two images of %q have no layer that differs", id)
}

func layers(ctx context.Context, b *build, id string) ([]chain.Digest, error) {
	img, err := b.image(ctx, id)
	if err != nil {
		return nil, err
	}
	defer img.Close()
	var out []chain.Digest
	for _, l := range img.Layers() {
		out = append(out, chain.Digest(l.Descriptor.Digest))
	}
	return out, nil
}

// releases stages two releases: what parties said of the one before, and of this
// one, of which the store has the own rebuilds.
func (w *staging) releases(ctx context.Context, ids []string) (before, now *build, err error) {
	if before, err = w.build(ctx, incident.Honest); err != nil {
		return nil, nil, err
	}
	if now, err = w.build(ctx, incident.Next); err != nil {
		return nil, nil, err
	}
	if err = w.look(now); err != nil {
		return nil, nil, err
	}
	if err = w.publish(now, built); err != nil {
		return nil, nil, err
	}
	if err = copyTree(filepath.Join(w.dir, "before"), before.chain.Root); err != nil {
		return nil, nil, err
	}
	w.Facts["before-tree"] = filepath.Join(w.final, "before")
	for _, n := range []string{"anna", "bo"} {
		a, err := w.actor(n)
		if err != nil {
			return nil, nil, err
		}
		for _, b := range []*build{before, now} {
			if err := a.claims(ctx, b, ids, says{}); err != nil {
				return nil, nil, err
			}
		}
	}
	return before, now, w.own(before, "before")
}

func (w *staging) staleMirror(ctx context.Context) error {
	const id = "user-hello"
	ids := []string{"bootstrap-stage0", "bootstrap-stage1", "bootstrap-stage2", "bootstrap-stage3", "core-filesystem", id}
	before, _, err := w.releases(ctx, ids)
	if err != nil {
		return err
	}
	mirror, err := w.actor("mirror")
	if err != nil {
		return err
	}
	if err := mirror.serve(ctx, before, id); err != nil {
		return err
	}
	w.images(mirror, id)
	w.digest("mirror:"+id, chain.Digest(w.Facts["before:"+id]))
	return nil
}

func (w *staging) metadataOnly(ctx context.Context) error {
	const id = "core-filesystem"
	ids := []string{"bootstrap-stage0", "bootstrap-stage1", "bootstrap-stage2", "bootstrap-stage3", id}
	before, _, err := w.releases(ctx, ids)
	if err != nil {
		return err
	}
	// The image of the release before has a directory of its own: the parties'
	// repositories have both under one name.
	a := &actor{Party: incident.Party{Name: "before"}, dir: "before-images", w: w}
	a.open()
	if err := a.serve(ctx, before, id); err != nil {
		return err
	}
	w.images(a, id)
	return nil
}
