package audit

import (
	"fmt"

	"github.com/stagescope/stagescope/chain"
)

// Known is what is known of a source, apart from whether the bytes that were
// built follow from it. The zero value is not checked.
type Known int

// What can be known, from nothing to the worst.
const (
	SourceNotChecked Known = iota
	SourcePinned           // one content, by hash; not looked into
	SourceEqual            // equal to its version-control tree
	SourceDiffers          // differs from its version-control tree
	SourceOpaque           // holds content that no one can read
)

var knownNames = [...]string{"not checked", "pinned", "equal to version control", "differs from version control", "holds opaque content"}

func (k Known) String() string { return knownNames[k] }

// MarshalText writes what is known in words, as JSON output carries it.
func (k Known) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// SourceAnswer is the second answer for one source file.
type SourceAnswer struct {
	Stage   string       `json:"stage"` // the first stage that takes it
	Name    string       `json:"name"`
	File    string       `json:"file"`
	Digest  chain.Digest `json:"digest,omitempty"`
	Known   Known        `json:"known"`
	Why     string       `json:"why,omitempty"`
	Archive *Opened      `json:"archive,omitempty"` // nil when it was not opened
	Against *Comparison  `json:"against,omitempty"` // nil when it was compared with nothing
}

// SourceReport counts what was done with the sources, and lists them.
type SourceReport struct {
	Total     int            `json:"total"`     // distinct files
	Pinned    int            `json:"pinned"`    // by SHA-256
	Opened    int            `json:"opened"`    // archives looked into as a whole
	NotOpened int            `json:"notOpened"` // not looked into, or not to the end
	Compared  int            `json:"compared"`  // with a version-control tree
	Answers   []SourceAnswer `json:"answers"`
}

// StageAnswer is the second answer for a stage: the worst of its own sources,
// and the worst of all sources below it. It says nothing of its bytes.
type StageAnswer struct {
	Stage   string `json:"stage"`
	Own     Known  `json:"own"`
	Below   Known  `json:"below"` // its own included
	Sources int    `json:"sources"`
	Why     string `json:"why,omitempty"`
}

// Locate gives the path of a source file on disk whose hash was verified; an
// error wrapping fs.ErrNotExist when it is not at hand.
type Locate func(*chain.Stage, chain.Source) (string, error)

// worse gives what is known of two sources together: a thing not checked makes
// the whole not checked, unless something worse was found.
func worse(a, b Known) Known {
	rank := func(k Known) int {
		switch k {
		case SourceEqual:
			return 0
		case SourcePinned:
			return 1
		case SourceNotChecked:
			return 2
		}
		return 1 + int(k)
	}
	if rank(b) > rank(a) {
		return b
	}
	return a
}

// sources fills the report's answers for the sources of the examined stages.
func (a *auditor) sources(stages []*chain.Stage) {
	r := &a.report.Sources
	r.Answers = []SourceAnswer{}
	seen := map[string]int{}
	for _, s := range stages {
		for _, src := range s.Sources {
			key := string(src.Digest) + "\x00" + src.File
			if _, ok := seen[key]; ok {
				continue
			}
			seen[key] = len(r.Answers)
			answer := a.source(s, src)
			r.Total++
			if src.Digest != "" {
				r.Pinned++
			}
			switch {
			case answer.Archive != nil && answer.Archive.Whole:
				r.Opened++
			default:
				r.NotOpened++
			}
			if answer.Against != nil {
				r.Compared++
			}
			r.Answers = append(r.Answers, answer)
		}
	}
	a.stageAnswers(stages, seen)
}

func (a *auditor) source(s *chain.Stage, src chain.Source) SourceAnswer {
	answer := SourceAnswer{Stage: s.ID, Name: src.Name, File: src.File, Digest: src.Digest}
	if src.Digest == "" {
		a.report.Unpinned = append(a.report.Unpinned, Input{Stage: s.ID, File: s.Dir + "/package.toml", Line: src.Line, What: "source " + src.Name})
		answer.Why = "nothing pins its content"
		return answer
	}
	answer.Known = SourcePinned
	if a.options.Locate == nil {
		answer.Why = "the archive was not opened"
		return answer
	}
	file, err := a.options.Locate(s, src)
	if err != nil {
		answer.Why = fmt.Sprintf("the archive was not opened: %v", err)
		return answer
	}
	opened := OpenArchive(file, src.File)
	answer.Archive = &opened
	if answer.Why = opened.Why; opened.Whole {
		answer.Why = "all in it is text; it was compared with nothing"
	}
	if len(opened.Binaries) > 0 {
		answer.Known = SourceOpaque
		answer.Why = fmt.Sprintf("%d files in it cannot be read by a person, %d of them code", opened.Opaque, opened.Code)
	}
	if dir, ok := a.options.VersionControl[src.Name]; ok {
		a.against(&answer, file, dir)
	}
	return answer
}

func (a *auditor) against(answer *SourceAnswer, file, dir string) {
	got, err := Compare(file, answer.File, dir)
	if err != nil {
		a.report.Gaps = append(a.report.Gaps, Gap{Stage: answer.Stage, What: "comparison of " + answer.File + " with " + dir, Why: err.Error()})
		return
	}
	answer.Against = &got
	switch {
	case !got.Equal():
		answer.Known = worse(answer.Known, SourceDiffers)
		if answer.Known == SourceDiffers {
			answer.Why = got.Summary()
		} else {
			answer.Why += "; " + got.Summary()
		}
	case answer.Known == SourcePinned:
		answer.Known, answer.Why = SourceEqual, ""
	}
}

// Pins is what is known of a stage's own sources without opening any of them.
func Pins(s *chain.Stage) (Known, string) {
	if s.Broken != "" {
		return SourceNotChecked, s.Broken
	}
	for _, src := range s.Sources {
		if src.Digest == "" {
			return SourceNotChecked, src.Name + ": nothing pins its content"
		}
	}
	return SourcePinned, ""
}

// stageAnswers gives every stage the worst of its sources and of those below.
func (a *auditor) stageAnswers(stages []*chain.Stage, seen map[string]int) {
	own := map[string]StageAnswer{}
	a.report.Answers = []StageAnswer{}
	for _, s := range stages {
		// A recipe is text in the tree: a stage without sources is as well known
		// as its recipe, which is pinned by the checkout.
		answer := StageAnswer{Stage: s.ID, Own: SourcePinned, Sources: len(s.Sources)}
		if len(s.Sources) > 0 {
			answer.Own = SourceEqual
		}
		for _, src := range s.Sources {
			k := a.report.Sources.Answers[seen[string(src.Digest)+"\x00"+src.File]]
			if w := worse(answer.Own, k.Known); w != answer.Own {
				answer.Own, answer.Why = w, src.Name+": "+k.Why
			}
		}
		if s.Broken != "" {
			answer.Own, answer.Why = worse(answer.Own, SourceNotChecked), s.Broken
		}
		answer.Below = answer.Own
		for _, n := range a.chain.Needs(s.ID) { // chain order: they are done already
			if below, ok := own[n.ID]; ok {
				answer.Below = worse(answer.Below, below.Below)
			}
		}
		own[s.ID] = answer
		a.report.Answers = append(a.report.Answers, answer)
	}
}
