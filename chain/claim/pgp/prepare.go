package pgp

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/stagescope/stagescope/chain"
)

// Payload is the bytes that a signature of today's form signs: no line end, no
// space. Repository is e.g. "stagex/core-bash"; tag is the version, "latest" if
// there is none; digest is that of the image's manifest.
func Payload(repository, tag string, digest chain.Digest) ([]byte, error) {
	if tag == "" {
		tag = "latest"
	}
	ref := repository + ":" + tag
	if _, t, err := splitReference(ref); err != nil || t != tag {
		return nil, fmt.Errorf("preparing a signature: %q is no repository with a tag", ref)
	}
	if d, err := chain.ParseDigest(string(digest)); err != nil || d != digest {
		return nil, fmt.Errorf("preparing a signature: %q is no digest", digest)
	}
	type identity struct {
		Reference string `json:"docker-reference"`
	}
	type image struct {
		Digest chain.Digest `json:"docker-manifest-digest"`
	}
	var doc struct {
		Critical struct {
			Identity identity `json:"identity"`
			Image    image    `json:"image"`
			Type     string   `json:"type"`
		} `json:"critical"`
		Optional struct{} `json:"optional"`
	}
	doc.Critical.Identity.Reference, doc.Critical.Image.Digest, doc.Critical.Type = ref, digest, typeObject
	return json.Marshal(doc)
}

// AddSignature is where a new signature of a digest belongs: the path below
// base with the first free number, which also closes a gap.
func AddSignature(fsys fs.FS, base, repository string, digest chain.Digest) (string, error) {
	for n := 1; n <= maxNumber; n++ {
		p := Path(repository, digest, n)
		if _, _, _, err := ParsePath(p); err != nil {
			return "", err
		}
		_, err := fs.Lstat(fsys, path.Join(base, p))
		if errors.Is(err, fs.ErrNotExist) {
			return p, nil
		}
		if err != nil {
			return "", fmt.Errorf("looking for a free number: %w", err)
		}
	}
	return "", fmt.Errorf("numbering a signature of %s@%s: there are %d", repository, digest, maxNumber)
}
