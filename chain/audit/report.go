package audit

import (
	"slices"

	"github.com/stagescope/stagescope/chain"
)

// Report says where trust ends for some stages of a chain and all below them.
// What is in no list was either looked at and found in order, or is in Gaps.
type Report struct {
	Subject  string        `json:"subject"`          // what was audited: a chain, stages, a file or an image
	Stages   []string      `json:"stages"`           // stages examined, those asked for and all below, in chain order
	Roots    []Root        `json:"roots"`            // images that are no stages, and images that could be resolved
	Seeds    []Seed        `json:"seeds"`            // binaries that root stages begin with
	Binaries []Binary      `json:"binaries"`         // further binary files in the tree
	Encoded  []Binary      `json:"encoded"`          // text files with long runs of encoded data
	Unpinned []Input       `json:"unpinned"`         // inputs that nothing holds to one content
	Network  []Input       `json:"network"`          // sources that the builder itself would fetch
	Steps    []NetworkStep `json:"networkSteps"`     // steps that do not give up the network
	Sources  SourceReport  `json:"sources"`          // what is known of the pinned sources
	Files    int           `json:"files"`            // files of the tree that were looked at
	Outside  []string      `json:"outside"`          // trusted always, and outside the chain
	Gaps     []Gap         `json:"gaps"`             // what was not checked
	Path     []string      `json:"path,omitempty"`   // for one stage: one way from a root stage up to it
	Ladder   []Rung        `json:"ladder,omitempty"` // for one stage: from the seed to it, by what compiles what
	Answers  []StageAnswer `json:"stageAnswers"`     // per stage: what is known of its source
}

// RootKind says what an image that a recipe names turned out to be.
type RootKind string

// The kinds of roots.
const (
	RootOpaque     RootKind = "opaque"      // no stage of the chain: no source below it is known
	RootStage      RootKind = "stage"       // a stage of the chain
	RootNotChecked RootKind = "not checked" // it could not be told
)

// Root is an image that something is built from.
type Root struct {
	Kind   RootKind     `json:"kind"`
	Name   string       `json:"name"`             // as written, variables expanded
	Digest chain.Digest `json:"digest,omitempty"` // that it is pinned to or has
	Stage  string       `json:"stage,omitempty"`  // the stage that it is
	By     string       `json:"by,omitempty"`     // the stage that names it
	File   string       `json:"file,omitempty"`
	Line   int          `json:"line,omitempty"`
	How    string       `json:"how"`   // the instruction: FROM, COPY --from, RUN --mount, "# syntax"
	Above  int          `json:"above"` // stages with no source below here because of it, the naming one included
	Why    string       `json:"why"`
}

// Input is something that a build takes from outside the tree.
type Input struct {
	Stage string `json:"stage,omitempty"`
	File  string `json:"file"`
	Line  int    `json:"line"`
	What  string `json:"what"`
	Pin   string `json:"pin,omitempty"`
}

// NetworkStep is a RUN that the builder would give a network.
type NetworkStep struct {
	Stages  []string `json:"stages,omitempty"`
	File    string   `json:"file"`
	Line    int      `json:"line"`
	Name    string   `json:"name"`
	Network string   `json:"network"` // "default" or "host"
}

// Gap is something that was not checked, so that nothing may be concluded from
// its absence in the report.
type Gap struct {
	Stage string `json:"stage,omitempty"`
	What  string `json:"what"`
	Why   string `json:"why"`
}

// Opaque gives the roots below which no source is known.
func (r *Report) Opaque() []Root {
	var out []Root
	for _, root := range r.Roots {
		if root.Kind == RootOpaque {
			out = append(out, root)
		}
	}
	return out
}

// Complete reports whether everything that decides about roots was looked at.
// Sources that were not opened do not count: they are reported as such.
func (r *Report) Complete() bool {
	return len(r.Gaps) == 0 && !slices.ContainsFunc(r.Roots, func(root Root) bool { return root.Kind == RootNotChecked })
}

// outside is what every chain rests on beside its own files.
var outside = []string{
	"the Linux kernel and the firmware below it",
	"the CPU",
	"BuildKit, which runs the recipes and writes the images",
	"this program, and the Go toolchain that built it",
}
