package engine

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/moby/buildkit/client"

	// Each import registers one kind of address.
	_ "github.com/moby/buildkit/client/connhelper/dockercontainer"
	_ "github.com/moby/buildkit/client/connhelper/kubepod"
	_ "github.com/moby/buildkit/client/connhelper/podmancontainer"
	_ "github.com/moby/buildkit/client/connhelper/ssh"

	"github.com/stagescope/stagescope/rebuild"
)

// TLS are the files of a mutually authenticated connection to a tcp:// address.
type TLS struct {
	CA, Cert, Key string // PEM files; empty means none
	ServerName    string // "" means the address's host
}

var schemes = []string{"unix", "tcp", "docker-container", "kube-pod", "podman-container", "ssh", "npipe"}

// Dial connects to a BuildKit at addr: unix://, tcp://, docker-container://,
// kube-pod://, podman-container:// or ssh://. For tcp:// the files of a TLS
// connection can stand in the address, as ?ca=&cert=&key=&servername=. An
// address where nothing answers is an error after a few seconds.
func Dial(ctx context.Context, addr string) (rebuild.Engine, error) {
	clean, tls, err := splitTLS(addr)
	if err != nil {
		return nil, err
	}
	var opts []client.ClientOpt
	if tls.CA != "" {
		name := tls.ServerName
		if name == "" {
			u, _ := url.Parse(clean)
			name = u.Hostname()
		}
		opts = append(opts, client.WithServerConfig(name, tls.CA))
	}
	if tls.Cert != "" || tls.Key != "" {
		opts = append(opts, client.WithCredentials(tls.Cert, tls.Key))
	}
	c, err := client.New(ctx, clean, opts...)
	if err != nil {
		return nil, fmt.Errorf("connecting to engine %s: %w", addr, err)
	}
	b := &remote{buildkit{client: c, info: rebuild.EngineInfo{Address: clean}}}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	info, err := b.Describe(ctx)
	if err != nil {
		c.Close()
		return nil, err
	}
	b.info = info
	return b, nil
}

// splitTLS takes the TLS parameters out of an address.
func splitTLS(addr string) (string, TLS, error) {
	u, err := url.Parse(addr)
	if err != nil {
		return "", TLS{}, fmt.Errorf("engine address %q: %w", addr, err)
	}
	known := false
	for _, s := range schemes {
		known = known || u.Scheme == s
	}
	if !known {
		return "", TLS{}, fmt.Errorf("engine address %q: it must begin with one of %s://", addr, strings.Join(schemes, "://, "))
	}
	if u.Scheme != "tcp" {
		return addr, TLS{}, nil
	}
	q := u.Query()
	t := TLS{CA: q.Get("ca"), Cert: q.Get("cert"), Key: q.Get("key"), ServerName: q.Get("servername")}
	for _, k := range []string{"ca", "cert", "key", "servername"} {
		q.Del(k)
	}
	if len(q) > 0 {
		return "", TLS{}, fmt.Errorf("engine address %q: unknown parameters %q", addr, q.Encode())
	}
	if (t.Cert == "") != (t.Key == "") {
		return "", TLS{}, fmt.Errorf("engine address %q: cert and key go together", addr)
	}
	u.RawQuery = ""
	return u.String(), t, nil
}

// remote is an engine that somebody else started.
type remote struct{ buildkit }

func (r *remote) Close() error { return r.client.Close() }

var _ rebuild.Engine = (*remote)(nil)
