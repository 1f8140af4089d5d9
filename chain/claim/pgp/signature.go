package pgp

import (
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim"
)

// Form is how the signed JSON is written; it tells the eras apart.
type Form uint8

// The forms. The zero value is not known: nothing unauthenticated is parsed.
const (
	FormUnknown Form = iota
	FormArray        // up to 2025.06.0: an array of one, bare hex, digest of the index
	FormObject       // 2025.06.1 to 2025.10.0: an object, no tag, digest of the manifest
	FormTagged       // from 2026.01.0: an object, with a tag, digest of the manifest
)

func (f Form) String() string {
	switch f {
	case FormArray:
		return "array"
	case FormObject:
		return "object"
	case FormTagged:
		return "tagged object"
	}
	return "unknown"
}

// Level is what the form's digest is the digest of.
func (f Form) Level() chain.Level {
	switch f {
	case FormArray:
		return chain.LevelIndex
	case FormObject, FormTagged:
		return chain.LevelManifest
	}
	return chain.LevelUnknown
}

// Legacy says which rule of today the form does not meet, or "".
func (f Form) Legacy() string {
	switch f {
	case FormArray:
		return "valid under StageX's rules up to 2025.06.0, not under policy.json: an array with a bare digest"
	case FormObject:
		return "no tag: policy.json accepts it under matchRepository only"
	}
	return ""
}

// Signature is what one signature file says, and what is known of it.
//
// Repository and Digest are the file's path's until State is Verified; from
// then on the authenticated contents say the same.
type Signature struct {
	claim.Verification

	Path       string       // as given or found
	Repository string       // e.g. "stagex/core-bash"
	Digest     chain.Digest // at Form.Level()
	Number     int          // N of signature-N
	Hidden     bool         // a number before it is missing: clients stop there
	Bundle     claim.Digest // SHA-256 of the file

	Fingerprint string    // of the key that signed, upper-case hex; "" when only an ID is stated
	KeyID       string    // 16 upper-case hex digits
	Primary     string    // fingerprint of the primary key; "" when unknown
	Person      string    // whose key it is; "" when unknown
	Signed      time.Time // as the signer states it: for order only

	Form      Form
	Legacy    string // Form.Legacy()
	Reference string // docker-reference, authenticated
	Tag       string // of Reference; "" when it has none
}

// ErrPath is wrapped when a path is not that of a signature.
var ErrPath = errors.New("not the path of a signature")

// Path is where signature number n of a digest belongs below a lookaside's
// base, e.g. "stagex/core-bash@sha256=HEX/signature-1".
func Path(repository string, digest chain.Digest, n int) string {
	return fmt.Sprintf("%s@sha256=%s/signature-%d", repository, digest.Hex(), n)
}

// ParsePath is the inverse of Path. Anything but the canonical spelling is an
// error that wraps ErrPath.
func ParsePath(p string) (repository string, digest chain.Digest, n int, err error) {
	fail := func(why string) (string, chain.Digest, int, error) {
		return "", "", 0, fmt.Errorf("%w: %q: %s", ErrPath, p, why)
	}
	dir, file := path.Split(p)
	repository, hex, ok := strings.Cut(strings.TrimSuffix(dir, "/"), "@sha256=")
	if !ok {
		return fail("no @sha256= in the directory's name")
	}
	if _, _, err := splitReference(repository); err != nil || strings.Contains(repository, ":") {
		return fail("no name of a repository")
	}
	if digest, err = chain.ParseDigest("sha256:" + hex); err != nil {
		return fail("no digest of 64 lower-case hex digits")
	}
	num, ok := strings.CutPrefix(file, "signature-")
	n, err = strconv.Atoi(num)
	if !ok || err != nil || n < 1 || strconv.Itoa(n) != num {
		return fail("no signature-N with N from 1")
	}
	return repository, digest, n, nil
}

// Claim is the signature as a claim. It carries no recipe and no environment.
// Assumed is the level of the digest where the form is not known, since nothing
// unauthenticated is parsed: that of the tree's release, or LevelUnknown, which
// gives a claim without an output.
func (s *Signature) Claim(assumed chain.Level) claim.Claim {
	_, stage, _ := strings.Cut(s.Repository, "/")
	level := s.Form.Level()
	if level == chain.LevelUnknown {
		level = assumed
	}
	c := claim.Claim{
		Kind: claim.KindPGP, Party: s.Person, Key: s.Fingerprint, Origin: s.Path, Bundle: s.Bundle,
		Stage: stage, Finished: s.Signed, Verification: s.Verification, Legacy: s.Legacy,
		Output: claim.OutputOf(s.Digest, level),
	}
	if c.Key == "" {
		c.Key = s.KeyID
	}
	if s.Tag != "latest" {
		c.Version = s.Tag
	}
	return c
}
