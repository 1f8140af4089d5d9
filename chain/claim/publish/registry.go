package publish

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/stagescope/stagescope/chain/web"
)

// Options say how registries are reached. The zero value does it with the
// user's credentials and the system's authorities.
type Options struct {
	Keychain  authn.Keychain    // nil means Docker's and Podman's configuration, and its helpers
	Transport http.RoundTripper // nil means web.NewTransport with its defaults
	Offline   bool              // no registry is reached
}

// Registry is a repository of a registry.
type Registry struct {
	repo name.Repository
	o    Options
	now  func() time.Time
	wait func(context.Context, time.Duration) error

	mu      sync.Mutex
	clients map[string]*login // by scope
}

var _ Place = (*Registry)(nil)

// login is the outcome of introducing ourselves to a registry.
type login struct {
	client *http.Client
	err    error
	at     time.Time
}

// refusalHolds is for how long a registry that could not be reached is not
// tried again: a search asks it for hundreds of subjects.
const refusalHolds = 15 * time.Second

// NewRegistry gives a place in a registry, e.g. "ghcr.io/alice/stagex-claims".
// Nothing is sent yet.
func NewRegistry(repo string, o Options) (*Registry, error) {
	r, err := name.NewRepository(repo)
	if err != nil {
		return nil, fmt.Errorf("%q is no repository of a registry: %w", repo, err)
	}
	if o.Keychain == nil {
		o.Keychain = authn.DefaultKeychain
	}
	if o.Transport == nil {
		o.Transport = web.NewTransport(web.Options{})
	}
	return &Registry{repo: r, o: o, now: time.Now, wait: sleep, clients: map[string]*login{}}, nil
}

// Name is the repository with its registry.
func (r *Registry) Name() string { return r.repo.Name() }

