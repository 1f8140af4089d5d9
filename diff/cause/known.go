package cause

import (
	"fmt"
	"strconv"
	"time"
)

// Environment is what is recorded of the build of one side. A zero field is not
// known.
type Environment struct {
	Host     string
	User     string
	Home     string
	Kernel   string   // release, e.g. "6.1.0-18-amd64"
	Paths    []string // directories of the build, e.g. "/build/one"; both sides in one order
	Commit   string   // of the tree
	CPUs     int
	Started  time.Time
	Finished time.Time
	Inputs   []Input // images that it was built from; nil when that is not recorded
}

// Known is what is recorded of both sides' builds. A token that equals what is
// recorded, on both sides, is the strongest sign that there is.
type Known struct {
	A, B Environment
	// Repeat says that one recipe was built twice with equal inputs on one
	// machine: what differs then is no matter of the machine.
	Repeat bool
}

// rules are those that recorded values give: a literal on each side.
func (k Known) rules() (out []tokenRule) {
	add := func(id, name, fix, a, b string) {
		if a == "" || b == "" || a == b {
			return
		}
		out = append(out, tokenRule{id: id, name: name, fix: fix, find: literals(a, b), same: func(_ *classifier, x, y []byte) (string, bool) {
			return "both sides are what is recorded of their builds", string(x) == a && string(y) == b
		}})
	}
	add("D2c", "host name of the build", "set the host name, or leave it out", k.A.Host, k.B.Host)
	for i := range min(len(k.A.Paths), len(k.B.Paths)) {
		add("D2a", "path of the build", "-ffile-prefix-map, -trimpath, or build in one fixed directory", k.A.Paths[i], k.B.Paths[i])
	}
	add("D2c", "home directory of the builder", "set HOME, or leave it out", k.A.Home, k.B.Home)
	add("D2c", "user of the build", "set USER, or leave it out", k.A.User, k.B.User)
	add("D3a", "kernel of the build", "do not record it", k.A.Kernel, k.B.Kernel)
	add("D5f", "commit of the tree", "pass the version, not the commit", k.A.Commit, k.B.Commit)
	if k.A.CPUs > 0 && k.B.CPUs > 0 {
		add("D3c", "number of processors", "build with a fixed number of jobs", strconv.Itoa(k.A.CPUs), strconv.Itoa(k.B.CPUs))
	}
	return out
}

func wordByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
}

// during says that two times lie in the times of their builds; "" when that is
// not so or not known.
func (k Known) during(a, b time.Time) string {
	in := func(e Environment, t time.Time) bool {
		const slack = 2 * time.Second // times are cut to seconds
		return !e.Started.IsZero() && !e.Finished.IsZero() && t.After(e.Started.Add(-slack)) && t.Before(e.Finished.Add(slack))
	}
	if in(k.A, a) && in(k.B, b) {
		return fmt.Sprintf("each lies in the time of its build (%s, %s)", k.A.Started.UTC().Format(time.RFC3339), k.B.Started.UTC().Format(time.RFC3339))
	}
	return ""
}
