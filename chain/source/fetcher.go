package source

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/store"
	"github.com/stagescope/stagescope/chain/web"
)

// ArtifactType is the type of the store's record of a source: an artifact whose
// one file is the source.
const ArtifactType = "application/vnd.stagescope.source.v1"

// AnnotationOrigin on that record says where the bytes came from.
const AnnotationOrigin = "dev.stagescope.origin"

// Fetcher gets sources. Its fields must not be changed once it is used; it is
// safe for concurrent use.
type Fetcher struct {
	Store    *store.Store
	Root     string        // directory of the tree, whose fetch/ is searched; "" for none
	Dirs     []string      // local directories, searched by file name and by hash, to any depth
	Offline  bool          // mirrors are not asked
	HTTP     *http.Client  // nil means web.NewClient
	Progress func(Event)   // called from one goroutine at a time; may be nil
	Jobs     int           // files at once, over all calls; 0 means 4
	Retries  int           // per mirror, after a failure that may pass; 0 means 3, negative none
	Backoff  time.Duration // after the first failure, doubled with each; 0 means half a second

	slots    chan struct{}
	slotOnce sync.Once
	once     sync.Once
	index    dirIndex
	indexErr error
	progress sync.Mutex
	busy     sync.Map // chain.Digest → *sync.Mutex: one download of a source at a time
}

// EventKind says what an Event reports.
type EventKind int

// The kinds of events.
const (
	EventStart EventKind = iota // bytes begin to come from Origin
	EventBytes                  // some came
	EventRetry                  // Err says why it is tried again, or elsewhere
	EventDone                   // the file is verified and at hand
	EventFailed
)

// Event is one piece of progress.
type Event struct {
	Kind   EventKind
	Stage  string
	File   string
	Origin string
	Done   int64 // bytes so far
	Total  int64 // -1 when unknown
	Err    error
}

// Got says how one source was had.
type Got struct {
	Source chain.Source
	Path   string // on disk, verified
	Origin string // "store", a path or a URL
	Size   int64
	Bytes  int64     // that came over the network
	Sought []Attempt // places that did not have it, or had other bytes
}

// Fetch gets all sources of a stage and gives where they are on disk, by file
// name below fetch/. Every one of them was hashed by this call. All are tried
// even if some are missing; the error joins what is wrong with each.
func (f *Fetcher) Fetch(ctx context.Context, stage *chain.Stage) (map[string]string, error) {
	got, err := f.FetchAll(ctx, stage)
	paths := make(map[string]string, len(got))
	for _, g := range got {
		paths[g.Source.File] = g.Path
	}
	return paths, err
}

// FetchAll is Fetch with what was had from where, in the stage's order.
func (f *Fetcher) FetchAll(ctx context.Context, stage *chain.Stage) ([]Got, error) {
	got := make([]*Got, len(stage.Sources))
	errs := make([]error, len(stage.Sources))
	g, ctx := errgroup.WithContext(ctx)
	seen := map[string]chain.Digest{}
	for n, s := range stage.Sources {
		if err := CheckName(s.File); err != nil {
			errs[n] = &PinError{Stage: stage.ID, Source: s.Name, Err: err}
			continue
		}
		if d, twice := seen[s.File]; twice && d != s.Digest {
			errs[n] = &PinError{Stage: stage.ID, Source: s.Name, Err: fmt.Errorf("two pins for one file name %q", s.File)}
			continue
		}
		seen[s.File] = s.Digest
		g.Go(func() error {
			if err := f.slot(ctx); err != nil {
				return err
			}
			defer func() { <-f.slots }()
			got[n], errs[n] = f.one(ctx, stage, s)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var out []Got
	for _, g := range got {
		if g != nil {
			out = append(out, *g)
		}
	}
	return out, errors.Join(errs...)
}

// slot waits until one more file may be worked on.
func (f *Fetcher) slot(ctx context.Context) error {
	f.slotOnce.Do(func() {
		n := f.Jobs
		if n <= 0 {
			n = 4
		}
		f.slots = make(chan struct{}, n)
	})
	select {
	case f.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// CheckName refuses a file name that could lead out of the directory that it is
// to lie in, or that some system reads as something else.
func CheckName(file string) error {
	switch {
	case file == "", file == ".", file == "..", len(file) > 255:
		return fmt.Errorf("%q cannot be a file name", file)
	case strings.ContainsAny(file, "/\\\x00"), strings.ContainsFunc(file, func(r rune) bool { return r < 0x20 || r == 0x7f }):
		return fmt.Errorf("file name %q holds a separator or a control character", file)
	case !filepath.IsLocal(file):
		return fmt.Errorf("file name %q is not a local one", file)
	}
	return nil
}

// one gets one source: from the store, the tree, the directories, the mirrors.
func (f *Fetcher) one(ctx context.Context, stage *chain.Stage, s chain.Source) (*Got, error) {
	if _, err := chain.ParseDigest(string(s.Digest)); err != nil {
		return nil, &PinError{Stage: stage.ID, Source: s.Name, Err: err}
	}
	lock, _ := f.busy.LoadOrStore(s.Digest, &sync.Mutex{})
	lock.(*sync.Mutex).Lock() // two stages may pin the same file
	defer lock.(*sync.Mutex).Unlock()

	w := &want{f: f, stage: stage.ID, source: s}
	for _, step := range []func(context.Context) (*Got, error){w.fromStore, w.fromTree(stage), w.fromDirs, w.fromMirrors} {
		got, err := step(ctx)
		if got != nil {
			got.Sought = w.sought
			f.report(Event{Kind: EventDone, Stage: stage.ID, File: s.File, Origin: got.Origin, Done: got.Size, Total: got.Size})
			return got, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil { // the store cannot take it: no other place helps
			return nil, fmt.Errorf("source %q of %q: %w", s.File, stage.ID, err)
		}
	}
	err := &MissingError{Stage: stage.ID, File: s.File, Want: s.Digest, Sought: w.sought}
	f.report(Event{Kind: EventFailed, Stage: stage.ID, File: s.File, Total: -1, Err: err})
	return nil, err
}

func (f *Fetcher) report(e Event) {
	if f.Progress == nil {
		return
	}
	f.progress.Lock()
	defer f.progress.Unlock()
	f.Progress(e)
}

func (f *Fetcher) client() *http.Client {
	if f.HTTP != nil {
		return f.HTTP
	}
	return defaultClient()
}

var defaultClient = sync.OnceValue(func() *http.Client { return web.NewClient(web.Options{}) })

// Origins lists the places in which a stage's source is sought, in order, for
// people and plans.
func (f *Fetcher) Origins(stage *chain.Stage, s chain.Source) []string {
	places := []string{"store"}
	if f.Root != "" {
		places = append(places, treeDir(f.Root, stage))
	}
	places = append(places, f.Dirs...)
	if !f.Offline {
		places = append(places, s.Mirrors...)
	}
	return slices.Compact(places)
}

// Have reports whether the store holds the source already; its bytes are not
// hashed.
func (f *Fetcher) Have(s chain.Source) bool { return f.Store.Has(s.Digest) }
