package image

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/web"
)

// userAgent is how registries see us.
const userAgent = "stagescope"

// remoteBlobs is a repository of a registry. Go-containerregistry speaks the
// protocol; what it gives is hashed again by the caller.
type remoteBlobs struct {
	repo  name.Repository
	opts  []remote.Option
	first *remote.Descriptor // the object that the reference names

}

// RemoteOptions are the settings with which this program reaches registries,
// for those who push and pull other things than images. Credentials come from
// Docker's and Podman's configuration when keychain is nil.
func RemoteOptions(ctx context.Context, keychain authn.Keychain) []remote.Option {
	if keychain == nil {
		keychain = authn.DefaultKeychain
	}
	return []remote.Option{
		remote.WithContext(ctx),
		remote.WithAuthFromKeychain(keychain),
		remote.WithTransport(web.NewTransport(web.Options{})),
		remote.WithUserAgent(userAgent),
		// The transport waits as long as a busy server asks; no second loop over it.
		remote.WithRetryStatusCodes(http.StatusRequestTimeout, http.StatusInternalServerError, http.StatusBadGateway, http.StatusGatewayTimeout),
	}
}

func openRegistry(ctx context.Context, r Reference, o Options) (*Image, error) {
	if o.Offline {
		return nil, fmt.Errorf("%s is in a registry: %w", r.Name, ErrOffline)
	}
	b := &remoteBlobs{repo: r.Name.Context(), opts: RemoteOptions(ctx, o.Keychain)}
	if o.Transport != nil {
		b.opts = append(b.opts, remote.WithTransport(o.Transport))
	}
	desc, err := remote.Get(r.Name, b.opts...)
	if err != nil {
		return nil, registryError(err)
	}
	b.first = desc
	root := ocispec.Descriptor{MediaType: string(desc.MediaType), Digest: digest.Digest(desc.Digest.String()), Size: int64(len(desc.Manifest))}
	if d, ok := r.Name.(name.Digest); ok {
		root.Digest = digest.Digest(d.DigestStr()) // what was asked for, not what was answered
	}
	return fromRoot(ctx, b, root, r, o)
}

func (g *remoteBlobs) open(ctx context.Context, d ocispec.Descriptor) (io.ReadCloser, error) {
	dg, err := chain.ParseDigest(string(d.Digest))
	if err != nil {
		return nil, err
	}
	if g.first.Digest.String() == string(dg) {
		return io.NopCloser(bytes.NewReader(g.first.Manifest)), nil
	}
	ref := g.repo.Digest(string(dg))
	opts := append(g.opts[:len(g.opts):len(g.opts)], remote.WithContext(ctx))
	if isIndex(d.MediaType) || d.MediaType == ocispec.MediaTypeImageManifest || d.MediaType == dockerManifest {
		desc, err := remote.Get(ref, opts...)
		if err != nil {
			return nil, registryError(err)
		}
		return io.NopCloser(bytes.NewReader(desc.Manifest)), nil
	}
	l, err := remote.Layer(ref, opts...)
	if err != nil {
		return nil, registryError(err)
	}
	rc, err := l.Compressed()
	if err != nil {
		return nil, registryError(err)
	}
	return &unverified{rc}, nil
}

func (g *remoteBlobs) Close() error { return nil }

// unverified takes back go-containerregistry's own verdict at the end of a
// blob: the caller hashes the same bytes and gives a typed error.
type unverified struct{ io.ReadCloser }

func (u *unverified) Read(p []byte) (int, error) {
	n, err := u.ReadCloser.Read(p)
	if err != nil && strings.HasPrefix(err.Error(), "error verifying ") {
		err = io.EOF
	}
	return n, err
}

// registryError says in words what a registry's status means.
func registryError(err error) error {
	var t *transport.Error
	if !errors.As(err, &t) {
		return fmt.Errorf("asking the registry: %w", err)
	}
	switch t.StatusCode {
	case http.StatusNotFound:
		return fmt.Errorf("the registry does not have it: %w", errors.Join(ErrNotFound, err))
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Errorf("the registry does not let us in: %w", err)
	case http.StatusTooManyRequests:
		return fmt.Errorf("the registry has had too many requests: %w", err)
	}
	return fmt.Errorf("asking the registry: %w", err)
}
