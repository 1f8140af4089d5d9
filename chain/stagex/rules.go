package stagex

import (
	"io/fs"
	"strings"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/containerfile"
)

// rules are what changed between releases and reaches a digest or an edge. They
// are read off the tree's own scripts, never off a directory's name.
type rules struct {
	era            string
	level          chain.Level // what digests/*.txt holds digests of
	checkArg       bool        // BUILDKIT_DOCKERFILE_CHECK is passed as a build argument
	epochArgs      bool        // SOURCE_DATE_EPOCH and BUILDKIT_MULTI_PLATFORM are build arguments
	versionParts   bool        // VERSION_MAJOR, _MAJOR_MINOR, _STRIP_SUFFIX
	gitSHA         bool        // <SOURCE>_GIT_SHA
	leakyVersions  bool        // a source without version takes the previous source's
	stagePrefix    bool        // exporter name and annotation carry "<tier>-"
	distribution   bool        // annotations distribution.source and created
	revision       bool        // annotation revision: the last commit that touched the package
	crossPlatform  bool        // FROM --platform=linux/386 counts as a dependency
	subpackages    bool
	versionFrom    bool // version_from is followed
	digestsCrash   bool // digests.py crashes on a preseeded layout instead of skipping it
	provenanceFlag bool
	missing        []string // inputs of every digest that the tree alone does not give
}

// newest are the rules of 2026.01.0 on, and of a tree without scripts.
var newest = rules{
	era: "stagex/2026.01", level: chain.LevelManifest, checkArg: true, epochArgs: true, versionParts: true,
	gitSHA: true, stagePrefix: true, distribution: true, crossPlatform: true, subpackages: true, versionFrom: true, provenanceFlag: true,
}

// readRules finds the tree's rules in src/targets.py, src/common.py and
// src/digests.py.
func readRules(fsys fs.FS) rules {
	targets, err := containerfile.ReadFile(fsys, "src/targets.py")
	if err != nil {
		return newest
	}
	digests, _ := containerfile.ReadFile(fsys, "src/digests.py")
	common, _ := containerfile.ReadFile(fsys, "src/common.py")
	has := func(s string) bool { return strings.Contains(string(targets), s) }
	r := rules{
		level:          chain.LevelIndex,
		checkArg:       has("BUILDKIT_DOCKERFILE_CHECK"),
		epochArgs:      has("--build-arg SOURCE_DATE_EPOCH"),
		versionParts:   has("VERSION_MAJOR="),
		gitSHA:         has("_GIT_SHA="),
		leakyVersions:  has(".get('version',version)"),
		stagePrefix:    has("name={stage}-{name},type=oci"),
		distribution:   has("distribution.source"),
		revision:       has("image.revision"),
		crossPlatform:  has("FROM --platform=linux/386 stagex/"),
		subpackages:    strings.Contains(string(common), "subpackages") || has("subpackages"),
		versionFrom:    has("version_from"),
		digestsCrash:   !strings.Contains(string(digests), "except"),
		provenanceFlag: has("--provenance=false"),
	}
	if strings.Count(string(digests), `["manifests"]`)+strings.Count(string(digests), `['manifests']`) > 1 {
		r.level = chain.LevelManifest
	}
	if r.revision {
		r.missing = append(r.missing, "the git commit that last touched each package (annotation org.opencontainers.image.revision)")
	}
	if !r.provenanceFlag {
		// Whether the builder then adds an attestation, and so an index, depends
		// on its version and driver: the level cannot be told from the tree.
		r.level = chain.LevelUnknown
		r.missing = append(r.missing, "whether the builder of that time added a provenance attestation")
	}
	r.era = r.name()
	return r
}

// name is the first release whose rules these are, as far as rules that reach
// a digest go.
func (r rules) name() string {
	switch {
	case r.stagePrefix:
		return "stagex/2026.01"
	case r.level == chain.LevelManifest:
		return "stagex/2025.06.1"
	case r.distribution:
		return "stagex/2025.03"
	case r.epochArgs:
		return "stagex/2025.02"
	}
	return "stagex/2024.12"
}

// exporter gives the exporter settings of one stage.
func (r rules) exporter(tier, name, tag, dir string) chain.Exporter {
	image := name
	if r.stagePrefix {
		image = tier + "-" + name
	}
	e := chain.Exporter{
		Era: r.era, ImageName: image, RewriteTimestamp: true, ForceCompression: true,
		MultiPlatform: r.epochArgs, NofileSoft: 2048, NofileHard: 16384,
	}
	if r.distribution {
		e.Annotations = append(e.Annotations, chain.Arg{Name: "containerd.io/distribution.source.docker.io", Value: "stagex/" + image})
	}
	e.Annotations = append(e.Annotations, chain.Arg{Name: "org.opencontainers.image.version", Value: tag})
	if r.distribution {
		e.Annotations = append(e.Annotations, chain.Arg{Name: "org.opencontainers.image.created", Value: "1970-01-01T00:00:01Z"})
	}
	for _, m := range r.missing {
		e.MissingInputs = append(e.MissingInputs, strings.Replace(m, "each package", dir, 1))
	}
	return e
}
