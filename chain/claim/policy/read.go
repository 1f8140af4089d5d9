package policy

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim/internal/tomlfile"
)

// maxNumber bounds what a policy can ask for: more is a slip of the pen.
const maxNumber = 10_000

type wireFile struct {
	Policy map[string]wirePolicy `toml:"policy"`
}

type wirePolicy struct {
	Agree        *wireAgree   `toml:"agree"`
	Signed       *wireSigned  `toml:"signed"`
	Prefer       Preference   `toml:"prefer"`
	Level        *chain.Level `toml:"level"`
	MaxAge       *string      `toml:"maxAge"`
	Count        []string     `toml:"count"`
	Dissent      *string      `toml:"dissent"`
	Intermittent *string      `toml:"intermittent"`
}

type wireAgree struct {
	Persons    int `toml:"persons"`
	CPUVendors int `toml:"cpuVendors"`
}

type wireSigned struct {
	Persons int `toml:"persons"`
}

// Load reads one policy of a file. The name may be "" when the file has one
// policy, or one that is called release.
func Load(file, name string) (*Policy, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("reading a policy: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, tomlfile.MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("reading a policy: %w", err)
	}
	return Read(file, data, name)
}

// Read reads the contents of a file. Errors say file, line and reason.
func Read(file string, data []byte, name string) (*Policy, error) {
	p, err := read(file, data, name)
	if err != nil {
		return nil, fmt.Errorf("reading a policy: %w", err)
	}
	return p, nil
}

func read(file string, data []byte, name string) (*Policy, error) {
	var w wireFile
	f, err := tomlfile.Decode(file, data, &w)
	if err != nil {
		return nil, err
	}
	// All of a file is checked, whichever policy is meant.
	all := map[string]*Policy{}
	for _, n := range slices.Sorted(maps.Keys(w.Policy)) {
		x := w.Policy[n]
		if all[n], err = x.policy(f, n); err != nil {
			return nil, err
		}
		all[n].Name, all[n].File = n, file
	}
	names := slices.Sorted(maps.Keys(all))
	switch {
	case len(all) == 0:
		return nil, &tomlfile.Error{File: file, Text: "it has no [policy.NAME]"}
	case name == "" && len(all) == 1:
		return all[names[0]], nil
	case name == "" && all["release"] != nil:
		return all["release"], nil
	case name == "":
		return nil, &tomlfile.Error{File: file, Text: fmt.Sprintf("it has %d policies, none of them called release: say which of %s", len(all), strings.Join(names, ", "))}
	case all[name] == nil:
		return nil, &tomlfile.Error{File: file, Text: fmt.Sprintf("it has no policy %q; there is %s", name, strings.Join(names, ", "))}
	}
	return all[name], nil
}

func (w *wirePolicy) policy(f *tomlfile.File, name string) (*Policy, error) {
	at := func(key ...any) []any { return append([]any{"policy", name}, key...) }
	p := Default()
	if w.Agree == nil && w.Signed == nil {
		return nil, f.Errorf(at(), "policy %q asks for nothing: it has neither agree nor signed", name)
	}
	if w.Agree != nil {
		p.Persons, p.CPUVendors = w.Agree.Persons, w.Agree.CPUVendors
		if p.Persons < 1 || p.Persons > maxNumber {
			return nil, f.Errorf(at("agree"), "agree asks for %d persons: it is 1 or more", p.Persons)
		}
		if p.CPUVendors < 0 || p.CPUVendors > maxNumber {
			return nil, f.Errorf(at("agree"), "agree asks for %d CPU vendors", p.CPUVendors)
		}
	}
	if w.Signed != nil {
		if p.Signers = w.Signed.Persons; p.Signers < 1 || p.Signers > maxNumber {
			return nil, f.Errorf(at("signed"), "signed asks for %d persons: it is 1 or more", p.Signers)
		}
	}
	p.Prefer = w.Prefer
	for _, n := range []int{p.Prefer.Kernels, p.Prefer.BuildKits, p.Prefer.Organisations} {
		if n < 0 || n > maxNumber {
			return nil, f.Errorf(at("prefer"), "prefer asks for %d", n)
		}
	}
	if w.Level != nil {
		if p.Level = *w.Level; p.Level != chain.LevelManifest && p.Level != chain.LevelRootfs && p.Level != chain.LevelFiles {
			return nil, f.Errorf(at("level"), "level %q: it is manifest, rootfs or files", p.Level)
		}
	}
	return p, w.rest(p, f, at)
}

func (w *wirePolicy) rest(p *Policy, f *tomlfile.File, at func(...any) []any) (err error) {
	if w.MaxAge != nil {
		if p.MaxAge, err = age(*w.MaxAge); err != nil {
			return f.Errorf(at("maxAge"), "maxAge: %v", err)
		}
	}
	if w.Count != nil {
		if p.CI, err = counted(w.Count); err != nil {
			return f.Errorf(at("count"), "count: %v", err)
		}
	}
	if p.Dissent, err = action(w.Dissent, p.Dissent); err != nil {
		return f.Errorf(at("dissent"), "dissent: %v", err)
	}
	if p.Intermittent, err = action(w.Intermittent, p.Intermittent); err != nil {
		return f.Errorf(at("intermittent"), "intermittent: %v", err)
	}
	return nil
}

// counted reads what counts. A pulled image never does: it says what is served,
// not that it follows from the source.
func counted(list []string) (ci bool, err error) {
	rebuilt := false
	for _, c := range list {
		switch c {
		case "rebuilt":
			rebuilt = true
		case "ci":
			ci = true
		case "pulled":
			return false, fmt.Errorf("a pulled image cannot count: it says what is served, not what follows from the source")
		default:
			return false, fmt.Errorf("%q is neither rebuilt nor ci", c)
		}
	}
	if !rebuilt {
		return false, fmt.Errorf("without \"rebuilt\" nothing would count")
	}
	return ci, nil
}

func action(s *string, otherwise Action) (Action, error) {
	if s == nil {
		return otherwise, nil
	}
	for i, n := range actionNames {
		if n == *s {
			return Action(i), nil
		}
	}
	return 0, fmt.Errorf("%q is neither block nor warn", *s)
}

// age reads "400d", or what Go takes for a duration.
func age(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.Atoi(days)
		if err != nil || n < 1 || n > 100*366 {
			return 0, fmt.Errorf("%q is no number of days", s)
		}
		return time.Duration(n) * 24 * time.Hour, nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("%q is no time: write it as 400d", s)
	}
	return d, nil
}
