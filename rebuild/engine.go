package rebuild

import (
	"context"
	"io"
	"io/fs"
	"time"

	"github.com/stagescope/stagescope/chain"
)

// Engine runs recipes. Implementations are safe for concurrent use.
type Engine interface {
	// Build runs the recipe and writes the image to r.Output as an OCI layout in
	// a tar stream. It returns after the last byte was written. On error nothing
	// that was written may be used. A failing step gives a *StepError.
	Build(ctx context.Context, r *Request, p Progress) (*Built, error)

	// Describe says what the engine is. It fails when the engine cannot be reached.
	Describe(ctx context.Context) (EngineInfo, error)

	// Close ends the engine. For an embedded one no process and no mount is left.
	Close() error
}

// EngineInfo describes an engine for a result's record of its environment.
type EngineInfo struct {
	Address     string   `json:"address"` // "embedded" or a BuildKit address
	BuildKit    string   `json:"buildkit"`
	Snapshotter string   `json:"snapshotter,omitempty"`
	Executor    string   `json:"executor,omitempty"`  // "sandbox", "runc", "" when unknown
	Mode        string   `json:"mode,omitempty"`      // root, single (one uid), range (newuidmap), "" when remote
	Platforms   []string `json:"platforms,omitempty"` // platforms the workers offer
}

// Request is a recipe in a form that needs no tree any more.
type Request struct {
	Stage         string // for names and errors
	Context       fs.FS  // main build context; modes reach the builder as git keeps them
	Containerfile string // path inside Context
	Target        string // "" means the last build stage
	Platforms     []string
	BuildArgs     []chain.Arg
	Contexts      map[string]fs.FS // further named contexts, e.g. "fetch"
	Images        []InputImage     // images that FROM and COPY --from name
	Steps         []chain.Step     // for naming progress; may be empty
	Exporter      chain.Exporter
	NoCache       bool
	StepDigests   bool // ask for a digest of what each step changed
	Variation     Variation
	Output        io.Writer
}

// InputImage is an image that the recipe builds on, served from an OCI layout
// on disk by digest; it is never looked up in a registry.
type InputImage struct {
	Name   string       // as the Containerfile writes it, e.g. "stagex/core-musl"
	Layout string       // directory of the OCI layout
	Digest chain.Digest // of its index or manifest in that layout
}

// Built is what a build gave.
type Built struct {
	Index    chain.Digest // digest of the exported index; "" when the exporter wrote none
	Steps    []StepDigest
	Engine   EngineInfo
	Started  time.Time
	Finished time.Time
}

// StepDigest is the digest of what one step changed in the file system,
// modification times left out.
type StepDigest struct {
	Step    int          `json:"step"` // index into Request.Steps
	Name    string       `json:"name"`
	Digest  chain.Digest `json:"digest"`
	Changed int          `json:"changed"` // entries the step wrote or removed
	Seconds float64      `json:"seconds"`
	Cached  bool         `json:"cached,omitempty"`
	// Programs are the executable files that the step wrote, by path; none are
	// recorded of a step that wrote more than MaxPrograms.
	Programs []Program `json:"programs,omitempty"`
}

// MaxPrograms bounds the programs that are recorded of one step. Steps that make
// one tool after the other write fewer, those that install a distribution more.
const MaxPrograms = 256

// Program is an executable file that a step wrote.
type Program struct {
	Path   string       `json:"path"` // without a leading slash
	Size   int64        `json:"size"` // bytes
	Digest chain.Digest `json:"digest"`
}

// Variation is what may be changed between two trials of one recipe without
// changing the recipe. The zero value is the standard environment.
type Variation struct {
	Hostname    string   `json:"hostname,omitempty"`
	Umask       *int     `json:"umask,omitempty"`
	CPUs        []int    `json:"cpus,omitempty"`        // processors the step may run on
	Personality uint32   `json:"personality,omitempty"` // personality(2)
	Env         []string `json:"env,omitempty"`         // K=V, forced at exec only
	LastPID     int      `json:"lastPid,omitempty"`     // ns_last_pid before exec
	Nofile      uint64   `json:"nofile,omitempty"`
}

// StepError reports a step that ended with a code other than 0.
type StepError struct {
	Stage    string
	Step     int    // index into Request.Steps, -1 when it could not be matched
	Name     string // the instruction
	Line     int    // line of the Containerfile, 0 when unknown
	ExitCode int
	Tail     []string // last lines the step printed
}

// EventKind says what an Event reports.
type EventKind int

// The kinds of events.
const (
	EventStart EventKind = iota // a vertex began
	EventDone                   // it ended well
	EventCached
	EventFailed // Err says why
	EventLog    // Data holds output of the vertex
)

// Event is one piece of progress of a build.
type Event struct {
	Time   time.Time
	Kind   EventKind
	Vertex string // identifies the vertex within this build
	Name   string // e.g. "[build 3/9] RUN make"
	Step   int    // index into Request.Steps, -1 when it is no RUN of the recipe
	Stream int    // 1 or 2, for EventLog
	Data   []byte // for EventLog; only valid during the call
	Err    string // for EventFailed
}

// Progress receives events, one at a time, in order. It must not block.
type Progress func(Event)
