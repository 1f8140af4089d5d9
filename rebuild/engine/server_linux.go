package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"

	"github.com/moby/buildkit/control"
	"github.com/moby/buildkit/frontend"
	dockerfile "github.com/moby/buildkit/frontend/dockerfile/builder"
	"github.com/moby/buildkit/frontend/gateway/forwarder"
	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/solver"
	"github.com/moby/buildkit/solver/bboltcachestorage"
	"github.com/moby/buildkit/util/db/boltutil"
	"github.com/moby/buildkit/worker"
	bolt "go.etcd.io/bbolt"
	"google.golang.org/grpc"
)

// server is BuildKit's controller with one worker.
type server struct {
	snapshotter string
	version     string
	worker      *builder
	control     *control.Controller
	grpc        *grpc.Server
	cancel      context.CancelFunc
	once        sync.Once
}

// messageSize bounds one gRPC message, in bytes, as buildkitd has it.
const messageSize = 16 << 20

// boltOptions are for state that can be made again: without a sync per
// transaction a step costs half.
func boltOptions() *bolt.Options {
	return &bolt.Options{NoSync: true, FreelistType: bolt.FreelistMapType, NoFreelistSync: true}
}

func newServer(o Options, tell *json.Encoder) (*server, error) {
	ctx, cancel := context.WithCancel(context.Background())
	s, err := buildServer(ctx, o, tell)
	if err != nil {
		cancel()
		return nil, err
	}
	s.cancel = cancel
	return s, nil
}

func buildServer(ctx context.Context, o Options, tell *json.Encoder) (*server, error) {
	b, err := newBuilder(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("making the worker: %w", err)
	}
	s := &server{snapshotter: b.snapshotter, version: version(), worker: b}
	wc := &worker.Controller{}
	if err := wc.Add(&guarded{Worker: b.Worker, tell: newTeller(tell)}); err != nil {
		return nil, err
	}
	sessions, err := session.NewManager()
	if err != nil {
		return nil, err
	}
	cache, err := bboltcachestorage.NewStore(filepath.Join(o.StateDir, "cache.db"))
	if err != nil {
		return nil, fmt.Errorf("opening the cache: %w", err)
	}
	history, err := boltutil.SafeOpen(filepath.Join(o.StateDir, "history.db"), 0o600, boltOptions())
	if err != nil {
		return nil, fmt.Errorf("opening the history: %w", err)
	}
	s.control, err = control.NewController(control.Opt{
		SessionManager:   sessions,
		WorkerController: wc,
		Frontends: map[string]frontend.Frontend{
			frontendName: forwarder.NewGatewayForwarder(wc.Infos(), dockerfile.Build),
		},
		CacheManager:   solver.NewCacheManager(ctx, "local", cache, worker.NewCacheResultStorage(wc)),
		HistoryDB:      history,
		CacheStore:     cache,
		LeaseManager:   b.LeaseManager(),
		ContentStore:   b.ContentStore(),
		GarbageCollect: b.GarbageCollect,
		GracefulStop:   ctx.Done(),
	})
	if err != nil {
		return nil, fmt.Errorf("making the controller: %w", err)
	}
	s.grpc = grpc.NewServer(grpc.MaxRecvMsgSize(messageSize), grpc.MaxSendMsgSize(messageSize))
	s.control.Register(s.grpc)
	return s, nil
}

// serve answers on the one connection that it is given, until stop.
func (s *server) serve(socket *os.File) error {
	conn, err := net.FileConn(socket)
	socket.Close()
	if err != nil {
		return err
	}
	err = s.grpc.Serve(newOneConn(conn))
	s.stop()
	if errors.Is(err, grpc.ErrServerStopped) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// stop cancels every build, which ends every step, and lets serve return.
func (s *server) stop() {
	s.once.Do(func() {
		s.cancel()
		s.grpc.Stop()
		s.control.Close()
		s.worker.close()
	})
}

// version is the BuildKit release that is compiled in.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, d := range info.Deps {
		if d.Path == "github.com/moby/buildkit" {
			return d.Version
		}
	}
	return ""
}
