package rebuild

import (
	"fmt"
	"strings"

	"github.com/stagescope/stagescope/chain"
)

// Status is what a rebuild established. The zero value is that nothing was.
type Status int

// The statuses.
const (
	NotChecked  Status = iota
	Reproduced         // every claim that could be compared is of these bytes, and there is one
	Differs            // some claim is of other bytes
	NoClaim            // an image came out; nobody says what it should be
	Failed             // no image came out
	Interrupted        // the build was stopped
	NotBuilt           // something that it needs is not there
)

var statusNames = [...]string{"not checked", "reproduced", "differs", "no claim", "failed", "interrupted", "not built"}

func (s Status) String() string { return statusNames[s] }

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

// Verdict is what comparing an image with every claim gave.
type Verdict struct {
	Status   Status       `json:"status"`
	Compared []Comparison `json:"compared"` // one per claim
	Notes    []string     `json:"notes,omitempty"`
}

// Comparison is one claim beside the image that was built.
type Comparison struct {
	Claim  chain.Digest `json:"claim"`
	Level  chain.Level  `json:"level"` // what the claim is a digest of
	Origin string       `json:"origin"`
	Line   int          `json:"line,omitempty"`
	Own    chain.Digest `json:"own"` // ours at that level; "" when it was not computed
	Equal  bool         `json:"equal"`
	// Agrees is the level at which the two images are equal all the same, where
	// the claimed image is at hand and the claim itself does not match.
	Agrees chain.Level `json:"agrees,omitzero"`
	Image  string      `json:"image,omitempty"` // reference of the claimed image, where it is at hand
	Note   string      `json:"note,omitempty"`  // why nothing, or not everything, was compared
}

// differs says that the claim could be compared and is of other bytes.
func (c *Comparison) differs() bool {
	return !c.Equal && c.Own != "" && c.Claim != "" && c.Level != chain.LevelUnknown
}

// Where is the place that makes the claim: "digests/core.txt:7".
func (c Comparison) Where() string {
	if c.Line > 0 {
		return fmt.Sprintf("%s:%d", c.Origin, c.Line)
	}
	return c.Origin
}

// Digests are an image's digests at all levels that were computed from its
// bytes; the others are "".
type Digests struct {
	Index    chain.Digest `json:"index,omitempty"`
	Manifest chain.Digest `json:"manifest,omitempty"`
	Rootfs   chain.Digest `json:"rootfs,omitempty"`
	Files    chain.Digest `json:"files,omitempty"`
}

// At is the digest at a level, or "".
func (d Digests) At(l chain.Level) chain.Digest {
	switch l {
	case chain.LevelIndex:
		return d.Index
	case chain.LevelManifest:
		return d.Manifest
	case chain.LevelRootfs:
		return d.Rootfs
	case chain.LevelFiles:
		return d.Files
	}
	return ""
}

// judge compares digests that were computed from bytes with claims. A claim
// that cannot be compared is never taken for a match.
func judge(own Digests, claims []chain.Claimed) Verdict {
	v := Verdict{Compared: []Comparison{}}
	equal, differ := 0, 0
	for _, c := range claims {
		x := Comparison{Claim: c.Digest, Level: c.Level, Origin: c.Origin, Line: c.Line, Own: own.At(c.Level)}
		switch {
		case c.Digest == "" || c.Level == chain.LevelUnknown:
			x.Note = "the claim does not say what it is a digest of"
		case x.Own == "":
			x.Note = fmt.Sprintf("the image has no %s digest to compare", c.Level)
		case x.Own == c.Digest:
			x.Equal = true
			equal++
		default:
			differ++
		}
		v.Compared = append(v.Compared, x)
	}
	switch {
	case differ > 0:
		v.Status = Differs
	case equal > 0:
		v.Status = Reproduced
	case own.Manifest != "" && len(claims) == 0:
		v.Status = NoClaim
	}
	return v
}

// Matched is the first claim that the image matches, or nil.
func (v *Verdict) Matched() *Comparison {
	for i := range v.Compared {
		if v.Compared[i].Equal {
			return &v.Compared[i]
		}
	}
	return nil
}

// Differing is the first claim that the image contradicts, or nil.
func (v *Verdict) Differing() *Comparison {
	for i := range v.Compared {
		if c := &v.Compared[i]; c.differs() {
			return c
		}
	}
	return nil
}

// Sentence says in plain words what was established.
func (v *Verdict) Sentence() string {
	switch v.Status {
	case Reproduced:
		m := v.Matched()
		return fmt.Sprintf("reproduced: %s %s is what %s says", m.Level, m.Claim, m.Where())
	case Differs:
		d := v.Differing()
		text := fmt.Sprintf("differs: %s %s, but %s says %s", d.Level, d.Own, d.Where(), d.Claim)
		if d.Agrees != chain.LevelUnknown {
			text += fmt.Sprintf("; the %s is the same", d.Agrees)
		}
		if m := v.Matched(); m != nil {
			text += fmt.Sprintf("; it matches %s", m.Where())
		}
		return text
	case NoClaim:
		return "built, but nobody claims a digest to compare it with"
	case NotChecked:
		var why []string
		for _, c := range v.Compared {
			if c.Note != "" {
				why = append(why, c.Where()+": "+c.Note)
			}
		}
		return strings.TrimSuffix("not checked: "+strings.Join(why, "; "), ": ")
	}
	return v.Status.String()
}
