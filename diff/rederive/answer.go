package rederive

import (
	"fmt"
	"strings"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/diff"
)

// Step is one thing that was done to an image. All steps of an answer together
// turn the one image into the other.
type Step struct {
	Cause      string          `json:"cause"` // A1 to A8
	Text       string          `json:"text"`  // e.g. "recompressed: gzip level 6 → 9"
	From       string          `json:"from,omitempty"`
	To         string          `json:"to,omitempty"`
	Layers     []int           `json:"layers,omitempty"` // which layers, from 1; none when it is not about layers
	Confidence diff.Confidence `json:"confidence"`
	Evidence   string          `json:"evidence"`
	Fix        string          `json:"fix,omitempty"`
}

// Answer is what was found of the way from one image to another digest. The
// zero value says that nothing was tried.
type Answer struct {
	Wanted chain.Digest `json:"wanted"`
	// Found says that the steps explain the wanted digest completely. It is no
	// statement that the digests are equal: they are not.
	Found bool   `json:"found"`
	Steps []Step `json:"steps"`
	// Level is the deepest object at which the two are equal: the manifest when
	// only indexes differ, the diff IDs when what is around them does, the files
	// when the layers are cut otherwise.
	Level chain.Level `json:"level"`
	Like  string      `json:"like,omitempty"` // a tool that writes just this, e.g. "docker pull and push"
	Tried int         `json:"tried"`          // digests that were made and compared
	// Stopped says why not everything was tried; "" when it was.
	Stopped string   `json:"stopped,omitempty"`
	Against []string `json:"against,omitempty"` // what speaks against its being the same image; hostile text
}

// Confidence is that of the weakest step.
func (a *Answer) Confidence() diff.Confidence {
	if !a.Found || len(a.Steps) == 0 {
		return diff.Unexplained
	}
	c := diff.Proved
	for _, s := range a.Steps {
		c = min(c, s.Confidence)
	}
	return c
}

// Sentence says the answer in one line: "differs only by: annotations dropped;
// recompressed: gzip level 6 → 9 (as docker pull and push does; proved)".
func (a *Answer) Sentence() string {
	if !a.Found {
		s := "no known rewriting gives it"
		if len(a.Against) > 0 {
			s = "no rewriting: " + strings.Join(a.Against, "; ")
		}
		s += fmt.Sprintf(" (%d digests tried", a.Tried)
		if a.Stopped != "" {
			s += "; not all: " + a.Stopped
		}
		return s + ")"
	}
	var texts []string
	for _, s := range a.Steps {
		texts = append(texts, s.Text)
	}
	like := ""
	if a.Like != "" {
		like = "as " + a.Like + " does; "
	}
	return fmt.Sprintf("differs only by: %s (%s%s)", strings.Join(texts, "; "), like, a.Confidence())
}

func (a *Answer) add(s Step) { a.Steps = append(a.Steps, s) }

func (a *Answer) against(format string, args ...any) {
	a.Against = append(a.Against, fmt.Sprintf(format, args...))
}

// Options bound and guide the search. The zero value has the default bounds and
// no hints.
type Options struct {
	// Names and Versions are what exporters may have written into annotations,
	// e.g. "core-zlib" and "1.3.1"; those that the image states are always tried.
	Names    []string
	Versions []string
	// Revisions are commits that exporters of before 2025 wrote into annotations.
	Revisions []string

	// Read says that the caller has read and verified the layers of both images.
	Read bool

	Digests int   // that are made and compared: 2 million
	Encoded int64 // bytes that are fed to encoders, of all layers and settings: 8 GiB; negative for none

	treesEqual bool // the caller compared the effective file systems
	hides      bool // and found that layers hold entries that are not in them

	Progress func(what string) // called as the search goes on; may be nil
}

func (o Options) complete() Options {
	if o.Digests <= 0 {
		o.Digests = 2_000_000
	}
	if o.Encoded == 0 {
		o.Encoded = 8 << 30
	}
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	return o
}
