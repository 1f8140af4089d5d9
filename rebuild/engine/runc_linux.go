package engine

import (
	"fmt"
	"os/exec"

	"github.com/moby/buildkit/executor"
	"github.com/moby/buildkit/executor/oci"
	"github.com/moby/buildkit/executor/resources"
	"github.com/moby/buildkit/executor/runcexecutor"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/network"
)

// newRunc makes BuildKit's stock executor, without a network. It is the oracle
// that the sandbox is compared with.
func newRunc(root string) (executor.Executor, error) {
	if _, err := exec.LookPath("runc"); err != nil {
		return nil, fmt.Errorf("the runc executor needs runc: %w", err)
	}
	monitor, err := resources.NewMonitor()
	if err != nil {
		return nil, err
	}
	none := network.NewNoneProvider()
	return runcexecutor.New(runcexecutor.Opt{Root: root, ProcessMode: oci.ProcessSandbox, ResourceMonitor: monitor},
		map[pb.NetMode]network.Provider{pb.NetMode_UNSET: none, pb.NetMode_NONE: none})
}
