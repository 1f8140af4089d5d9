package rebuild

import (
	"bufio"
	"context"
	"os"
	"runtime"
	"strings"
)

// Environment is where a rebuild ran, as far as it is known and no more
// precise than what can matter to the result. For an engine that is not part
// of this program nothing about its machine is known.
type Environment struct {
	Engine    EngineInfo `json:"engine"`
	OS        string     `json:"os,omitempty"`
	Arch      string     `json:"arch,omitempty"`
	Kernel    string     `json:"kernel,omitempty"`
	CPUVendor string     `json:"cpuVendor,omitempty"`
	CPUModel  string     `json:"cpuModel,omitempty"`
	CPUs      int        `json:"cpus,omitempty"`
	Go        string     `json:"go"` // that this program was built with
}

// embeddedAddress is the address of the engine inside this program.
const embeddedAddress = "embedded"

func environment(ctx context.Context, e Engine) (Environment, error) {
	info, err := e.Describe(ctx)
	env := Environment{Engine: info, Go: runtime.Version()}
	if err != nil || info.Address != embeddedAddress {
		return env, err
	}
	env.OS, env.Arch, env.CPUs = runtime.GOOS, runtime.GOARCH, runtime.NumCPU()
	if b, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		env.Kernel = strings.TrimSpace(string(b))
	}
	env.CPUVendor, env.CPUModel = processor("/proc/cpuinfo")
	return env, nil
}

// processor reads vendor and model of the first processor.
func processor(name string) (vendor, model string) {
	f, err := os.Open(name)
	if err != nil {
		return "", ""
	}
	defer f.Close()
	for in := bufio.NewScanner(f); in.Scan(); {
		key, value, ok := strings.Cut(in.Text(), ":")
		if !ok {
			break
		}
		switch strings.TrimSpace(key) {
		case "vendor_id", "CPU implementer":
			vendor = strings.TrimSpace(value)
		case "model name", "CPU part":
			model = strings.TrimSpace(value)
		}
	}
	return vendor, model
}
