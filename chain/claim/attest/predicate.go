package attest

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim/statement"
)

// Predicate types that are summed up.
const (
	cosignSign   = "https://sigstore.dev/cosign/sign/v1"
	slsaPrefix   = "https://slsa.dev/provenance/"
	spdxPrefix   = "https://spdx.dev/Document"
	cycloneDX    = "https://cyclonedx.org/bom"
	maxSubjects  = 10_000
	maxShown     = 200 // bytes of a name that is taken over
	maxPredicate = 32 << 20
)

var errStatement = errors.New("malformed statement")

// inToto is an in-toto statement, v0.1 or v1.
type inToto struct {
	Type          string         `json:"_type"`
	Subject       []subject      `json:"subject"`
	PredicateType string         `json:"predicateType"`
	Predicate     jsontext.Value `json:"predicate"`
}

type subject struct {
	Name   string            `json:"name"`
	Digest map[string]string `json:"digest"`
}

// parseStatement reads a statement; a key given twice is an error.
func parseStatement(data []byte) (*inToto, error) {
	if len(data) > maxPredicate {
		return nil, fmt.Errorf("%w: it has %d bytes, more than %d", errStatement, len(data), maxPredicate)
	}
	var s inToto
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, fmt.Errorf("%w: %w", errStatement, err)
	}
	switch {
	case !strings.HasPrefix(s.Type, "https://in-toto.io/Statement/"):
		return nil, fmt.Errorf("%w: its type is %q", errStatement, cut(s.Type))
	case len(s.Subject) == 0 || len(s.Subject) > maxSubjects:
		return nil, fmt.Errorf("%w: it has %d subjects", errStatement, len(s.Subject))
	}
	return &s, nil
}

// about says whether a digest is a subject.
func (s *inToto) about(d chain.Digest) bool {
	for _, sub := range s.Subject {
		if strings.EqualFold(sub.Digest["sha256"], d.Hex()) {
			return true
		}
	}
	return false
}

// describe sums the statement up. ErrRebuild says that it is a signed claim of a
// rebuild, which package statement reads.
func (a *Attestation) describe(s *inToto) error {
	a.Predicate = cut(s.PredicateType)
	switch {
	case s.PredicateType == cosignSign:
		a.Kind = Signature
	case strings.HasPrefix(s.PredicateType, slsaPrefix):
		a.Kind = Provenance
		return a.provenance(s.Predicate)
	case strings.HasPrefix(s.PredicateType, spdxPrefix), strings.HasPrefix(s.PredicateType, cycloneDX):
		a.Kind = SBOM
		a.Summary = sbomSummary(unwrap(s.Predicate))
	default:
		a.Kind = Statement
	}
	return nil
}

var errRebuild = errors.New("it is a claim of a rebuild")

// provenance reads both versions of SLSA provenance as far as they name a builder.
func (a *Attestation) provenance(data []byte) error {
	var p struct {
		BuildDefinition struct {
			BuildType string           `json:"buildType"`
			Resolved  []jsontext.Value `json:"resolvedDependencies"`
		} `json:"buildDefinition"`
		RunDetails struct {
			Builder struct {
				ID string `json:"id"`
			} `json:"builder"`
		} `json:"runDetails"`
		BuildType string `json:"buildType"` // v0.2
		Builder   struct {
			ID string `json:"id"`
		} `json:"builder"`
		Materials []jsontext.Value `json:"materials"`
	}
	if err := json.Unmarshal(data, &p); err != nil {
		a.Summary = "its provenance cannot be read"
		return nil
	}
	typ := p.BuildDefinition.BuildType + p.BuildType
	if typ == statement.BuildType {
		return errRebuild
	}
	a.Builder = cut(p.RunDetails.Builder.ID + p.Builder.ID)
	a.Summary = fmt.Sprintf("%d inputs named", len(p.BuildDefinition.Resolved)+len(p.Materials))
	return nil
}

// unwrap takes an SBOM out of the wrapping that older cosign puts around it.
func unwrap(data jsontext.Value) []byte {
	var w struct{ Data jsontext.Value }
	if json.Unmarshal(data, &w) != nil || len(w.Data) == 0 {
		return data
	}
	var text string
	if json.Unmarshal(w.Data, &text) == nil {
		return []byte(text)
	}
	return w.Data
}

// sbomSummary says what a bill of materials is and how much it lists.
func sbomSummary(data []byte) string {
	var d struct {
		SPDX       string           `json:"spdxVersion"`
		Packages   []jsontext.Value `json:"packages"`
		Format     string           `json:"bomFormat"`
		Version    string           `json:"specVersion"`
		Components []jsontext.Value `json:"components"`
	}
	if err := json.Unmarshal(data, &d); err == nil {
		switch {
		case d.SPDX != "":
			return fmt.Sprintf("%s, %d packages", cut(d.SPDX), len(d.Packages))
		case d.Format == "CycloneDX":
			return fmt.Sprintf("CycloneDX %s, %d components", cut(d.Version), len(d.Components))
		}
	}
	if text := string(data); strings.HasPrefix(text, "SPDXVersion:") {
		return fmt.Sprintf("SPDX tag-value, %d packages", strings.Count(text, "\nPackageName:"))
	}
	return "in a form that is not read"
}

// simpleSigning is the payload of a cosign signature.
type simpleSigning struct {
	Critical struct {
		Identity struct {
			Reference string `json:"docker-reference"`
		} `json:"identity"`
		Image struct {
			Digest string `json:"docker-manifest-digest"`
		} `json:"image"`
		Type string `json:"type"`
	} `json:"critical"`
	Optional map[string]jsontext.Value `json:"optional"`
}

// parseSigning reads a payload and says what image it is of.
func parseSigning(data []byte) (chain.Digest, error) {
	var p simpleSigning
	if err := json.Unmarshal(data, &p); err != nil {
		return "", fmt.Errorf("%w: %w", errStatement, err)
	}
	if p.Critical.Type != "cosign container image signature" {
		return "", fmt.Errorf("%w: its type is %q", errStatement, cut(p.Critical.Type))
	}
	return chain.ParseDigest(p.Critical.Image.Digest)
}

func rawHex(d chain.Digest) []byte {
	raw, _ := hex.DecodeString(d.Hex()) // a digest that was parsed
	return raw
}

func cut(s string) string {
	if len(s) > maxShown {
		return strings.ToValidUTF8(s[:maxShown], "") + "…"
	}
	return s
}
