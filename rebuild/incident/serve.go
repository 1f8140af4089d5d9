package incident

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/stagescope/stagescope/chain/incident"
)

// Served is the parties' repositories as registries on loopback.
type Served struct {
	Repositories map[string]string // party → "127.0.0.1:PORT/PARTY"
	PartiesFile  string            // parties.toml with these; removed by Close

	server *http.Server
	dir    string
}

// maxManifest bounds a blob that is looked at to see whether it is a manifest.
const maxManifest = 4 << 20

// Serve serves the repositories at an address of this machine, e.g.
// "127.0.0.1:0", until Close. What a repository has is served as it lies on
// disk: nobody hashes it for the reader.
func (s *Staged) Serve(ctx context.Context, address string) (*Served, error) {
	out := &Served{Repositories: map[string]string{}}
	var listen net.ListenConfig
	l, err := listen.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("serving the registries: %w", err)
	}
	handler := registry.New(registry.WithBlobHandler(places{s}), registry.WithReferrersSupport(true), registry.Logger(log.New(io.Discard, "", 0)))
	for party := range s.Places {
		out.Repositories[party] = l.Addr().String() + "/" + party
		if err := s.load(handler, party); err != nil {
			l.Close()
			return nil, fmt.Errorf("serving the registry of %s: %w", party, err)
		}
	}
	if err := s.writeServed(out); err != nil {
		l.Close()
		return nil, fmt.Errorf("serving the registries: %w", err)
	}
	out.server = &http.Server{Handler: readOnly(handler), ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
	go func() { _ = out.server.Serve(l) }()
	return out, nil
}

// Close ends serving.
func (s *Served) Close() error {
	return errors.Join(s.server.Close(), os.RemoveAll(s.dir))
}

// readOnly lets nobody change what is served.
func readOnly(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			http.Error(w, "this registry is only read", http.StatusMethodNotAllowed)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// writeServed writes the parties with their registries in the place of their
// directories, beside nobody else's.
func (s *Staged) writeServed(out *Served) error {
	data, err := os.ReadFile(s.PartiesFile())
	if err != nil {
		return err
	}
	text := string(data)
	for party, repo := range out.Repositories {
		text = strings.ReplaceAll(text, fmt.Sprintf("%q", "oci:"+s.Place(party)), fmt.Sprintf("%q", repo))
	}
	if out.dir, err = os.MkdirTemp("", "stagescope-demo-"); err != nil {
		return err
	}
	out.PartiesFile = filepath.Join(out.dir, "parties.toml")
	return os.WriteFile(out.PartiesFile, []byte(text), 0o644)
}

// load hands a repository's manifests to the registry: those that others point to
// first, as it insists on that.
func (s *Staged) load(h http.Handler, party string) error {
	dir := filepath.Join(s.Place(party), ocispec.ImageBlobsDir, "sha256")
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it has published nothing
	}
	if err != nil {
		return err
	}
	bodies := map[string][]byte{}
	types := map[string]string{}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || info.Size() > maxManifest {
			continue
		}
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return err
		}
		var m struct {
			MediaType string            `json:"mediaType"`
			Manifests []json.RawMessage `json:"manifests"`
			Layers    []json.RawMessage `json:"layers"`
		}
		if json.Unmarshal(data, &m) == nil && (m.Manifests != nil || m.Layers != nil) && m.MediaType != "" {
			bodies["sha256:"+e.Name()], types["sha256:"+e.Name()] = data, m.MediaType
		}
	}
	data, err := os.ReadFile(filepath.Join(s.Place(party), ocispec.ImageIndexFile))
	if err != nil {
		return err
	}
	var top ocispec.Index
	if err := json.Unmarshal(data, &top); err != nil {
		return err
	}
	tags := map[string]string{}
	repos := map[string]map[string]string{party: tags} // tags by repository
	for _, m := range top.Manifests {
		tag := m.Annotations[ocispec.AnnotationRefName]
		if tag == "" || bodies[string(m.Digest)] == nil {
			continue
		}
		tags[tag] = string(m.Digest)
		if s.servesOnly(party) { // as registries have it: a repository for each stage
			repos[party+"/"+tag] = map[string]string{"latest": string(m.Digest)}
		}
	}
	for repo, tags := range repos {
		if err := fill(h, repo, tags, bodies, types); err != nil {
			return err
		}
	}
	return nil
}

// servesOnly says whether a party only serves images.
func (s *Staged) servesOnly(party string) bool {
	i, err := incident.Find(s.Name)
	return err == nil && slices.ContainsFunc(i.Parties, func(p incident.Party) bool { return p.Name == party && p.Serves })
}

// fill puts manifests, and then tags, into a repository of the registry.
func fill(h http.Handler, repo string, tags map[string]string, bodies map[string][]byte, types map[string]string) error {
	put := func(ref, d string) error {
		r, err := http.NewRequest(http.MethodPut, "/v2/"+repo+"/manifests/"+ref, strings.NewReader(string(bodies[d])))
		if err != nil {
			return err
		}
		r.Header.Set("Content-Type", types[d])
		w := &answer{header: http.Header{}}
		if h.ServeHTTP(w, r); w.code != http.StatusCreated {
			return fmt.Errorf("%s: status %d: %s", ref, w.code, strings.TrimSpace(w.body.String()))
		}
		return nil
	}
	for _, index := range []bool{false, true} {
		for d := range bodies {
			if (types[d] == ocispec.MediaTypeImageIndex) == index {
				if err := put(d, d); err != nil {
					return err
				}
			}
		}
	}
	for tag, d := range tags {
		if err := put(tag, d); err != nil {
			return err
		}
	}
	return nil
}

// places are the blobs of all repositories, each by its party's name.
type places struct{ *Staged }

// path is where a blob of a repository lies; "" when there is no such repository.
func (p places) path(repo string, h v1.Hash) string {
	party, _, _ := strings.Cut(repo, "/")
	if _, ok := p.Places[party]; !ok || h.Algorithm != "sha256" {
		return ""
	}
	return filepath.Join(p.Place(party), ocispec.ImageBlobsDir, "sha256", h.Hex)
}

// Get opens a blob as it lies there.
func (p places) Get(_ context.Context, repo string, h v1.Hash) (io.ReadCloser, error) {
	f, err := os.Open(p.path(repo, h))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, registry.ErrNotFound
	}
	return f, err
}

// Stat gives a blob's size.
func (p places) Stat(_ context.Context, repo string, h v1.Hash) (int64, error) {
	info, err := os.Stat(p.path(repo, h))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, registry.ErrNotFound
	}
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// answer keeps what a handler answers.
type answer struct {
	header http.Header
	code   int
	body   strings.Builder
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) WriteHeader(code int)        { a.code = code }
func (a *answer) Write(b []byte) (int, error) { return a.body.Write(b) }
