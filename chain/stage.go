package chain

// Stage is one node of the chain: a recipe that yields one OCI image.
type Stage struct {
	ID      string // "<tier>-<name>", unique in the chain
	Tier    string // bootstrap, core, pallet, user
	Name    string // what follows the tier in ID
	Package string // name of the package that yields it; differs from Name for a subpackage
	Version string // "" when the recipe has none; the tag is then "latest"

	Dir           string   // the package's directory, slash separated, relative to the tree's root
	Containerfile string   // path of the Containerfile, relative to the tree's root
	Target        string   // build stage to build; "" means the last one of the Containerfile
	Platforms     []string // as the recipe restricts them, e.g. "linux/386"; empty means any

	BuildArgs []Arg     // in the order in which the tree's own scripts pass them
	Sources   []Source  // pinned files from outside the tree
	Needs     []Need    // distinct stages that it builds on, in order of first mention
	Steps     []Step    // the RUNs that the target depends on, in execution order
	Exporter  Exporter  // how the image has to be written to get the published digest
	Published []Claimed // what the tree itself says the digest is; normally one
	Local     []Local   // images of it that lie in the tree, built or put there by someone; they claim nothing
	Broken    string    // why the stage cannot be built as loaded; "" when it can

	Description string
	License     string
	Website     string
}

// Digest is the first digest that the tree publishes for the stage, or "".
func (s *Stage) Digest() Digest {
	if len(s.Published) == 0 {
		return ""
	}
	return s.Published[0].Digest
}

// Tag is the image tag that the stage is published under.
func (s *Stage) Tag() string {
	if s.Version == "" {
		return "latest"
	}
	return s.Version
}

// Arg is one build argument.
type Arg struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Need is an edge of the chain: a stage whose image this one is built from.
type Need struct {
	ID   string // the stage, without pin
	Pin  string // ":tag" and/or "@sha256:…" as written, "" when not pinned
	Line int    // first line of the Containerfile that names it, 1-based
}

// Source is a file from outside the tree, pinned by SHA-256.
type Source struct {
	Name    string   // the key in package.toml
	File    string   // its name below fetch/, expanded
	Digest  Digest   // pinned SHA-256 of the whole file
	Mirrors []string // expanded URLs, in the order in which they are to be tried
	Version string
	Line    int // line of package.toml that declares it, 1-based
}

// Step is one RUN instruction of the recipe.
type Step struct {
	Index   int    // position in Stage.Steps, 0-based
	Line    int    // line of the Containerfile, 1-based
	Build   string // the build stage ("FROM … AS name") it belongs to; "" when unnamed
	Name    string // what a person recognises it by, e.g. "tcc-0.9.27: make install"
	Subject string // the release it works on, e.g. "gcc-13.1.0"; "" when not known
	Command string // the instruction's text, here-documents included, as written
	Network string // "none" when declared so, "" for the builder's default, "host"
}

// Exporter is how the image of a stage is written. The settings changed over
// StageX's releases, and each of them reaches the digest.
type Exporter struct {
	Era               string // name of the rules' era, e.g. "stagex/2026.01"
	ImageName         string // BuildKit's "name" attribute
	RewriteTimestamp  bool
	ForceCompression  bool
	Annotations       []Arg // in the order in which they are passed
	MultiPlatform     bool  // the manifest is wrapped in an index of its own
	Provenance        bool
	MissingInputs     []string // inputs the tree alone cannot give, e.g. "git commit of the last change to packages/…"
	NofileSoft        uint64   // RLIMIT_NOFILE of a step; 0 means the engine's default
	NofileHard        uint64
	CompatibilityNote string // which builder the digests of that era were made with, if it matters
}

// Claimed is a digest that someone gives for a stage's image.
type Claimed struct {
	Digest Digest
	Level  Level
	Origin string // who or what says so, e.g. "digests/bootstrap.txt"
	Line   int    // where in that file, 1-based; 0 when not a text file
}

// Local is an image of a stage in an OCI layout inside the tree.
type Local struct {
	Layout   string // directory of the layout, relative to the tree's root, e.g. "out/core-gcc"
	Index    Digest // of the index that wraps the manifest; "" when index.json names the manifest itself
	Manifest Digest
}
