package sandbox

import (
	"fmt"
	"slices"

	"github.com/moby/buildkit/solver/pb"
	"golang.org/x/sys/unix"
)

// rlimit is one resource limit of a step.
type rlimit struct {
	Resource   int
	Soft, Hard uint64
}

const unlimited = ^uint64(0)

// baseLimits are the limits of every step, whoever runs the engine: limits
// are inherited, and a configure script that asks for one would otherwise put
// the host's value into its output. The figures are a Linux system's defaults;
// what a user may not raise stays where it is (see setLimits).
var baseLimits = []rlimit{
	{unix.RLIMIT_CORE, 0, 0},
	{unix.RLIMIT_CPU, unlimited, unlimited},
	{unix.RLIMIT_DATA, unlimited, unlimited},
	{unix.RLIMIT_FSIZE, unlimited, unlimited},
	{unix.RLIMIT_NOFILE, 1024, 4096},
	{unix.RLIMIT_STACK, 8 << 20, unlimited},
	{unix.RLIMIT_AS, unlimited, unlimited},
	{unix.RLIMIT_RSS, unlimited, unlimited},
}

// The names that BuildKit's ulimits use.
var limitNames = map[string]int{
	"core": unix.RLIMIT_CORE, "cpu": unix.RLIMIT_CPU, "data": unix.RLIMIT_DATA, "fsize": unix.RLIMIT_FSIZE,
	"memlock": unix.RLIMIT_MEMLOCK, "msgqueue": unix.RLIMIT_MSGQUEUE, "nice": unix.RLIMIT_NICE, "nofile": unix.RLIMIT_NOFILE,
	"nproc": unix.RLIMIT_NPROC, "rss": unix.RLIMIT_RSS, "rtprio": unix.RLIMIT_RTPRIO, "rttime": unix.RLIMIT_RTTIME,
	"sigpending": unix.RLIMIT_SIGPENDING, "stack": unix.RLIMIT_STACK, "as": unix.RLIMIT_AS,
}

// limitsOf is the base with what the recipe asks for on top. nofile, when not
// 0, is a variation and wins over both.
func limitsOf(asked []*pb.Ulimit, nofile uint64) ([]rlimit, error) {
	out := slices.Clone(baseLimits)
	put := func(l rlimit) {
		if i := slices.IndexFunc(out, func(o rlimit) bool { return o.Resource == l.Resource }); i >= 0 {
			out[i] = l
			return
		}
		out = append(out, l)
	}
	for _, u := range asked {
		r, ok := limitNames[u.Name]
		if !ok {
			return nil, fmt.Errorf("unknown ulimit %q", u.Name)
		}
		put(rlimit{r, uint64(u.Soft), uint64(u.Hard)})
	}
	if nofile > 0 {
		put(rlimit{unix.RLIMIT_NOFILE, nofile, nofile})
	}
	return out, nil
}

// setLimits sets the limits of the calling process. A hard limit above the
// present one needs a privilege that a user namespace does not give: then the
// present hard limit stays, and the soft one is as close as it allows.
func setLimits(limits []rlimit) error {
	for _, l := range limits {
		want := unix.Rlimit{Cur: l.Soft, Max: l.Hard}
		err := unix.Setrlimit(l.Resource, &want)
		if err == unix.EPERM {
			var have unix.Rlimit
			if err := unix.Getrlimit(l.Resource, &have); err != nil {
				return fmt.Errorf("reading limit %d: %w", l.Resource, err)
			}
			want.Max = min(want.Max, have.Max)
			want.Cur = min(want.Cur, want.Max)
			err = unix.Setrlimit(l.Resource, &want)
		}
		if err != nil {
			return fmt.Errorf("setting limit %d to %d:%d: %w", l.Resource, l.Soft, l.Hard, err)
		}
	}
	return nil
}
