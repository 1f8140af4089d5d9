package cause

import (
	"encoding/json"
	"path"
	"regexp"
	"strings"

	"github.com/stagescope/stagescope/diff"
)

// container gives the reasons of objects and containers their causes.
func (c *classifier) container(n *diff.Node) {
	for i := range n.Reasons {
		r := &n.Reasons[i]
		if r.Cause != nil {
			continue
		}
		switch n.Kind {
		case diff.KindManifest, diff.KindIndex, diff.KindConfig:
			r.Cause = objectCause(n.Kind, r)
		default:
			if r.Field == "zero bytes at the end" {
				r.Cause = &diff.Cause{ID: "B5", Name: "padding of the archive", Confidence: diff.Proved, Evidence: "both ends are zero bytes only", Fix: "write archives with one blocking factor"}
				continue
			}
			if r.Cause = alternative(n, r); r.Cause != nil {
				continue
			}
			if r.Cause = renamed(r, len(n.RangesA) == 0); r.Cause == nil && strings.HasPrefix(r.Field, "order of the members") {
				r.Cause = &diff.Cause{ID: "B2", Name: "order of the entries", Confidence: diff.Proved, Evidence: "the same members, paired by name, come in another order", Fix: "sort them"}
				if n.Kind == "ar" {
					r.Cause.ID, r.Cause.Name, r.Cause.Fix = "D4d", "order of an archive's members", "sort what is given to ar, and give it D"
				}
			}
		}
	}
}

// objectCause is the cause of a difference in an image's JSON. A difference of
// the JSON is what it says it is, so that naming it is no guess; only the reason
// why somebody wrote it is not known.
func objectCause(kind diff.Kind, r *diff.Reason) *diff.Cause {
	field := r.Field
	stated := func(id, name, fix string) *diff.Cause {
		return &diff.Cause{ID: id, Name: name, Confidence: diff.Proved, Evidence: "the JSON says so", Fix: fix}
	}
	switch {
	case kind != diff.KindConfig && annotations.MatchString(field) && strings.Contains(field, "/annotations/org.opencontainers.image.base."):
		return stated("D5a", "another base image", "build on the same base image: name it by digest")
	case kind != diff.KindConfig && annotations.MatchString(field):
		return stated("A2", "annotations", "agree on the exporter's settings")
	case kind != diff.KindConfig && mediaType.MatchString(field) && oneKind(r):
		return stated("A3", "media type", "pin the builder and its compatibility version")
	case kind == diff.KindIndex && entryOfIndex.MatchString(field) && attestation(r.A) && attestation(r.B):
		return stated("A6", "attestation manifest", "--provenance=false --sbom=false, or compare at the manifest")
	case kind == diff.KindConfig && (field == "/created" || field == "/history" || strings.HasPrefix(field, "/history/")):
		return stated("A4", "time or history in the config", "SOURCE_DATE_EPOCH")
	case kind == diff.KindConfig && (field == "/config/Labels" || strings.HasPrefix(field, "/config/Labels/")):
		return stated("A4", "labels in the config", "")
	case kind == diff.KindConfig && strings.HasPrefix(field, "/config"):
		// What is run is no metadata: that the JSON says so explains nothing.
		return &diff.Cause{ID: "A4", Name: "what the image runs, and how", Confidence: diff.Likely, Evidence: "the JSON says so; nothing says why"}
	case kind == diff.KindConfig && platform.MatchString(field):
		return stated("A4", "platform in the config", "pin the platform")
	case field == "encoding of the JSON":
		return stated("A3", "spelling of the JSON", "pin the builder")
	}
	return nil
}

// platform are the members of a config that say what it runs on.
var platform = regexp.MustCompile(`^/(?:architecture|variant|os(?:\.version|\.features(?:/\d+)?)?)$`)

// entryOfIndex is a whole entry, which one side alone has, or both.
var entryOfIndex = regexp.MustCompile(`^/manifests/\d+$`)

// mediaType is that of an object, and those of its descriptors.
var mediaType = regexp.MustCompile(`^(?:/(?:manifests|layers)/\d+|/config)?/mediaType$`)

// mediaTypes are those that Docker and OCI have for one thing, by what it is.
var mediaTypes = map[string]string{
	"application/vnd.docker.distribution.manifest.v2+json": "manifest", "application/vnd.oci.image.manifest.v1+json": "manifest",
	"application/vnd.docker.distribution.manifest.list.v2+json": "index", "application/vnd.oci.image.index.v1+json": "index",
	"application/vnd.docker.container.image.v1+json": "config", "application/vnd.oci.image.config.v1+json": "config",
	"application/vnd.docker.image.rootfs.diff.tar": "layer", "application/vnd.oci.image.layer.v1.tar": "layer",
	"application/vnd.docker.image.rootfs.diff.tar.gzip": "layer", "application/vnd.oci.image.layer.v1.tar+gzip": "layer",
	"application/vnd.docker.image.rootfs.diff.tar.zstd": "layer", "application/vnd.oci.image.layer.v1.tar+zstd": "layer",
}

