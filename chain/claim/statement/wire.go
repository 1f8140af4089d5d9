package statement

import (
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim"
)

// The types that a claim's statement names.
const (
	StatementType     = "https://in-toto.io/Statement/v1"
	ProvenanceType    = "https://slsa.dev/provenance/v1"
	FailureType       = "https://stagescope/rebuild-failure/v1"
	BuildType         = "https://stagescope/stagex-rebuild/v1"
	FileListMediaType = "application/vnd.stagescope.filelist.v1"
	StepsMediaType    = "application/vnd.stagescope.steps.v1+json"
)

// builderPrefix stands before a claim key's fingerprint in builder.id.
const builderPrefix = "https://stagescope/party/"

// Bounds on what is read. A statement of a stage with a hundred inputs has
// about 20 KiB.
const (
	maxStatement = 1 << 20
	maxSubjects  = 64
	maxResources = 8192 // inputs and sources
	maxListed    = 4096 // byproducts, steps, variations
	maxText      = 1024 // bytes of a text that is for people
)

// The errors of reading a statement.
var (
	ErrMalformed    = errors.New("malformed statement")
	ErrContradicts  = errors.New("the statement contradicts itself")
	ErrNotRebuild   = errors.New("the statement is no rebuild claim")
	ErrUnexpectedly = errors.New("the library's own reader refuses the statement")
)

// The wire types are in-toto's Statement v1 and SLSA's Provenance v1 as far as
// a claim fills them. Members that they do not know are ignored, as in-toto's
// rules for parsing ask; those of externalParameters are refused, as SLSA's do.
type wireStatement struct {
	Type          string         `json:"_type"`
	Subject       []resource     `json:"subject"`
	PredicateType string         `json:"predicateType"`
	Predicate     jsontext.Value `json:"predicate"`
}

// resource is in-toto's ResourceDescriptor.
type resource struct {
	Name        string       `json:"name,omitempty"`
	URI         string       `json:"uri,omitempty"`
	Digest      digestSet    `json:"digest,omitzero"`
	Content     []byte       `json:"content,omitempty"`
	MediaType   string       `json:"mediaType,omitempty"`
	Annotations *annotations `json:"annotations,omitempty"`
}

// annotations carry an input's rootfs digest, in the OCI form.
type annotations struct {
	Rootfs chain.Digest `json:"rootfs,omitempty"`
}

type digestSet struct {
	SHA256    string `json:"sha256,omitempty"`    // bare hex
	GitCommit string `json:"gitCommit,omitempty"` // bare hex
}

type provenance struct {
	BuildDefinition buildDefinition `json:"buildDefinition"`
	RunDetails      runDetails      `json:"runDetails"`
}

// failure is the predicate FailureType: what failed, and the build that a
// provenance would have described.
type failure struct {
	Phase      string       `json:"phase"`
	Exit       int          `json:"exit"`
	LogDigest  chain.Digest `json:"logDigest,omitempty"`
	RecipeSize int64        `json:"recipeSize"` // bytes of the recipe's JSON, which its manifest states
	Env        environment  `json:"env,omitzero"`

	BuildDefinition buildDefinition `json:"buildDefinition"`
	RunDetails      runDetails      `json:"runDetails"`
}

type buildDefinition struct {
	BuildType            string         `json:"buildType"`
	ExternalParameters   jsontext.Value `json:"externalParameters"`
	InternalParameters   internal       `json:"internalParameters"`
	ResolvedDependencies []resource     `json:"resolvedDependencies,omitempty"`
}

// external is what was asked for.
type external struct {
	Release  string       `json:"release,omitempty"`
	Tree     *tree        `json:"tree,omitempty"`
	Package  string       `json:"package"`
	Platform string       `json:"platform"`
	Recipe   chain.Digest `json:"recipe"`
}

type tree struct {
	URI    string    `json:"uri,omitempty"`
	Digest digestSet `json:"digest"`
}

// internal is how it was done.
type internal struct {
	Mode       string       `json:"mode"`
	DepsMode   string       `json:"depsMode,omitempty"`
	Input      chain.Digest `json:"input,omitempty"` // I, when all inputs are stated
	NoCache    bool         `json:"noCache"`
	Repeats    int          `json:"repeats,omitzero"`
	Identical  int          `json:"identical,omitzero"`
	Variations []string     `json:"variations,omitempty"`
	Env        environment  `json:"env,omitzero"`
}

// environment is claim.Environment.
type environment struct {
	Kernel      string `json:"kernel,omitempty"`
	CPUVendor   string `json:"cpuVendor,omitempty"`
	CPUModel    string `json:"cpuModel,omitempty"`
	Microarch   string `json:"microarch,omitempty"`
	CPUs        int    `json:"nproc,omitzero"`
	MemoryMiB   int    `json:"memMiB,omitzero"`
	Snapshotter string `json:"snapshotter,omitempty"`
	BuildKit    string `json:"buildkit,omitempty"`
	Runtime     string `json:"runtime,omitempty"`
	HostTool    string `json:"hostTool,omitempty"`
}

var _ = environment(claim.Environment{}) // the fields have to stay the same

type runDetails struct {
	Builder    builder    `json:"builder"`
	Metadata   metadata   `json:"metadata,omitzero"`
	Byproducts []resource `json:"byproducts,omitempty"`
}

type builder struct {
	ID string `json:"id"`
}

type metadata struct {
	InvocationID string `json:"invocationId,omitempty"`
	StartedOn    string `json:"startedOn,omitempty"`
	FinishedOn   string `json:"finishedOn,omitempty"`
}

// decode reads exactly one JSON value. A key given twice, in a member that is
// not known too, bytes that are not UTF-8 and text after the value are errors;
// so is a name in another case, as it is another name.
func decode(data []byte, v any, opts ...json.Options) error {
	if err := json.Unmarshal(data, v, opts...); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return nil
}

// parseTime reads what in-toto calls a Timestamp: RFC 3339, in UTC. "" is the
// zero time.
func parseTime(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || s[len(s)-1] != 'Z' {
		return time.Time{}, fmt.Errorf("%w: time %q is not RFC 3339 in UTC", ErrMalformed, s)
	}
	return t.UTC(), nil
}

func formatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// bare is the OCI form of the bare hex of a digest set.
func bare(hex string) (chain.Digest, error) {
	d := chain.Digest("sha256:" + hex)
	return d, checkDigest(d)
}

// checkDigest accepts the OCI form only, unlike chain.ParseDigest.
func checkDigest(d chain.Digest) error {
	const prefix = "sha256:"
	if len(d) != len(prefix)+64 || d[:len(prefix)] != prefix || !isHex(string(d[len(prefix):])) {
		return fmt.Errorf("%w: %q is no SHA-256 digest", ErrMalformed, string(d[:min(len(d), 100)]))
	}
	return nil
}

func isHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
