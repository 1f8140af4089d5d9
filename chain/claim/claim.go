package claim

import (
	"fmt"
	"time"

	"github.com/stagescope/stagescope/chain"
)

// Kind says what sort of evidence a claim is.
type Kind uint8

// The kinds. The zero value is none.
const (
	KindUnknown     Kind = iota
	KindTree             // a digest that the tree itself publishes
	KindPGP              // a StageX signature file: a digest, no recipe and no environment
	KindRegistry         // what a registry serves, its bytes hashed
	KindRebuild          // a signed statement: built from these inputs, this came out
	KindAttestation      // a publisher's own attestation: who built, not that it follows from the source
	KindOwn              // a rebuild in this store
)

var kindNames = [...]string{"unknown", "tree", "pgp", "registry", "rebuild", "attestation", "own"}

func (k Kind) String() string { return nameOf(kindNames[:], int(k)) }

// MarshalText writes the kind's name, as JSON output carries it.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText is the inverse of MarshalText.
func (k *Kind) UnmarshalText(b []byte) error {
	i, err := indexOf(kindNames[:], "kind of claim", b)
	*k = Kind(i)
	return err
}

// Mode says where the claimed bytes came from.
type Mode uint8

// The modes. The zero value says nothing and counts for nothing.
const (
	ModeUnknown Mode = iota
	ModeRebuilt      // the recipe was run
	ModePulled       // the image was fetched: it says what is served, not what follows from the source
)

var modeNames = [...]string{"unknown", "rebuilt", "pulled"}

func (m Mode) String() string { return nameOf(modeNames[:], int(m)) }