// client gives a client that may do what scope says.
func (r *Registry) client(ctx context.Context, scope string) (*http.Client, error) {
	if r.o.Offline {
		return nil, fmt.Errorf("%s is in a registry: %w", r.Name(), ErrOffline)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if l := r.clients[scope]; l != nil && (l.err == nil || r.now().Sub(l.at) < refusalHolds) {
		return l.client, l.err
	}
	client, err := r.login(ctx, scope)
	if ctx.Err() == nil {
		r.clients[scope] = &login{client, err, r.now()}
	}
	return client, err
}

func (r *Registry) login(ctx context.Context, scope string) (*http.Client, error) {
	auth, err := authn.Resolve(ctx, r.o.Keychain, r.repo)
	if err != nil {
		return nil, fmt.Errorf("reading the credentials for %s: %w", r.repo.RegistryStr(), err)
	}
	rt, err := transport.NewWithContext(ctx, r.repo.Registry, auth, r.o.Transport, []string{r.repo.Scope(scope)})
	if err != nil {
		return nil, fmt.Errorf("reaching the registry %s: %w", r.repo.RegistryStr(), err)
	}
	return &http.Client{Transport: rt, CheckRedirect: checkRedirect}, nil
}

// checkRedirect follows redirects as package web does, without credentials for
// another host, and never from TLS to plain text.
func checkRedirect(req *http.Request, via []*http.Request) error {
	if via[0].URL.Scheme == "https" && req.URL.Scheme != "https" {
		return fmt.Errorf("refusing a redirect from TLS to %s://%s", req.URL.Scheme, req.URL.Host)
	}
	return web.CheckRedirect(req, via)
}

// request is one question to the registry.
type request struct {
	method string
	path   string // below the repository, "manifests/latest", or an absolute URL
	header map[string]string
	size   int64
	body   func() (io.ReadCloser, error)
}

// tries bounds how often a question is asked of a registry that is in trouble,
// and firstWait is how long it gets after the first time; each time four times
// as long.
const (
	tries     = 3
	firstWait = 250 * time.Millisecond
)

// send asks, and gives an answer that has one of the statuses wanted. Its body
// must be closed. A question that changes nothing is asked again when a gateway
// fails or the connection breaks: one of thousands always does.
func (r *Registry) send(ctx context.Context, q request, want ...int) (*http.Response, error) {
	for n, pause := 1, firstWait; ; n, pause = n+1, 4*pause {
		resp, err := r.sendOnce(ctx, q, want...)
		if err == nil || n == tries || !passing(err) || (q.method != http.MethodGet && q.method != http.MethodHead) {
			return resp, err
		}
		if r.wait(ctx, pause) != nil {
			return nil, err
		}
	}
}

func (r *Registry) sendOnce(ctx context.Context, q request, want ...int) (*http.Response, error) {
	scope := transport.PullScope
	if q.method != http.MethodGet && q.method != http.MethodHead {
		scope = transport.PushScope
	}
	client, err := r.client(ctx, scope)
	if err != nil {
		return nil, &noAnswer{err}
	}
	url := q.path
	if !strings.Contains(url, "://") {
		url = fmt.Sprintf("%s://%s/v2/%s/%s", r.repo.Scheme(), r.repo.RegistryStr(), r.repo.RepositoryStr(), q.path)
	}
	req, err := http.NewRequestWithContext(ctx, q.method, url, nil)
	if err != nil {
		return nil, fmt.Errorf("asking %s: %w", r.Name(), answerError(err))
	}
	for k, v := range q.header {
		req.Header.Set(k, v)
	}
	if q.body != nil {
		if req.Body, err = q.body(); err != nil {
			return nil, err
		}
		req.GetBody, req.ContentLength = q.body, q.size
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, &noAnswer{fmt.Errorf("asking %s: %w", r.Name(), answerError(err))}
	}
	for _, code := range want {
		if resp.StatusCode == code {
			return resp, nil
		}
	}
	defer resp.Body.Close()
	return nil, statusError(resp, r.Name())
}

// accepted are the media types of manifests that are asked for.
var accepted = strings.Join([]string{
	ocispec.MediaTypeImageManifest, ocispec.MediaTypeImageIndex,
	"application/vnd.docker.distribution.manifest.v2+json",
	"application/vnd.docker.distribution.manifest.list.v2+json",
}, ", ")

// Manifest implements Place.
func (r *Registry) Manifest(ctx context.Context, ref string) (Manifest, error) {
	resp, err := r.send(ctx, request{method: http.MethodGet, path: "manifests/" + ref, header: map[string]string{"Accept": accepted}}, http.StatusOK)
	if err != nil {
		return Manifest{}, err
	}
	defer resp.Body.Close()
	m, err := readManifest(resp)
	if err != nil {
		return Manifest{}, fmt.Errorf("reading manifest %s of %s: %w", ref, r.Name(), err)
	}
	return m, checkManifest(m, ref, r.Name())
}

// readManifest reads an answer that is a manifest. The media type that the
// manifest itself states is the one that its digest covers.
func readManifest(resp *http.Response) (Manifest, error) {
	raw, err := readLimited(resp.Body, "bytes of a manifest", maxManifest)
	if err != nil {
		return Manifest{}, err
	}
	typ, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	m := Manifest{MediaType: typ, Raw: raw}
	if p, err := m.parse(); err == nil && p.MediaType != "" {
		m.MediaType = p.MediaType
	}
	return m, nil
}

// PutManifest implements Place.
func (r *Registry) PutManifest(ctx context.Context, m Manifest, tag string) error {
	if tag == "" {
		tag = string(m.Digest())
	}
	resp, err := r.send(ctx, request{
		method: http.MethodPut, path: "manifests/" + tag,
		header: map[string]string{"Content-Type": m.MediaType},
		body:   opener(m.Raw), size: int64(len(m.Raw)),
	}, http.StatusCreated, http.StatusOK, http.StatusAccepted)
	if err != nil {
		return fmt.Errorf("putting manifest %s: %w", m.Digest(), err)
	}
	return resp.Body.Close()
}

// Blob implements Place.
func (r *Registry) Blob(ctx context.Context, d ocispec.Descriptor) (io.ReadCloser, error) {
	if err := checkDescriptor(d); err != nil {
		return nil, err
	}
	resp, err := r.send(ctx, request{method: http.MethodGet, path: "blobs/" + string(d.Digest)}, http.StatusOK)
	if err != nil {
		return nil, fmt.Errorf("reading blob %s: %w", d.Digest, err)
	}
	return verify(resp.Body, d, r.Name()), nil
}

// PutBlob implements Place.
func (r *Registry) PutBlob(ctx context.Context, d ocispec.Descriptor, open func() (io.ReadCloser, error)) error {
	err := r.putBlob(ctx, d, open)
	if err != nil {
		return fmt.Errorf("putting blob %s: %w", d.Digest, err)
	}
	return nil
}

func (r *Registry) putBlob(ctx context.Context, d ocispec.Descriptor, open func() (io.ReadCloser, error)) error {
	if err := checkDescriptor(d); err != nil {
		return err
	}
	resp, err := r.send(ctx, request{method: http.MethodHead, path: "blobs/" + string(d.Digest)}, http.StatusOK)
	if err == nil {
		return resp.Body.Close()
	}
	if !errors.Is(err, ErrNotFound) {
		return err
	}
	resp, err = r.send(ctx, request{method: http.MethodPost, path: "blobs/uploads/"}, http.StatusAccepted)
	if err != nil {
		return err
	}
	resp.Body.Close()
	at, err := resp.Location()
	if err != nil {
		return fmt.Errorf("%s says no place to upload to: %w", r.Name(), answerError(err))
	}
	query := at.Query()
	query.Set("digest", string(d.Digest))
	at.RawQuery = query.Encode()
	resp, err = r.send(ctx, request{
		method: http.MethodPut, path: at.String(),
		header: map[string]string{"Content-Type": "application/octet-stream"},
		body:   open, size: d.Size,
	}, http.StatusCreated, http.StatusNoContent, http.StatusOK)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}
