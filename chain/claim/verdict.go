package claim

import (
	"fmt"
	"strings"

	"github.com/stagescope/stagescope/chain"
)

// Status is what the claims about a stage establish. The zero value is that
// nothing was established.
type Status uint8

// The statuses.
const (
	StatusNotChecked Status = iota
	Unclaimed               // nobody says that they built it; a tree or a registry may publish a digest
	Seed                    // no one builds it: it is audited, not reproduced
	Signed                  // signed by persons who do not say how they built it
	SelfOnly                // rebuilt here; no one else is known to have done so
	Single                  // rebuilt by others and agreed, but by fewer persons or vendors than the policy asks for
	Reproduced              // the policy is met and no one dissents
	Equivalent              // outputs differ, and differ only by established causes
	Reconverged             // built from disputed inputs of more than one side, and yet one output
	Flaky                   // one builder with the same inputs gets several outputs
	Failed                  // whoever tried got nothing
	Tainted                 // built from a disputed or tainted input
	Disputed                // claims contradict each other
)

var statusNames = [...]string{"not checked", "unclaimed", "seed", "signed", "self only", "single", "reproduced",
	"equivalent", "reconverged", "flaky", "failed", "tainted", "disputed"}

func (s Status) String() string { return nameOf(statusNames[:], int(s)) }

// MarshalText writes the status's name, as JSON output carries it.
func (s Status) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText is the inverse of MarshalText.
func (s *Status) UnmarshalText(b []byte) error {
	i, err := indexOf(statusNames[:], "status", b)
	*s = Status(i)
	return err
}

// Verdict is what the claims about one stage establish.
type Verdict struct {
	Stage  string       `json:"stage"`
	Recipe chain.Digest `json:"recipe,omitempty"`
	Status Status       `json:"status"`

	// Met says that the stage satisfies the policy. A status alone never does:
	// Reproduced is always met; Single, Signed, Equivalent, Reconverged, Flaky and
	// Disputed are where the policy says so.
	Met   bool     `json:"met"`
	Lacks []string `json:"lacks,omitempty"` // what the policy asks for and is not there

	Output   Output      `json:"output,omitzero"` // what is agreed; empty when disputed or unknown
	Level    chain.Level `json:"level,omitzero"`  // at which it was compared
	Persons  int         `json:"persons"`         // distinct persons that count, you included
	Vendors  int         `json:"cpuVendors"`      // distinct CPU vendors among them
	Signers  int         `json:"signers"`         // distinct persons whose signature carries no environment
	Groups   []Group     `json:"groups,omitempty"`
	Taint    []string    `json:"taint,omitempty"` // stages from which it comes: of Tainted, and of an inherited dispute
	From     []string    `json:"from,omitempty"`  // direct needs that hand it on
	Own      bool        `json:"own,omitempty"`   // of Disputed: equal inputs gave different outputs
	Assumed  []string    `json:"assumed,omitempty"`
	Rate     float64     `json:"rate,omitempty"`   // of Flaky: share of trials that gave the most frequent output
	Trials   int         `json:"trials,omitempty"` // of Flaky: how many
	Causes   []string    `json:"causes,omitempty"` // of Equivalent
	Flags    []Flag      `json:"flags,omitempty"`
	Question []Question  `json:"questions,omitempty"` // pairs that a re-derivation may settle
	Skipped  int         `json:"skipped"`             // claims that could not be verified, and count for nothing
}

// Group is the claims that agree with each other on one output.
type Group struct {
	Output   Output   `json:"output"`
	Parties  []string `json:"parties"`          // whose claims state the output at the level compared, sorted
	Beside   []string `json:"beside,omitempty"` // whose claims agree at another level only; they do not count
	Persons  int      `json:"persons"`
	Vendors  int      `json:"cpuVendors"`
	Signers  int      `json:"signers"`
	Claims   int      `json:"claims"`
	Accepted bool     `json:"accepted,omitempty"` // the policy warns of dissent only, and this side meets it
}

// FlagKind is what a flag is about.
type FlagKind uint8

