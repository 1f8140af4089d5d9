package expect

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"github.com/stagescope/stagescope/diff"
)

// Permit is one entry of a file: differences that somebody answers for.
//
//	[[expect]]
//	path = "usr/share/doc/**"    # a pattern, as diff.Glob reads it
//	kind = "text"                # of the node; may be left out
//	cause = "D1a"                # identifier of the one cause permitted; may be left out
//	reason = "the manual carries its date until tool 3.1"
//	owner = "alice@example.org"
//	until = 2027-01-31           # the last day on which it counts
type Permit struct {
	Path   string
	Kind   diff.Kind
	Cause  string
	Reason string
	Owner  string
	Until  time.Time // the end of its last day, UTC

	Number int // in its file, from 1
	Found  int // how many differences it permits, once it was applied
}

// File is what one file permits.
type File struct {
	Name    string
	Permits []*Permit
}

// MaxSize bounds a file of permits, in bytes.
const MaxSize = 4 << 20

type document struct {
	Expect []struct {
		Path   string          `toml:"path"`
		Kind   string          `toml:"kind"`
		Cause  string          `toml:"cause"`
		Reason string          `toml:"reason"`
		Owner  string          `toml:"owner"`
		Until  *toml.LocalDate `toml:"until"`
	} `toml:"expect"`
}

// Parse reads a file. A key that is not known, and an entry without reason,
// owner or last day, is an error: what nobody answers for is not permitted.
func Parse(name string, data []byte) (*File, error) {
	if len(data) > MaxSize {
		return nil, fmt.Errorf("reading %q: it has more than %d bytes", name, MaxSize)
	}
	var d document
	dec := toml.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&d); err != nil {
		return nil, tomlError(name, err)
	}
	f := &File{Name: name}
	for i, e := range d.Expect {
		p := &Permit{Path: e.Path, Kind: diff.Kind(e.Kind), Cause: e.Cause, Reason: strings.TrimSpace(e.Reason), Owner: strings.TrimSpace(e.Owner), Number: i + 1}
		if e.Until != nil {
			p.Until = e.Until.AsTime(time.UTC).AddDate(0, 0, 1)
		}
		if err := p.check(); err != nil {
			return nil, fmt.Errorf("reading %q: entry %d: %w", name, i+1, err)
		}
		f.Permits = append(f.Permits, p)
	}
	return f, nil
}

// tomlError says where a file is wrong.
func tomlError(name string, err error) error {
	var strict *toml.StrictMissingError
	if errors.As(err, &strict) && len(strict.Errors) > 0 {
		row, _ := strict.Errors[0].Position()
		return fmt.Errorf("reading %q: line %d: the key %q is not known", name, row, strings.Join(strict.Errors[0].Key(), "."))
	}
	var syntax *toml.DecodeError
	if errors.As(err, &syntax) {
		row, column := syntax.Position()
		return fmt.Errorf("reading %q: line %d, column %d: %w", name, row, column, err)
	}
	return fmt.Errorf("reading %q: %w", name, err)
}

func (p *Permit) check() error {
	switch {
	case p.Path == "":
		return errors.New("it has no path; \"**\" is every path")
	case p.Reason == "":
		return errors.New("it has no reason")
	case p.Owner == "":
		return errors.New("it has no owner, who answers for it")
	case p.Until.IsZero():
		return errors.New("it has no last day, as in until = 2027-01-31")
	}
	return diff.CheckGlob(p.Path)
}

// LastDay is the last day on which the permit counts, as 2027-01-31.
func (p *Permit) LastDay() string { return p.Until.AddDate(0, 0, -1).Format(time.DateOnly) }

// expired reports whether the permit counts no more.
func (p *Permit) expired(now time.Time) bool { return !now.Before(p.Until) }
