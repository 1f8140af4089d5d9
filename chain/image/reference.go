package image

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/store"
)

// Kind says where a Reference leads.
type Kind string

// The kinds of references.
const (
	KindRegistry      Kind = "registry"
	KindOCI           Kind = "oci"            // an OCI layout, a directory or a tar archive
	KindDockerArchive Kind = "docker-archive" // what docker save writes, old or new
	KindDir           Kind = "dir"            // a directory as skopeo copies to, a manifest and blobs side by side
	KindStore         Kind = "store"          // a tag or digest of the store
	KindClaim         Kind = "claim"          // what a party claims; resolved by Options.Claim
)

// Reference names an image. The zero value names none.
type Reference struct {
	Kind   Kind
	Text   string       // as it was written
	Path   string       // of a layout or archive
	Tag    string       // inside a layout or archive; or the store's tag
	Digest chain.Digest // of an index or manifest inside a layout, archive or store
	Name   name.Reference
	Claim  string // PARTY/ID; kept when the claim was resolved
}

func (r Reference) String() string { return r.Text }

var stageID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+-]*$`)

// ParseReference reads a reference:
//
//	registry/name[:tag][@sha256:…]
//	oci:DIR_OR_TAR[:tag][@sha256:…]
//	docker-archive:FILE[:tag]
//	dir:DIR                  what skopeo copy writes to dir:
//	stage:ID                 what the store holds of a stage
//	trial:ID/N               one trial of it, counted from 1
//	claim:PARTY/ID
//	sha256:…                 an index or manifest in the store
//	PATH                     a layout, archive or directory of these, recognised by content
//
// The names that skopeo and podman have for two of them are taken as well:
// oci-archive:FILE[:tag] and docker://registry/name.
//
// A path that exists wins over a registry's name; a path that begins with a
// dot or a slash is never taken for one.
func ParseReference(text string) (Reference, error) {
	r := Reference{Text: text}
	scheme, rest, _ := strings.Cut(text, ":")
	var err error
	switch scheme {
	case "oci", "oci-archive":
		r.Kind = KindOCI
		err = r.splitPath(rest)
	case "docker-archive":
		r.Kind = KindDockerArchive
		err = r.splitPath(rest)
	case "dir":
		r.Kind = KindDir
		err = r.splitPath(rest)
		if err == nil && r.Tag != "" {
			err = errors.New("an image in a directory has no tag")
		}
	case "docker":
		err = r.parseName(strings.TrimPrefix(rest, "//"))
	case "stage", "trial":
		r.Kind = KindStore
		err = r.parseStage(scheme, rest)
	case "claim":
		r.Kind, r.Claim = KindClaim, rest
		if party, id, ok := strings.Cut(rest, "/"); !ok || party == "" || id == "" {
			err = errors.New("want claim:PARTY/ID")
		}
	case "sha256":
		r.Kind = KindStore
		r.Digest, err = chain.ParseDigest(text)
	default:
		err = r.parsePlain()
	}
	if err != nil {
		return Reference{}, fmt.Errorf("image reference %q: %w", text, err)
	}
	return r, nil
}

// splitPath takes a tag and a digest off a path, unless a file has the whole
// as its name.
func (r *Reference) splitPath(s string) error {
	if s == "" {
		return errors.New("it names no file")
	}
	if exists(s) {
		r.Path = s
		return nil
	}
	if path, hex, ok := strings.Cut(s, "@sha256:"); ok {
		d, err := chain.ParseDigest(hex)
		if err != nil {
			return err
		}
		r.Digest, s = d, path
	}
	if i := strings.LastIndexByte(s, ':'); i > 0 && !exists(s) && !strings.ContainsAny(s[i+1:], `/\`) {
		s, r.Tag = s[:i], s[i+1:]
	}
	if s == "" {
		return errors.New("it names no file")
	}
	r.Path = s
	return nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func (r *Reference) parseStage(scheme, rest string) error {
	id, number, hasNumber := strings.Cut(rest, "/")
	if !stageID.MatchString(id) {
		return fmt.Errorf("%q is not the ID of a stage", id)
	}
	if scheme == "stage" {
		if hasNumber {
			return errors.New("want stage:ID")
		}
		r.Tag = store.StageTag(id)
		return nil
	}
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || strconv.Itoa(n) != number {
		return errors.New("want trial:ID/N, with N from 1")
	}
	r.Tag = store.TrialTag(id, n)
	return nil
}

func (r *Reference) parsePlain() error {
	isPath := r.Text == "." || r.Text == ".." || strings.HasPrefix(r.Text, "./") || strings.HasPrefix(r.Text, "../") || filepath.IsAbs(r.Text)
	if isPath || exists(r.Text) {
		r.Kind = KindOCI // or a docker archive: its content says which
		return r.splitPath(r.Text)
	}
	if err := r.parseName(r.Text); err != nil {
		return fmt.Errorf("no such file, and no name in a registry: %w", err)
	}
	return nil
}

func (r *Reference) parseName(text string) error {
	ref, err := name.ParseReference(text)
	if err != nil {
		return err
	}
	r.Kind, r.Name = KindRegistry, ref
	return nil
}
