package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim"
	"github.com/stagescope/stagescope/chain/claim/attest"
	"github.com/stagescope/stagescope/chain/claim/publish"
	"github.com/stagescope/stagescope/rebuild/evidence"
)

// attestFlags say whose attestations are believed.
type attestFlags struct {
	keys       []string
	root       string
	identities []string
}

func (f *attestFlags) add(c *cobra.Command) {
	fl := c.Flags()
	fl.StringArrayVar(&f.keys, "attest-key", nil, "`FILE` of public keys or certificates, in PEM, whose attestations are believed (repeatable)")
	fl.StringVar(&f.root, "trusted-root", "", "`FILE` of a sigstore trusted root, by which certificates are verified without network")
	fl.StringArrayVar(&f.identities, "attest-identity", nil, "`IDENTITY=ISSUER` whose certificates are believed; either may be an expression that begins with ^ (repeatable)")
}

// trust reads what the flags name.
func (f *attestFlags) trust() (*attest.Trust, error) {
	t := &attest.Trust{}
	for _, name := range f.keys {
		data, err := readSmallFile(name)
		if err != nil {
			return nil, err
		}
		if err := t.AddPEM(name, data); err != nil {
			return nil, withHint(err, "--attest-key takes public keys and certificates in PEM")
		}
	}
	if f.root != "" {
		data, err := readSmallFile(f.root)
		if err != nil {
			return nil, err
		}
		if err := t.SetRoot(f.root, data); err != nil {
			return nil, withHint(err, "--trusted-root takes a trusted_root.json, as cosign's tuf root has it")
		}
	}
	for _, id := range f.identities {
		identity, issuer, ok := strings.Cut(id, "=")
		if !ok {
			return nil, withHint(fmt.Errorf("%q is no identity with its issuer", id), "write --attest-identity IDENTITY=ISSUER")
		}
		if err := t.AddIdentity(identity, issuer); err != nil {
			return nil, withHint(err, "write --attest-identity IDENTITY=ISSUER")
		}
	}
	if len(f.identities) > 0 && f.root == "" && len(f.keys) == 0 {
		return nil, withHint(errors.New("--attest-identity without anything to verify certificates by"), "give --trusted-root FILE, or certificates of authorities with --attest-key")
	}
	return t, nil
}

// attached finds what publishers attached to images in registries.
type attached struct {
	trust   *attest.Trust
	options publish.Options
}

var _ evidence.Attached = (*attached)(nil)

// Find gives the attestations of one image as claims. They count for no verdict.
func (f *attached) Find(ctx context.Context, repository, stage, platform string, index, manifest chain.Digest) ([]*claim.Claim, []evidence.Unknown) {
	place, err := publish.NewRegistry(repository, f.options)
	if err != nil {
		return nil, []evidence.Unknown{{Origin: repository, Reason: err.Error()}}
	}
	found, unread := attest.Find(ctx, place, manifest, index, f.trust)
	var claims []*claim.Claim
	for i := range found {
		level := chain.LevelManifest
		if found[i].Subject == index {
			level = chain.LevelIndex
		}
		claims = append(claims, found[i].Claim(stage, platform, level))
	}
	var unknown []evidence.Unknown
	for _, u := range unread {
		unknown = append(unknown, evidence.Unknown{Origin: u.Origin, Reason: u.Err.Error()})
	}
	return claims, unknown
}
