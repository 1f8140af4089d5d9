package policy

import (
	"time"

	"github.com/stagescope/stagescope/chain"
)

// Action is what is done about something that speaks against a stage.
type Action uint8

// The actions. The zero value is the strict one.
const (
	Block Action = iota // the policy is not met
	Warn                // it is shown, and the policy may still be met
)

var actionNames = [...]string{"block", "warn"}

func (a Action) String() string { return actionNames[min(int(a), len(actionNames)-1)] }

// MarshalText writes the action's name, as JSON output carries it.
func (a Action) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText is the inverse of MarshalText.
func (a *Action) UnmarshalText(b []byte) error {
	s := string(b)
	x, err := action(&s, Block)
	*a = x
	return err
}

// Policy says what has to be agreed before a stage counts as reproduced. The
// zero value asks for nothing and is none: take Default or read one.
type Policy struct {
	Name string `json:"name"`
	File string `json:"file,omitempty"` // "" for the default

	Persons    int `json:"persons"`    // distinct persons who rebuilt it, you included
	CPUVendors int `json:"cpuVendors"` // distinct makers of CPUs that they rebuilt it on

	// Signers is from how many distinct persons a signature that says nothing of a
	// build is enough; 0: no number is.
	Signers int `json:"signers,omitempty"`

	Prefer       Preference    `json:"prefer,omitzero"` // not required, said when it is not there
	Level        chain.Level   `json:"level"`           // at which outputs are compared
	MaxAge       time.Duration `json:"maxAge,omitempty"`
	CI           bool          `json:"ci,omitempty"` // services count as persons
	Dissent      Action        `json:"dissent"`
	Intermittent Action        `json:"intermittent"` // fewer trials identical than were made
}

// Preference is diversity that is asked for and not required; 0 asks for none.
type Preference struct {
	Kernels       int `json:"kernels,omitempty" toml:"kernels"`
	BuildKits     int `json:"buildkits,omitempty" toml:"buildkits"`
	Organisations int `json:"orgs,omitempty" toml:"orgs"`
}

// Default is StageX's own rule: two persons on CPUs of two makers rebuilt it, and
// nobody says otherwise.
func Default() *Policy {
	return &Policy{Name: "stagex", Persons: 2, CPUVendors: 2, Level: chain.LevelManifest, Intermittent: Warn}
}
