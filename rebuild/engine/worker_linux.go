package engine

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/containerd/containerd/v2/core/diff/apply"
	ctdmetadata "github.com/containerd/containerd/v2/core/metadata"
	"github.com/containerd/containerd/v2/core/remotes/docker"
	ctdsnapshot "github.com/containerd/containerd/v2/core/snapshots"
	"github.com/containerd/containerd/v2/plugins/content/local"
	"github.com/containerd/containerd/v2/plugins/diff/walking"
	"github.com/containerd/containerd/v2/plugins/snapshots/native"
	"github.com/containerd/containerd/v2/plugins/snapshots/overlay"
	"github.com/containerd/containerd/v2/plugins/snapshots/overlay/overlayutils"
	"github.com/moby/buildkit/cache/metadata"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/executor"
	containerdsnapshot "github.com/moby/buildkit/snapshot/containerd"
	"github.com/moby/buildkit/solver/llbsolver/cdidevices"
	"github.com/moby/buildkit/util/db/boltutil"
	"github.com/moby/buildkit/util/leaseutil"
	"github.com/moby/buildkit/worker/base"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"tags.cncf.io/container-device-interface/pkg/cdi"

	"github.com/stagescope/stagescope/rebuild/sandbox"
)

// builder is BuildKit's worker over our executor.
type builder struct {
	*base.Worker
	snapshotter string
	close       func()
}

// newBuilder puts a worker together. BuildKit's own constructor needs runc on
// the machine and brings a network.
func newBuilder(ctx context.Context, o Options) (*builder, error) {
	b := &builder{snapshotter: o.Snapshotter, close: func() {}}
	if b.snapshotter == "" {
		b.snapshotter = "native"
		if overlayutils.Supported(o.StateDir) == nil {
			b.snapshotter = "overlayfs"
		}
	}
	root := filepath.Join(o.StateDir, b.snapshotter)
	if err := os.MkdirAll(root, 0o711); err != nil {
		return nil, err
	}
	wo, err := b.options(o, root)
	if err != nil {
		return nil, err
	}
	b.Worker, err = base.NewWorker(ctx, wo)
	return b, err
}

func (b *builder) executor(o Options, root string) (executor.Executor, error) {
	dir := filepath.Join(root, "executor")
	switch o.Executor {
	case "", "sandbox":
		e, err := sandbox.New(sandbox.Options{
			Root: dir, Vary: o.Vary, Limits: sandbox.Limits{Memory: o.Memory, Processes: o.Processes},
		})
		if err != nil {
			return nil, err
		}
		b.close = func() { e.Close() }
		return e, nil
	case "runc":
		return newRunc(dir)
	}
	return nil, fmt.Errorf("executor %q is not known", o.Executor)
}

func newSnapshotter(name, dir string) (ctdsnapshot.Snapshotter, error) {
	switch name {
	case "overlayfs":
		return overlay.NewSnapshotter(dir, overlay.AsynchronousRemove)
	case "native":
		return native.NewSnapshotter(dir)
	}
	return nil, fmt.Errorf("snapshotter %q is not known", name)
}

func (b *builder) options(o Options, root string) (opt base.WorkerOpt, err error) {
	exe, err := b.executor(o, root)
	if err != nil {
		return opt, err
	}
	sn, err := newSnapshotter(b.snapshotter, filepath.Join(root, "snapshots"))
	if err != nil {
		return opt, err
	}
	blobs, err := local.NewStore(filepath.Join(root, "content"))
	if err != nil {
		return opt, err
	}
	db, err := boltutil.Open(filepath.Join(root, "containerdmeta.db"), 0o644, boltOptions())
	if err != nil {
		return opt, err
	}
	mdb := ctdmetadata.NewDB(db, blobs, map[string]ctdsnapshot.Snapshotter{b.snapshotter: sn})
	if err := mdb.Init(context.Background()); err != nil {
		return opt, err
	}
	store := containerdsnapshot.NewContentStore(mdb.ContentStore(), "buildkit")
	id, err := base.ID(root)
	if err != nil {
		return opt, err
	}
	md, err := metadata.NewStore(filepath.Join(root, "metadata_v2.db"))
	if err != nil {
		return opt, err
	}
	devices, err := cdi.NewCache(cdi.WithAutoRefresh(false), cdi.WithSpecDirs())
	if err != nil {
		return opt, err
	}
	return base.WorkerOpt{
		ID: id, Root: root,
		Labels: map[string]string{
			"org.mobyproject.buildkit.worker.executor":    "sandbox",
			"org.mobyproject.buildkit.worker.snapshotter": b.snapshotter,
		},
		BuildkitVersion: client.BuildkitVersion{Package: "github.com/moby/buildkit", Version: version()},
		MetadataStore:   md,
		ContentMetadata: db,
		Executor:        exe,
		Snapshotter:     containerdsnapshot.NewSnapshotter(b.snapshotter, mdb.Snapshotter(b.snapshotter), "buildkit", nil),
		ContentStore:    store,
		Applier:         apply.NewFileSystemApplier(store),
		Differ:          walking.NewWalkingDiff(store),
		Platforms: []ocispecs.Platform{
			{OS: "linux", Architecture: "amd64"},
			{OS: "linux", Architecture: "386"},
		},
		LeaseManager:   leaseutil.WithNamespace(ctdmetadata.NewLeaseManager(mdb), "buildkit"),
		GarbageCollect: mdb.GarbageCollect,
		MountPoolRoot:  filepath.Join(root, "cachemounts"),
		RegistryHosts: func(host string) ([]docker.RegistryHost, error) {
			return nil, fmt.Errorf("no build asks a registry (%s)", host)
		},
		CDIManager: cdidevices.NewManager(devices, nil),
	}, nil
}