// oneKind reports whether two media types stand for one thing, so that who reads the
// object does the same with it. An object need not say its own.
func oneKind(r *diff.Reason) bool {
	var kinds [2]string
	for i, v := range []string{r.A, r.B} {
		var t string
		if v != "" && json.Unmarshal([]byte(v), &t) != nil {
			return false
		}
		kinds[i] = mediaTypes[t]
	}
	if r.Field == "/mediaType" && (r.A == "" || r.B == "") {
		return kinds[0] != "" || kinds[1] != ""
	}
	return kinds[0] != "" && kinds[0] == kinds[1]
}

// annotations are those of an object, and those of its descriptors.
var annotations = regexp.MustCompile(`^(?:/(?:manifests|layers)/\d+|/config|/subject)?/annotations(?:/|$)`)

// attestation reports whether an entry of an index is for no platform, as what is
// said about images is; so is one that is not there.
func attestation(entry string) bool {
	if entry == "" {
		return true
	}
	var e struct {
		Platform *struct {
			OS           string `json:"os"`
			Architecture string `json:"architecture"`
		} `json:"platform"`
	}
	return json.Unmarshal([]byte(entry), &e) == nil && e.Platform != nil && e.Platform.OS == "unknown" && e.Platform.Architecture == "unknown"
}

// leftovers are paths that builds leave behind by mistake.
var leftovers = regexp.MustCompile(`(?:^|/)(?:__pycache__|\.cache|config\.log|config\.status|install_files\.txt|aux-cache|uv_cache\.json|\.git|ld\.so\.cache)(?:/|$)|\.pyc$|\.log$|~$`)

// randomName is a part of a name that no two builds share, and randomEnd one where
// programs put something random, if it is.
var (
	randomName = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{16,}`)
	randomEnd  = regexp.MustCompile(`(?:tmp|cc|\.)([0-9A-Za-z_]{6,})$`)
)

// looksRandom reports whether a name has a part that nobody gave.
func looksRandom(name string) bool {
	if randomName.MatchString(name) {
		return true
	}
	end := randomEnd.FindStringSubmatch(name)
	return end != nil && jumbled(end[1])
}

// jumbled reports whether letters of both cases and digits follow one another as they
// do not in names that people give, such as x86_64, sha256sums or LangPack.
func jumbled(s string) bool {
	last, changes, digits := 0, 0, false
	for _, c := range s {
		kind := 1
		switch {
		case c == '_':
			continue
		case c >= '0' && c <= '9':
			kind, digits = 2, true
		case c >= 'A' && c <= 'Z':
			kind = 3
		}
		if last != 0 && kind != last {
			changes++
		}
		last = kind
	}
	return changes >= 4 || changes == 3 && digits
}

// lonely looks at a member that only one side has.
func (c *classifier) lonely(n *diff.Node) {
	side := n.A
	if side == nil {
		side = n.B
	}
	if side == nil || n.Kind == diff.KindLayer || n.Residue == diff.ResidueNone || c.part {
		return // what is in a program is no file, and its name says nothing of files
	}
	add := func(cause diff.Cause) {
		cause.Confidence = diff.Likely
		r := diff.Reason{Field: "presence", A: side.Name, Cause: &cause}
		if n.A == nil {
			r.A, r.B = "", side.Name
		}
		n.Reasons = append(n.Reasons, r)
	}
	switch {
	case program(n):
		add(diff.Cause{ID: "D7a", Name: "a program that one side does not have", Evidence: "its content or mode says that it can be run"})
		n.Suspect(diff.Suspicion{Kind: diff.SuspectProgram, What: "it is a program, and it is " + n.Status.String()})
	case strings.HasPrefix(path.Base(side.Name), ".wh."):
		add(diff.Cause{ID: "B6", Name: "whiteout", Evidence: "its name; whether the trees are equal all the same is said by the effective file system", Fix: "build with one kind of snapshotter"})
	case leftovers.MatchString(side.Name):
		add(diff.Cause{ID: "C1", Name: "cache or log left behind", Evidence: "its name", Fix: "delete it at the end of the build"})
	case looksRandom(side.Name):
		add(diff.Cause{ID: "C3", Name: "random file name", Evidence: "a part of its name looks random", Fix: "give it a fixed name"})
	default:
		if why := c.absent(n, side.Name); why != nil {
			add(*why)
		}
	}
}

// program reports whether a lonely member can be run.
func program(n *diff.Node) bool {
	for _, r := range n.Reasons {
		if r.Field != "mode" {
			continue
		}
		m := r.A + r.B
		if n.Content != nil && len(m) >= 3 && strings.ContainsAny(m[len(m)-3:], "1357") {
			return true
		}
	}
	if n.Content == nil {
		return false
	}
	open := n.Content.OpenA
	if n.A == nil {
		open = n.Content.OpenB
	}
	r, size, err := open()
	if err != nil || r == nil || size < 4 {
		return false
	}
	defer r.Close()
	head := make([]byte, min(size, 16))
	if k, _ := r.ReadAt(head, 0); k < len(head) {
		return false
	}
	side := n.A
	if side == nil {
		side = n.B
	}
	return runnable(head, side.Name)
}
