package ddc

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/image"
	"github.com/stagescope/stagescope/chain/store"
	"github.com/stagescope/stagescope/rebuild"
)

// Compiler is one side: an image with a compiler in it, and all that it needs to
// run.
type Compiler struct {
	Name string       `json:"name"` // for people, e.g. the reference of its image
	Root chain.Digest `json:"root"` // of the image's index or manifest, which the store holds whole
	Path string       `json:"path"` // of the compiler's one file, e.g. "/bin/cc"
}

// Check is what is to be done.
type Check struct {
	Suspect  Compiler
	Trusted  Compiler
	Source   fs.FS    // the suspect's source, as its party publishes it
	Command  []string // compiles it; {cc}, {source} and {out} stand for the compiler, the source's directory and the file to write
	Platform string   // "os/arch"; "" means linux/amd64
}

// Run compiles in the engine's sandbox, without a network. What the steps gave
// is in the store afterwards, tagged as Result.Tag. The error is about what kept
// the check from being made; the result is then "not checked".
func Run(ctx context.Context, s *store.Store, e rebuild.Engine, c Check, p rebuild.Progress) (*Result, error) {
	if c.Platform == "" {
		c.Platform = "linux/amd64"
	}
	r := &Result{V: 1, Suspect: c.Suspect, Trusted: c.Trusted, Command: c.Command}
	if err := c.valid(); err != nil {
		return r, err
	}
	if err := c.distinct(ctx, s); err != nil {
		return r, err
	}
	req, remove, err := c.request(s)
	if err != nil {
		return r, err
	}
	defer remove()
	built, desc, err := rebuild.BuildInto(ctx, s, e, req, p)
	if err != nil {
		return r, fmt.Errorf("compiling twice: %w", err)
	}
	r.Engine, r.Image = built.Engine, chain.Digest(desc.Digest)
	if err := r.read(ctx, s, c.Platform); err != nil {
		return r, err
	}
	r.judge()
	r.Tag = "ddc/" + r.Image.Hex()[:12]
	return r, s.Tag(ctx, r.Tag, desc)
}

// ErrSame is wrapped when both sides are one compiler: it would agree with
// itself, infected or not.
var ErrSame = errors.New("the suspect and the trusted compiler are the same file")

// distinct checks that the store has both images, whole and as they say, and in
// each a compiler that is not the other's.
func (c *Check) distinct(ctx context.Context, s *store.Store) error {
	suspect, err := c.present(ctx, s, &c.Suspect)
	if err != nil {
		return err
	}
	trusted, err := c.present(ctx, s, &c.Trusted)
	if err != nil {
		return err
	}
	if suspect == trusted {
		return fmt.Errorf("%w: %s", ErrSame, suspect)
	}
	return nil
}

// present gives the digest of a side's compiler.
func (c *Check) present(ctx context.Context, s *store.Store, side *Compiler) (d chain.Digest, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("reading the compiler of %q: %w", side.Name, err)
		}
	}()
	desc, err := s.Describe(side.Root)
	if err != nil {
		return "", err
	}
	if err := s.Complete(desc); err != nil {
		return "", err
	}
	img, err := open(ctx, s, side.Root, c.Platform)
	if err != nil {
		return "", err
	}
	defer img.Close()
	files, err := img.FS(ctx, true) // reads every layer, and so verifies it
	if err != nil {
		return "", err
	}
	f, err := files.Find(side.Path)
	if err != nil {
		return "", err
	}
	if f.Type != image.TypeRegular || f.Digest == "" {
		return "", fmt.Errorf("%q is a %s, not a file", side.Path, f.Type)
	}
	return f.Digest, nil
}

func open(ctx context.Context, s *store.Store, d chain.Digest, platform string) (*image.Image, error) {
	ref := image.Reference{Kind: image.KindStore, Text: string(d), Digest: d}
	return image.OpenReference(ctx, ref, image.Options{Store: s, Platform: platform, Offline: true})
}

// errNoOutput is about a command that ended well and wrote nothing.
var errNoOutput = errors.New("the image of the check lacks a file")

// read takes the digests of what was compiled.
func (r *Result) read(ctx context.Context, s *store.Store, platform string) error {
	img, err := open(ctx, s, r.Image, platform)
	if err != nil {
		return fmt.Errorf("reading what was compiled: %w", err)
	}
	defer img.Close()
	files, err := img.FS(ctx, true)
	if err != nil {
		return fmt.Errorf("reading what was compiled: %w", err)
	}
	for name, to := range r.outputs() {
		f, err := files.Find("/" + name)
		if err != nil || f.Type != image.TypeRegular {
			return fmt.Errorf("reading what was compiled: %w: %s", errNoOutput, name)
		}
		if f.Digest == "" {
			return fmt.Errorf("reading what was compiled: %s was not hashed", name)
		}
		*to = Output{Digest: f.Digest, Size: f.Size}
	}
	return nil
}