// The flags.
const (
	FlagNone          FlagKind = iota
	FlagEquivocation           // one party states two outputs for equal inputs
	FlagContradiction          // claims agree on a digest and differ on what that digest commits to
	FlagEqualOutput            // two recipes, one output
	FlagReplay                 // a claim for this release is of another recipe
	FlagDissent                // a dissent that does not block: unverified, or the policy only warns
	FlagFailed                 // someone could not build it
	FlagIntermittent           // fewer trials were identical than were made
	FlagPulled                 // a claim of bytes that were fetched, not built
	FlagSamePerson             // several claims of one person, counted once
	FlagStale                  // older than the policy's maximum age, not counted
	FlagIncomparable           // a digest at a level that nothing else states
	FlagLegacy                 // a form that only older rules accept
	FlagMachine                // evidence of a class that the policy does not count
	FlagRefused                // a claim that is wrong in itself
	FlagUniform                // the policy is met, by builds that are more alike than it prefers
)

var flagNames = [...]string{"none", "equivocation", "contradiction", "equal output", "replay", "dissent", "failed build",
	"intermittent", "pulled", "same person", "stale", "incomparable", "legacy", "not counted", "refused", "uniform"}

func (k FlagKind) String() string { return nameOf(flagNames[:], int(k)) }

// MarshalText writes the flag's name, as JSON output carries it.
func (k FlagKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText is the inverse of MarshalText.
func (k *FlagKind) UnmarshalText(b []byte) error {
	i, err := indexOf(flagNames[:], "flag", b)
	*k = FlagKind(i)
	return err
}

// Flag is something about a stage's claims that a person should see.
type Flag struct {
	Kind    FlagKind `json:"kind"`
	Text    string   `json:"text"`
	Parties []string `json:"parties,omitempty"`
	Bundles []Digest `json:"bundles,omitempty"`
}

// Question is a pair of outputs that may be one image in two wrappings: deriving
// one from the other would settle it.
type Question struct {
	A     Output      `json:"a"`
	B     Output      `json:"b"`
	Level chain.Level `json:"level"` // the innermost level at which the claims state equal digests; unknown when none
	Text  string      `json:"text"`
}

// Equivalence is that two images were shown to differ by known causes only.
type Equivalence struct {
	A      chain.Digest `json:"a"` // manifests
	B      chain.Digest `json:"b"`
	Level  chain.Level  `json:"level"` // at which they are equal
	Causes []string     `json:"causes,omitempty"`
}

// Sentence says in plain words what was established.
func (v *Verdict) Sentence() string {
	switch v.Status {
	case Unclaimed:
		return "nobody says that they built it"
	case Seed:
		return "a seed: audited, not built"
	case Signed:
		return fmt.Sprintf("signed by %s, environment unknown", count(v.Signers, "person"))
	case SelfOnly:
		return "rebuilt by you only"
	case Single, Reproduced:
		s := fmt.Sprintf("rebuilt by %s on %s, who agree", count(v.Persons, "person"), count(v.Vendors, "CPU vendor"))
		if len(v.Lacks) > 0 {
			s += "; the policy lacks " + strings.Join(v.Lacks, ", ")
		}
		return s
	case Equivalent:
		return fmt.Sprintf("outputs differ, equal at the level of %s: %s", v.Level, strings.Join(v.Causes, ", "))
	case Reconverged:
		return fmt.Sprintf("one output from disputed inputs (%s)", strings.Join(v.From, ", "))
	case Flaky:
		return fmt.Sprintf("one builder gets several outputs: %.0f%% of %d trials agree", 100*v.Rate, v.Trials)
	case Failed:
		return "whoever tried could not build it"
	case Tainted:
		return "built from what is disputed at " + strings.Join(v.Taint, ", ")
	case Disputed:
		if v.Own {
			return fmt.Sprintf("disputed: equal inputs, %d outputs", len(v.Groups))
		}
		return "disputed, as its inputs are at " + strings.Join(v.Taint, ", ")
	}
	return "not checked"
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
