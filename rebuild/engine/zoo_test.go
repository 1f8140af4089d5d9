//go:build linux && amd64

package engine

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/rebuild"
)

// enough is the number of trials after which a package that depends on chance
// would have differed: the fewest outcomes that any of them has are 64 orders
// of a hash table.
const enough = 6

// byChance differ between any two trials, but for luck; byTime between two
// that do not fall into the same second.
var (
	byChance = []string{"aslr", "hash", "path", "race", "random", "readdir"}
	byTime   = []string{"archive", "date", "epoch", "gzip"}
)

// variations are what the other packages of the zoo take up from the
// environment of the build.
func variations() map[string]rebuild.Variation {
	umask := 0o077
	return map[string]rebuild.Variation{
		"hostname": {Hostname: "elsewhere"},
		"user":     {Env: []string{"USER=someone"}},
		"umask":    {Umask: &umask},
		"cpus":     {CPUs: firstCPU()},
		"locale":   {Env: []string{"LC_ALL=de_DE.UTF-8"}},
	}
}

// firstCPU is one of the processors this test may run on.
func firstCPU() []int {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return []int{0}
	}
	for i := range len(set) * 64 {
		if set.IsSet(i) {
			return []int{i}
		}
	}
	return []int{0}
}

// cannotDiffer says why a package of the zoo cannot differ on this machine.
func cannotDiffer(name string) string {
	var set unix.CPUSet
	switch name {
	case "cpus":
		if err := unix.SchedGetaffinity(0, &set); err == nil && set.Count() < 2 {
			return "this machine gives one processor: fewer than that cannot be had"
		}
	case "aslr":
		b, err := os.ReadFile("/proc/sys/kernel/randomize_va_space")
		if err == nil && strings.TrimSpace(string(b)) == "0" {
			return "this machine does not randomize addresses"
		}
	}
	return ""
}

func zooID(name string) string { return "user-zoo-" + name }

// trials are the digests of a stage's images, one per trial.
type trials map[string][]chain.Digest

func (s *seedlings) trial(t *testing.T, e rebuild.Engine, into trials, ids []string, v rebuild.Variation) {
	t.Helper()
	sum := s.build(t, e, ids, rebuild.Options{NoCache: true, Variation: v})
	for _, id := range ids {
		into[id] = append(into[id], sum.Result(id).Digests.Manifest)
	}
}

// differ says whether a stage's trials gave more than one image.
func (r trials) differ(id string) bool {
	return slices.ContainsFunc(r[id], func(d chain.Digest) bool { return d != r[id][0] })
}

// zoo rebuilds every package of the zoo and its twin twice without cache, in
// different seconds, and in a third trial what takes up the environment, each
// in an environment that differs in just that. The stages below are shared.
func (s *seedlings) zoo(t *testing.T, e rebuild.Engine) {
	var all []string
	for _, stage := range s.chain.Stages {
		if strings.HasPrefix(stage.Name, "zoo-") {
			all = append(all, stage.ID)
		}
	}
	got := trials{}
	s.trial(t, e, got, all, rebuild.Variation{})
	// What a step of the second trial takes for the time is another second
	// than any of the first.
	for ended := time.Now().Unix(); time.Now().Unix() == ended; {
		time.Sleep(10 * time.Millisecond)
	}
	s.trial(t, e, got, all, rebuild.Variation{})
	vary := variations()
	if want := 2 * (len(byChance) + len(byTime) + len(vary)); len(all) != want {
		t.Errorf("the zoo has %d packages, the test knows %d: %q", len(all), want, all)
	}
	for _, name := range byTime {
		t.Run(name, func(t *testing.T) { got.check(t, name) })
	}
	for _, name := range byChance {
		t.Run(name, func(t *testing.T) {
			for n := 2; n < enough && !got.differ(zooID(name)) && cannotDiffer(name) == ""; n++ {
				s.trial(t, e, got, []string{zooID(name)}, rebuild.Variation{})
			}
			got.check(t, name)
		})
	}
	for name, v := range vary {
		t.Run(name, func(t *testing.T) {
			// In an unchanged environment even these reproduce.
			if got.differ(zooID(name)) {
				t.Errorf("two trials in the standard environment differ: %v", got[zooID(name)])
			}
			other := newEngine(t, Options{Vary: v})
			s.trial(t, other, got, []string{zooID(name), zooID(name + "-fixed")}, v)
			got.check(t, name)
		})
	}
}

// check holds a package and its twin to what they are for.
func (r trials) check(t *testing.T, name string) {
	t.Helper()
	if twin := zooID(name + "-fixed"); len(r[twin]) < 2 || r.differ(twin) {
		t.Errorf("%s must reproduce; its trials gave %v", twin, r[twin])
	}
	id := zooID(name)
	if len(r[id]) < 2 {
		t.Fatalf("%s: %d trials", id, len(r[id]))
	}
	if r.differ(id) {
		return
	}
	if why := cannotDiffer(name); why != "" {
		t.Skip(why)
	}
	t.Errorf("%s must not reproduce; all of its %d trials gave %s", id, len(r[id]), r[id][0])
}
