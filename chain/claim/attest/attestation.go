package attest

import (
	"cmp"
	"fmt"
	"time"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim"
)

// Kind is what an attestation says.
type Kind uint8

// The kinds. The zero value is that it is not known.
const (
	Unknown    Kind = iota
	Signature       // a bare signature of the image
	Provenance      // where and how its builder says that it was built
	SBOM            // what its builder says is in it
	Statement       // another signed statement: a scan, a VEX document
)

var kindNames = [...]string{"unknown", "signature", "provenance", "SBOM", "statement"}

func (k Kind) String() string {
	if int(k) >= len(kindNames) {
		return kindNames[0]
	}
	return kindNames[k]
}

// MarshalText writes the kind's name, as JSON output carries it.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Form is how an attestation is written and attached.
type Form string

// The forms.
const (
	Bundle       Form = "sigstore bundle"
	CosignSig    Form = "cosign signature"
	CosignAtt    Form = "cosign attestation"
	BuildKit     Form = "BuildKit attestation"
	AttachedFile Form = "attached file"
)

// unknownReason is what is said of a signature that no given key made.
const unknownReason = "by no key or identity that was given"

// Attestation is one thing that is attached to an image. Nothing in it is to be
// believed unless Verification says Verified; and then it is its signer's word.
type Attestation struct {
	Kind      Kind         `json:"kind"`
	Form      Form         `json:"form"`
	Predicate string       `json:"predicateType,omitempty"`
	Subject   chain.Digest `json:"subject"` // of the manifest or index it was sought for
	Digest    chain.Digest `json:"digest"`  // of the attestation's bytes
	Origin    string       `json:"origin"`  // place, and what in it

	Key      string    `json:"key,omitempty"`      // name of the given key that signed
	Identity string    `json:"identity,omitempty"` // of the certificate that signed: an address, a workflow
	Issuer   string    `json:"issuer,omitempty"`   // who vouched for the identity
	Builder  string    `json:"builder,omitempty"`  // as a provenance names it
	Summary  string    `json:"summary,omitempty"`  // e.g. "SPDX-2.3, 114 packages"
	Signed   time.Time `json:"signed,omitzero"`    // as a trusted log or authority says; zero when none does

	Verification claim.Verification `json:"verification"`
}

// Claim is the attestation as a claim of its kind, for tables that show all
// evidence. It has no mode: it says neither rebuilt nor pulled.
func (a *Attestation) Claim(stage, platform string, level chain.Level) *claim.Claim {
	c := &claim.Claim{
		Kind: claim.KindAttestation, Party: cmp.Or(a.Signer(), "attestation of nobody known"), Origin: a.Origin, Stage: stage, Platform: platform,
		Output: claim.OutputOf(a.Subject, level), Finished: a.Signed, Verification: a.Verification, Says: a.what(),
	}
	if a.Digest != "" {
		_ = c.Bundle.UnmarshalText([]byte(a.Digest)) // ours: always a digest
	}
	return c
}

// Signer names who signed, or "" when nobody that is known did.
func (a *Attestation) Signer() string {
	switch {
	case a.Key != "":
		return a.Key
	case a.Identity != "" && a.Issuer != "":
		return a.Identity + " by " + a.Issuer
	}
	return a.Identity
}

// what says what is attached.
func (a *Attestation) what() string {
	s := fmt.Sprintf("%s (%s)", a.Kind, a.Form)
	if a.Summary != "" {
		s += ": " + a.Summary
	}
	if a.Builder != "" {
		s += ", builder " + a.Builder
	}
	return s
}

// Sentence says in one line what is attached and what is known of it.
func (a *Attestation) Sentence() string {
	s := a.what()
	switch a.Verification.State {
	case claim.Verified:
		return s + "; signed by " + a.Signer()
	case claim.NotChecked:
		return s + "; not checked"
	}
	return fmt.Sprintf("%s; %s: %s", s, a.Verification.State, a.Verification.Reason)
}

func (a *Attestation) is(s claim.State, format string, args ...any) {
	a.Verification = claim.Verification{State: s}
	if s != claim.Verified {
		a.Verification.Reason = fmt.Sprintf(format, args...)
	}
}
