package stagex

import (
	"fmt"
	"strings"

	"github.com/stagescope/stagescope/chain"
)

// buildArgs gives the build arguments of a package in the order in which the
// tree's generator passes them.
func (r rules) buildArgs(p *packageFile, version string, fault func(line int, rule, text string)) []chain.Arg {
	var args []chain.Arg
	add := func(name, value string) { args = append(args, chain.Arg{Name: name, Value: value}) }
	if r.epochArgs {
		add("SOURCE_DATE_EPOCH", "1")
		add("BUILDKIT_MULTI_PLATFORM", "1")
	} else {
		// Before they were arguments, make exported the epoch into the client's
		// environment, which passes it on.
		add("SOURCE_DATE_EPOCH", "1")
	}
	if r.checkArg {
		add("BUILDKIT_DOCKERFILE_CHECK", "skip=FromPlatformFlagConstDisallowed;error=true")
	}
	if version != "" {
		forms := versionForms(version)
		add("VERSION", version)
		add("VERSION_UNDER", forms["version_under"])
		add("VERSION_DASH", forms["version_dash"])
		if r.versionParts {
			add("VERSION_MAJOR", forms["version_major"])
			minor, ok := forms["version_major_minor"]
			if !ok {
				minor = "None" // what the generator prints for a version without a dot
			}
			add("VERSION_MAJOR_MINOR", minor)
			add("VERSION_STRIP_SUFFIX", forms["version_strip_suffix"])
		}
	}
	leaked := version
	for _, name := range p.order {
		s := p.Sources[name]
		v := s.Version
		if r.leakyVersions {
			if v == "" {
				v = leaked
			}
			leaked = v
		}
		if v != "" && len(s.Mirrors) > 0 {
			upper := strings.ToUpper(name)
			add(upper+"_VERSION", v)
			file, err := s.argument(v, version)
			if err != nil {
				fault(p.line(name), "template", fmt.Sprintf("%s_SOURCE of source %q: %v", upper, name, err))
				continue
			}
			add(upper+"_SOURCE", file)
			if fetched, _, _, err := s.fetched(version); err == nil && fetched != file {
				fault(p.line(name), "templates-disagree", fmt.Sprintf("source %q is fetched as %q but passed to the recipe as %q", name, fetched, file))
			}
		}
		if r.gitSHA && s.GitSHA != "" {
			add(strings.ToUpper(name)+"_GIT_SHA", s.GitSHA)
		}
	}
	return args
}
