package pgp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/stagescope/stagescope/chain"
)

// Lookaside is an HTTPS place of signatures, laid out as containers'
// registries.d(5) has it. Client brings proxies, time limits and the wait that
// an answer 429 asks for: see package web.
type Lookaside struct {
	Base   string // e.g. "https://example.org/signatures"
	Client *http.Client
}

// Of fetches and checks the signatures of one digest, from number 1 to the
// first that is missing. With an error come the signatures that were read
// before it: what follows is then unknown, not absent.
func (l *Lookaside) Of(ctx context.Context, v *Verifier, repository string, digest chain.Digest) ([]Signature, error) {
	base, err := url.Parse(l.Base)
	if err != nil {
		return nil, fmt.Errorf("reading the lookaside's address %q: %w", l.Base, err)
	}
	if base.Scheme != "https" && !(base.Scheme == "http" && loopback(base.Hostname())) {
		return nil, fmt.Errorf("reading the lookaside %q: not an https address", l.Base)
	}
	if l.Client == nil {
		return nil, errors.New("reading a lookaside: no HTTP client")
	}
	var all []Signature
	for n := 1; n <= maxNumber; n++ {
		p := Path(repository, digest, n)
		if _, _, _, err := ParsePath(p); err != nil {
			return nil, err
		}
		b, found, err := l.get(ctx, base.JoinPath(p).String())
		if err != nil {
			return all, fmt.Errorf("fetching %q: %w", p, err)
		}
		if !found {
			return all, nil
		}
		all = append(all, v.Check(p, b))
	}
	return all, fmt.Errorf("fetching signatures of %s@%s: more than %d", repository, digest, maxNumber)
}

func (l *Lookaside) get(ctx context.Context, address string) (b []byte, found bool, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, false, err
	}
	resp, err := l.Client.Do(req)
	if err != nil {
		return nil, false, err
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return nil, false, nil
	default:
		return nil, false, fmt.Errorf("the server answered %q", resp.Status)
	}
	if b, err = io.ReadAll(io.LimitReader(resp.Body, maxFile+1)); err != nil {
		return nil, false, err
	}
	return b, true, nil
}

func loopback(host string) bool {
	return host == "localhost" || host == "127.0.0.1" || host == "::1"
}
