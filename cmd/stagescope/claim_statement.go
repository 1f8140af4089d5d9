package main

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"time"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim"
	"github.com/stagescope/stagescope/chain/claim/publish"
	"github.com/stagescope/stagescope/chain/claim/statement"
	"github.com/stagescope/stagescope/chain/image"
	"github.com/stagescope/stagescope/rebuild"
)

// refusal says why a stage's claim is not published.
type refusal struct{ text string }

func (r *refusal) Error() string { return r.text }

// publication makes what is published of a result, signed.
func (p *pusher) publication(ctx context.Context, s *chain.Stage, r *rebuild.Result, all []*rebuild.Result) (*publish.Publication, error) {
	recipe, err := r.RecipeJSON(p.store)
	if err != nil {
		return nil, &refusal{err.Error()}
	}
	pub := &publish.Publication{Recipe: recipe, From: p.own}
	c := r.Claim(all)
	if !c.Failed() {
		if err := p.output(ctx, r, c, pub); err != nil {
			return nil, err
		}
	}
	if err := p.evidence(c, pub); err != nil {
		return nil, err
	}
	st := &statement.Statement{Claim: c, RecipeSize: int64(len(recipe)), URLs: map[string]string{}, Deps: depsOf(r)}
	for _, src := range s.Sources {
		c.Sources = append(c.Sources, claim.Source{Name: src.File, Digest: src.Digest})
		if len(src.Mirrors) > 0 {
			st.URLs[src.File] = src.Mirrors[0]
		}
	}
	c.Commit, st.Tree = p.tree.of(ctx, s)
	if pub.Bundle, err = p.sign(ctx, st); err != nil {
		return nil, err
	}
	return pub, nil
}

func depsOf(r *rebuild.Result) string {
	switch {
	case len(r.Inputs) == 0:
		return ""
	case r.OwnInputs():
		return statement.DepsOwn
	}
	return statement.DepsPublished
}

// sign signs a claim, unless the store has that claim by the same key already:
// who pushes again after an interruption publishes the same bytes.
func (p *pusher) sign(ctx context.Context, st *statement.Statement) ([]byte, error) {
	v, err := statement.NewVerifier([]statement.Key{{Public: p.signer.Public(), Party: "own"}}, nil)
	if err != nil {
		return nil, err
	}
	found, _ := publish.Find(ctx, []publish.Place{p.own}, publish.Query{Outputs: []chain.Digest{st.Claim.Output.Manifest}})
	for i, c := range publish.Claims(v, found) {
		if c.Verification.State != claim.Verified {
			continue
		}
		again := *st.Claim
		again.Key = c.Key
		same := *st
		same.Claim = &again
		payload, err := same.Marshal()
		if err == nil && bytes.Equal(payload, statement.Payload(found[i].Data)) {
			return found[i].Data, nil
		}
	}
	return statement.Sign(ctx, st, p.signer)
}

// output checks the image that is claimed as it lies in the store, and adds
// what is known only from its bytes.
func (p *pusher) output(ctx context.Context, r *rebuild.Result, c *claim.Claim, pub *publish.Publication) error {
	d := chain.Digest(r.Output.Digest)
	ref := image.Reference{Kind: image.KindStore, Text: string(d), Digest: d}
	img, err := image.OpenReference(ctx, ref, image.Options{Store: p.store, Platform: r.Platform, Offline: true})
	if err != nil {
		return &refusal{fmt.Sprintf("its image is not in the store as it was built: %v", err)}
	}
	defer img.Close()
	if img.ManifestDigest() != c.Output.Manifest || img.Rootfs() != c.Output.Rootfs || img.IndexDigest() != c.Output.Index {
		return &refusal{"its image in the store is not the one that its result tells of"}
	}
	if p.f.image {
		pub.Image = d
	}
	if p.f.noFiles {
		return nil
	}
	fs, err := img.FS(ctx, true)
	if err != nil {
		return &refusal{fmt.Sprintf("its image cannot be read: %v", err)}
	}
	tree, err := fs.Tree()
	if err != nil {
		return nil // a tree root is stated only of what is known wholly
	}
	if c.Output.Files != "" && c.Output.Files != tree.Digest {
		return &refusal{"the files of its image are not those that its result tells of"}
	}
	var list bytes.Buffer
	if err := image.WriteFileList(&list, fs.Files()); err != nil {
		return err
	}
	c.Output.Files = tree.Digest
	pub.Files = append(pub.Files, publish.DataFile("files", statement.FileListMediaType, list.Bytes()))
	return nil
}

// evidence adds the log and the digests of the steps.
func (p *pusher) evidence(c *claim.Claim, pub *publish.Publication) error {
	if len(c.Steps) > 0 {
		doc, err := statement.StepsDocument(c.Steps)
		if err != nil {
			return err
		}
		pub.Files = append(pub.Files, publish.DataFile("steps.json", statement.StepsMediaType, doc))
	}
	if p.f.noLog || c.Log == "" {
		return nil
	}
	info, err := os.Stat(p.store.BlobPath(c.Log))
	if err != nil {
		return &refusal{fmt.Sprintf("its log is gone from the store: %v; --no-log leaves it out", err)}
	}
	pub.Files = append(pub.Files, publish.File{Name: rebuild.LogFileName, MediaType: rebuild.LogType, Digest: c.Log, Size: info.Size(), Open: openBlob(p.store, c.Log)})
	return nil
}

// treeOrigin says which commit of which repository a tree is.
type treeOrigin struct {
	root   string // "" for the embedded tree
	commit string
	uri    string
}

var gitCommit = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)

// originOf asks git. A tree that is no checkout has no origin, and a claim does
// not need one: the recipe binds what was built.
func originOf(c *chain.Chain) treeOrigin {
	t := treeOrigin{root: c.Root}
	if c.Root == "" {
		return t
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if out := t.git(ctx, "rev-parse", "HEAD"); gitCommit.MatchString(out) {
		t.commit = out
	}
	u, err := url.Parse(t.git(ctx, "config", "--get", "remote.origin.url"))
	if err == nil && (u.Scheme == "https" || u.Scheme == "http") {
		u.User, u.RawQuery, u.Fragment = nil, "", "" // credentials stay here
		t.uri = "git+" + u.String()
	}
	return t
}

func (t *treeOrigin) git(ctx context.Context, args ...string) string {
	cmd := exec.CommandContext(ctx, "git", append([]string{"-C", t.root, "-c", "core.fsmonitor=false"}, args...)...)
	out, err := cmd.Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

// of gives the commit and the tree's address, when the stage's directory is as
// the commit has it.
func (t *treeOrigin) of(ctx context.Context, s *chain.Stage) (commit, uri string) {
	if t.commit == "" {
		return "", ""
	}
	cmd := exec.CommandContext(ctx, "git", "-C", t.root, "-c", "core.fsmonitor=false", "status", "--porcelain", "--ignored", "--", s.Dir)
	if out, err := cmd.Output(); err != nil || len(bytes.TrimSpace(out)) > 0 {
		return "", ""
	}
	return t.commit, t.uri
}