// MarshalText writes the mode's name, as JSON output carries it.
func (m Mode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText is the inverse of MarshalText.
func (m *Mode) UnmarshalText(b []byte) error {
	i, err := indexOf(modeNames[:], "mode", b)
	*m = Mode(i)
	return err
}

// State says what is known of a claim's signature, or of the bytes behind it.
type State uint8

// The states. The zero value is that nobody has looked.
const (
	NotChecked State = iota
	Verified         // the signature is good and the key is a known party's, or the bytes were hashed here
	Unverified       // it cannot be told: an unknown or expired key, no keyring, something unreadable
	Refused          // it is wrong: a bad signature, a revoked key, contents that contradict each other
)

var stateNames = [...]string{"not checked", "verified", "unverified", "refused"}

func (s State) String() string { return nameOf(stateNames[:], int(s)) }

// MarshalText writes the state's name, as JSON output carries it.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText is the inverse of MarshalText.
func (s *State) UnmarshalText(b []byte) error {
	i, err := indexOf(stateNames[:], "state", b)
	*s = State(i)
	return err
}

// Verification is a claim's state and, for all but Verified, why.
type Verification struct {
	State  State  `json:"state"`
	Reason string `json:"reason,omitempty"`
}

// Output is what a build gave or a place serves, at all levels that the claim
// states; the others are "".
type Output struct {
	Index    chain.Digest `json:"index,omitempty"`    // the index that wraps the manifest
	Manifest chain.Digest `json:"manifest,omitempty"` // D
	Rootfs   chain.Digest `json:"rootfs,omitempty"`   // F
	Files    chain.Digest `json:"files,omitempty"`    // T
}

// At is the digest at a level, or "".
func (o Output) At(l chain.Level) chain.Digest {
	switch l {
	case chain.LevelIndex:
		return o.Index
	case chain.LevelManifest:
		return o.Manifest
	case chain.LevelRootfs:
		return o.Rootfs
	case chain.LevelFiles:
		return o.Files
	}
	return ""
}

// Level is the outermost level at which the output has a digest.
func (o Output) Level() chain.Level {
	for l := chain.LevelIndex; l <= chain.LevelFiles; l++ {
		if o.At(l) != "" {
			return l
		}
	}
	return chain.LevelUnknown
}

// OutputOf is the output that a single digest at a level is.
func OutputOf(d chain.Digest, l chain.Level) Output {
	switch l {
	case chain.LevelIndex:
		return Output{Index: d}
	case chain.LevelManifest:
		return Output{Manifest: d}
	case chain.LevelRootfs:
		return Output{Rootfs: d}
	case chain.LevelFiles:
		return Output{Files: d}
	}
	return Output{}
}

// Input is the image of a stage that a build used.
type Input struct {
	Stage    string       `json:"stage"`
	Manifest chain.Digest `json:"manifest"`
	Rootfs   chain.Digest `json:"rootfs,omitempty"`
}

// Environment is where a build ran, as coarse as its party states it.
type Environment struct {
	Kernel      string `json:"kernel,omitempty"`
	CPUVendor   string `json:"cpuVendor,omitempty"` // as CPUID gives it, e.g. "AuthenticAMD"
	CPUModel    string `json:"cpuModel,omitempty"`
	Microarch   string `json:"microarch,omitempty"` // e.g. "x86-64-v3"
	CPUs        int    `json:"nproc,omitempty"`
	MemoryMiB   int    `json:"memMiB,omitempty"`
	Snapshotter string `json:"snapshotter,omitempty"`
	BuildKit    string `json:"buildkit,omitempty"`
	Runtime     string `json:"runtime,omitempty"`
	HostTool    string `json:"hostTool,omitempty"`
}

// Failure is how a build failed.
type Failure struct {
	Phase string       `json:"phase"` // e.g. the step that failed
	Exit  int          `json:"exit"`
	Log   chain.Digest `json:"logDigest,omitempty"`
}

// Step is the digest of what one step of the recipe changed.
type Step struct {
	Name   string       `json:"name"`
	Digest chain.Digest `json:"digest"`
}

// Claim is what one party says of one stage on one platform.
type Claim struct {
	Kind   Kind   `json:"kind"`
	Party  string `json:"party"`           // name in parties.toml, or of the tree or registry; "" when unknown
	Key    string `json:"key,omitempty"`   // fingerprint of the key that signed
	Origin string `json:"origin"`          // where it was found, e.g. "digests/core.txt:7", a repository
	Bundle Digest `json:"bundle,omitzero"` // of the bundle's or signature file's bytes

	Stage    string       `json:"stage"`
	Platform string       `json:"platform,omitempty"`
	Release  string       `json:"release,omitempty"`
	Commit   string       `json:"commit,omitempty"`  // of the tree; no part of the recipe
	Version  string       `json:"version,omitempty"` // of the stage
	Recipe   chain.Digest `json:"recipe,omitempty"`  // R; "" when the kind carries none
	Input    chain.Digest `json:"input,omitempty"`   // I; "" when unknown
	Inputs   []Input      `json:"inputs,omitempty"`  // what I is made of, sorted by stage
	Sources  []Source     `json:"sources,omitempty"` // pinned files used, sorted by name

	Output    Output   `json:"output"`
	Failure   *Failure `json:"failure,omitempty"` // set when nothing came out
	Mode      Mode     `json:"mode"`
	NoCache   bool     `json:"noCache,omitempty"`
	Repeats   int      `json:"repeats,omitempty"`   // trials that gave an image; 0 when not stated
	Identical int      `json:"identical,omitempty"` // of those, how many gave this output
	Variation []string `json:"variations,omitempty"`

	Environment Environment  `json:"environment,omitzero"`
	Started     time.Time    `json:"started,omitzero"`
	Finished    time.Time    `json:"finished,omitzero"`
	Steps       []Step       `json:"steps,omitempty"`     // as stated inline
	StepsFile   chain.Digest `json:"stepsFile,omitempty"` // of the published list of step digests
	Log         chain.Digest `json:"log,omitempty"`
	Invocation  string       `json:"invocation,omitempty"`

	Verification Verification `json:"verification"`
	Says         string       `json:"says,omitempty"`   // what an attestation says, in a line
	Legacy       string       `json:"legacy,omitempty"` // form that only older rules accept; flagged, never hidden
}

// Source is a pinned file that a build used.
type Source struct {
	Name   string       `json:"name"`
	Digest chain.Digest `json:"digest"`
}

// Digest is a bundle's digest in the form in which millions fit in memory.
type Digest [32]byte

// IsZero says that no digest is known.
func (d Digest) IsZero() bool { return d == Digest{} }

// String is the digest in the OCI form, or "".
func (d Digest) String() string {
	if d.IsZero() {
		return ""
	}
	return string(chain.SHA256(d))
}

// MarshalText writes the OCI form.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText is the inverse of MarshalText.
func (d *Digest) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*d = Digest{}
		return nil
	}
	raw, err := rawDigest(chain.Digest(b))
	*d = raw
	return err
}

// Failed says that the claim is of a build that gave nothing.
func (c *Claim) Failed() bool { return c.Failure != nil }

func nameOf(names []string, i int) string {
	if i < 0 || i >= len(names) {
		return names[0]
	}
	return names[i]
}

func indexOf(names []string, what string, b []byte) (int, error) {
	for i, n := range names {
		if n == string(b) {
			return i, nil
		}
	}
	return 0, fmt.Errorf("unknown %s %q", what, b)
}
