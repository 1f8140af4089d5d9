package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim"
	"github.com/stagescope/stagescope/chain/claim/publish"
	"github.com/stagescope/stagescope/chain/claim/statement"
	"github.com/stagescope/stagescope/chain/image"
	"github.com/stagescope/stagescope/chain/store"
	"github.com/stagescope/stagescope/diff"
)

// filesCache is what the store keeps lists of files as, by the tree root that each
// of them gives.
const filesCache = "file-list-1"

// maxListed bounds the files of a list.
const maxListed = 4 << 20

// claimedFiles gives what stands in for the image of claim:PARTY/STAGE where that is
// not to be had: the list of its files, if the party published one, and if it gives
// the tree root that the party signed.
func (a *app) claimedFiles(s *store.Store) func(context.Context, string) (*diff.Listed, error) {
	return func(ctx context.Context, ref string) (*diff.Listed, error) {
		r, err := image.ParseReference(ref)
		if err != nil || r.Kind != image.KindClaim {
			return nil, nil
		}
		c, err := a.claimed(ctx, s, r.Claim)
		if err != nil {
			return nil, nil // the image is not found for the same reason
		}
		list, err := a.fileList(ctx, s, c)
		if err != nil {
			return nil, err
		}
		return &diff.Listed{
			Files: io.NopCloser(bytes.NewReader(list)),
			Said:  fmt.Sprintf("the list of files that party %q published beside its claim of %s; it gives the tree root that the claim states, which is signed", c.Party, c.Output.Manifest),
		}, nil
	}
}

// fileList gives the list of files of a claim, from the store or from where its party
// publishes.
func (a *app) fileList(ctx context.Context, s *store.Store, c *partyClaim) ([]byte, error) {
	root := c.Output.Files
	if root == "" {
		return nil, errors.New("the claim states no tree root, by which a list of files could be known")
	}
	if list, ok := s.Cache(filesCache, root); ok && checkFiles(list, root) == nil {
		return list, nil
	}
	places := []publish.Place{publish.NewStore(s)}
	c.places.names = c.party.Repositories
	at, err := c.places.open(a)
	if err != nil {
		return nil, err
	}
	return findFiles(ctx, s, append(places, at...), c.recipe, c.bundle, root)
}

// findFiles looks for the list of files that gives a tree root, and keeps it.
func findFiles(ctx context.Context, s *store.Store, places []publish.Place, recipe []byte, bundle, root chain.Digest) (list []byte, err error) {
	err = publish.Evidence(ctx, places, recipe, bundle, statement.FileListMediaType, func(r io.Reader) (err error) {
		if list, err = io.ReadAll(r); err != nil {
			return err
		}
		return checkFiles(list, root)
	})
	if err != nil {
		return nil, err
	}
	_ = s.PutCache(filesCache, root, list) // it can be had again
	return list, nil
}

// writeList writes the list of an image's files to a file, and says the tree root that
// it gives.
func (a *app) writeList(ctx context.Context, img *image.Image, f filesFlags) error {
	if len(f.patterns) > 0 || f.flat || f.hash || f.layer > 0 {
		return withHint(errors.New("--list takes no pattern and no other flag"), "a list has all files: only then does it give the tree root")
	}
	out := output{"--list", f.list, "the list of files"}
	if err := out.check(img.Ref().Text); err != nil {
		return err
	}
	fs, err := img.FS(ctx, true)
	if err != nil {
		return err
	}
	tree, err := fs.Tree()
	if err != nil {
		return withHint(err, "stagescope files %s --flat shows what could not be applied", img.Ref().Text)
	}
	if err := out.write(func(w io.Writer) error { return image.WriteFileList(w, fs.Files()) }); err != nil {
		return err
	}
	n := 0
	for range fs.Files() {
		n++
	}
	if a.json {
		return a.printJSON(listDocument{Image: img.Ref().Text, Manifest: img.ManifestDigest(), Tree: tree.Digest, Files: n, List: f.list})
	}
	a.sayTo(a.out, "%s: %d files, tree root %s", f.list, n, tree.Digest)
	return nil
}

// listDocument is what "files --list --json" prints.
type listDocument struct {
	Image    string       `json:"image"`
	Manifest chain.Digest `json:"manifest,omitempty"` // "" for an old docker archive
	Tree     chain.Digest `json:"tree"`
	Files    int          `json:"files"`
	List     string       `json:"list"` // the file that was written
}

// checkFiles says whether a list gives a tree root.
func checkFiles(list []byte, root chain.Digest) error {
	files, err := image.ReadFileList(bytes.NewReader(list), maxListed)
	if err != nil {
		return err
	}
	tree, err := image.TreeOf(files)
	if err != nil {
		return err
	}
	if tree.Digest != root {
		return fmt.Errorf("the list of files gives the tree root %s, and the claim states %s", tree.Digest, root)
	}
	return nil
}

// lists keeps the lists of files of all verified claims that were found.
func (p *puller) lists(ctx context.Context, v *statement.Verifier, subjects []subject) error {
	recipes := map[chain.Digest][]byte{}
	for _, s := range subjects {
		recipes[(publish.Recipe{JSON: s.query.Recipe}).Digest()] = s.query.Recipe
	}
	for _, d := range slices.Sorted(maps.Keys(p.found)) {
		c := v.Verify(p.found[d].Data)
		root, recipe := c.Output.Files, recipes[c.Recipe]
		if c.Verification.State != claim.Verified || root == "" || recipe == nil {
			continue
		}
		if list, ok := p.store.Cache(filesCache, root); !ok || checkFiles(list, root) != nil {
			if _, err := findFiles(ctx, p.store, p.places, recipe, d, root); err != nil {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				if errors.Is(err, publish.ErrNoEvidence) {
					continue
				}
				p.missed = append(p.missed, publish.Unread{Origin: fmt.Sprintf("the list of files of bundle %s", d), Err: err})
				continue
			}
		}
		p.doc.Files++
	}
	return nil
}
