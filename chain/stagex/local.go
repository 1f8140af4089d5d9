package stagex

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/containerfile"
)

const outDir = "out"

// descriptors is what an index and an index.json have in common.
type descriptors struct {
	Manifests []struct {
		Digest string `json:"digest"`
	} `json:"manifests"`
}

// localImages looks at the images that builds or the tree's preseed script left
// in out/. They are no claims: anyone with write access made them.
func (l *loader) localImages(c *chain.Chain) {
	entries, err := fs.ReadDir(l.fsys, outDir)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			l.add(chain.Warning, "unreadable", outDir, 0, "check the permissions", "the images in it cannot be read: %v", plain(err))
		}
		return
	}
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		dir := path.Join(outDir, e.Name())
		s, err := c.Stage(e.Name())
		if err != nil {
			l.add(chain.Notice, "image-without-stage", dir, 0, "", "it holds an image of %q, which is no stage of this tree", e.Name())
			continue
		}
		image, err := l.localImage(dir)
		if errors.Is(err, fs.ErrNotExist) && image.Layout == "" {
			continue // an interrupted build leaves an empty directory
		}
		if err != nil {
			l.findings = append(l.findings, chain.Finding{Severity: chain.Fault, Rule: "bad-image", Stage: s.ID, File: dir, Text: err.Error(), Hint: "remove it and rebuild"})
			continue
		}
		s.Local = append(s.Local, image)
		l.compareLocal(s, image)
	}
}

// localImage reads both shapes: index.json names an index that wraps the
// manifest, or, after the tree's preseed, the manifest itself.
func (l *loader) localImage(dir string) (chain.Local, error) {
	top, err := containerfile.ReadFile(l.fsys, path.Join(dir, "index.json"))
	if err != nil {
		return chain.Local{}, err
	}
	image := chain.Local{Layout: dir}
	first, err := firstManifest(top)
	if err != nil {
		return image, fmt.Errorf("reading index.json: %w", err)
	}
	blob, err := containerfile.ReadFile(l.fsys, path.Join(dir, "blobs/sha256", first.Hex()))
	if err != nil {
		return image, fmt.Errorf("reading blob %s: %w", first, plain(err))
	}
	if got := chain.SHA256(sha256.Sum256(blob)); got != first {
		return image, fmt.Errorf("blob %s holds bytes with the digest %s", first, got)
	}
	if inner, err := firstManifest(blob); err == nil {
		image.Index, image.Manifest = first, inner
	} else {
		image.Manifest = first
	}
	return image, nil
}

func firstManifest(data []byte) (chain.Digest, error) {
	var d descriptors
	if err := json.Unmarshal(data, &d); err != nil {
		return "", err
	}
	if len(d.Manifests) == 0 {
		return "", errors.New("it names no manifest")
	}
	return chain.ParseDigest(d.Manifests[0].Digest)
}

func (l *loader) compareLocal(s *chain.Stage, image chain.Local) {
	add := func(severity chain.Severity, rule, text, hint string) {
		l.findings = append(l.findings, chain.Finding{Severity: severity, Rule: rule, Stage: s.ID, File: image.Layout, Text: text, Hint: hint})
	}
	if image.Index == "" && !l.rules.revision {
		if l.rules.level == chain.LevelManifest && !l.rules.digestsCrash {
			add(chain.Notice, "preseeded", "the image has no inner index, as after preseeding; the tree's digests script drops the stage in silence", "")
		} else {
			add(chain.Warning, "preseeded", "the image has no inner index, as after preseeding; the tree's digests script would crash on it or write a digest of another level", "")
		}
	}
	for _, p := range s.Published {
		have := image.Manifest
		if p.Level == chain.LevelIndex {
			have = image.Index
		}
		if p.Level != chain.LevelUnknown && have != "" && have != p.Digest {
			add(chain.Warning, "local-differs", fmt.Sprintf("the image in the tree has the %s digest %s, but %s:%d says %s", p.Level, have.Short(), p.Origin, p.Line, p.Digest.Short()),
				"compare the two: stagescope diff")
		}
	}
}
