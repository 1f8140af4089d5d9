package sandbox

import (
	"fmt"
	"os"

	"github.com/containerd/continuity/fs"
	"github.com/moby/buildkit/executor/oci"
	"github.com/moby/sys/user"
)

// identify looks the user up in the root file system. The primary group is
// among the supplementary ones, as the OCI specification's generator has it.
func (sp *spec) identify() error {
	uid, gid, more, err := oci.GetUser(sp.Rootfs, sp.User)
	if err != nil {
		return fmt.Errorf("finding user %q: %w", sp.User, err)
	}
	sp.UID, sp.GID, sp.Groups = int(uid), int(gid), []int{int(gid)}
	for _, g := range more {
		sp.Groups = append(sp.Groups, int(g))
	}
	return nil
}

func (sp *spec) makeCwd() error {
	cwd, err := fs.RootPath(sp.Rootfs, sp.Cwd)
	if err != nil {
		return fmt.Errorf("resolving the working directory %q: %w", sp.Cwd, err)
	}
	if _, err := os.Stat(cwd); err == nil {
		return nil
	}
	return user.MkdirAllAndChown(cwd, 0o755, sp.UID, sp.GID)
}
