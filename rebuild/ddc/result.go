package ddc

import (
	"fmt"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/rebuild"
)

// Status is what the check established. The zero value is that nothing was.
type Status uint8

// The statuses.
const (
	NotChecked  Status = iota
	Corresponds        // the suspect's binary is what the trusted compiler makes of its source
	Differs            // it is not, and the trusted side had come to rest: the suspect is infected, or the trusted compiler is
	OnlyResults        // the suspect's binary was not made by itself from this source; what it makes of it is what the trusted side makes
	Unsettled          // the trusted side gives something else each time: a difference would prove nothing
)

var statusNames = [...]string{"not checked", "corresponds", "differs", "only results", "unsettled"}

func (s Status) String() string {
	if int(s) < len(statusNames) {
		return statusNames[s]
	}
	return statusNames[0]
}

// MarshalText writes the status's name, as JSON output carries it.
func (s Status) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText is the inverse of MarshalText.
func (s *Status) UnmarshalText(b []byte) error {
	for i, n := range statusNames {
		if n == string(b) {
			*s = Status(i)
			return nil
		}
	}
	return fmt.Errorf("unknown status %q", b)
}

// Output is one file that was compared.
type Output struct {
	Digest chain.Digest `json:"digest"` // "" when there is none
	Size   int64        `json:"size"`
}

// Result is what a check gave.
type Result struct {
	V       int      `json:"v"` // of this form: 1
	Status  Status   `json:"status"`
	Suspect Compiler `json:"suspect"`
	Trusted Compiler `json:"trusted"`
	Command []string `json:"command"`

	SuspectBinary Output `json:"suspectBinary"` // as the image has it
	TrustedBinary Output `json:"trustedBinary"`
	Suspect1      Output `json:"suspect1"` // the source, compiled by the suspect
	Suspect2      Output `json:"suspect2"` // and by that
	Trusted1      Output `json:"trusted1"`
	Trusted2      Output `json:"trusted2"`
	Trusted3      Output `json:"trusted3"`

	Engine rebuild.EngineInfo `json:"engine"`
	Image  chain.Digest       `json:"image,omitempty"` // of the image that holds these files, in the store
	Tag    string             `json:"tag,omitempty"`   // its tag there
}

// outputs names the files of the check's image.
func (r *Result) outputs() map[string]*Output {
	return map[string]*Output{
		"suspect": &r.SuspectBinary, "suspect-1": &r.Suspect1, "suspect-2": &r.Suspect2,
		"trusted": &r.TrustedBinary, "trusted-1": &r.Trusted1, "trusted-2": &r.Trusted2, "trusted-3": &r.Trusted3,
	}
}

// judge sets the status from the outputs. One that is missing leaves it at "not
// checked".
func (r *Result) judge() {
	r.Status = NotChecked
	for _, o := range r.outputs() {
		if o.Digest == "" {
			return
		}
	}
	switch {
	case r.Trusted2.Digest != r.Trusted3.Digest:
		r.Status = Unsettled
	case r.Trusted2.Digest == r.SuspectBinary.Digest:
		r.Status = Corresponds
	case r.Suspect1.Digest != r.SuspectBinary.Digest && r.Suspect2.Digest == r.Trusted2.Digest:
		r.Status = OnlyResults
	default:
		r.Status = Differs
	}
}

// SelfMade says whether the suspect gives itself when it compiles its source.
// An infection sees to it that it does.
func (r *Result) SelfMade() bool {
	return r.Suspect1.Digest != "" && r.Suspect1.Digest == r.SuspectBinary.Digest
}

// Sentence says in plain words what was established.
func (r *Result) Sentence() string {
	switch r.Status {
	case Corresponds:
		return "the suspect's binary is byte for byte what the trusted compiler makes of its source"
	case Differs:
		if r.SelfMade() {
			return "the suspect's binary is not what the trusted compiler makes of its source, although it gives itself: one of the two puts in what the source does not say"
		}
		return "the suspect's binary is not what the trusted compiler makes of its source, and what it makes of it is not either"
	case OnlyResults:
		return "what the suspect makes of its source is what the trusted compiler makes of it; the suspect's own binary came from elsewhere, and nothing is shown of it"
	case Unsettled:
		return "the trusted side gives something else each time it compiles the source: its results cannot be compared"
	}
	return "not checked"
}
