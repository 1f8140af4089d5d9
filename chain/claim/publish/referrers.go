package publish

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/image"
)

// tagFor is the tag under which the referrers of a subject are listed where
// there is no referrers API, by the distribution specification.
func tagFor(subject chain.Digest) string { return "sha256-" + subject.Hex() }

// viaAPI is what Referrer.Via says of the referrers API.
const viaAPI = "referrers API"

// Referrers implements Place: what the API and the tag list, together. Either
// may be out of date, and whoever controls only one can hide nothing.
func (r *Registry) Referrers(ctx context.Context, subject chain.Digest) ([]Referrer, []Unread) {
	var l listing
	listTag(ctx, r, subject, &l) // first: APIs are known to misstate types
	if len(l.missed) > 0 && !answered(l.missed[0].Err) {
		return l.list, l.missed // it would not answer the second question either
	}
	if err := r.listAPI(ctx, subject, &l); err != nil {
		l.unread(fmt.Sprintf("%s, %s for %s", r.Name(), viaAPI, subject), err)
	}
	return l.list, l.missed
}

// answered says whether the registry answered, be it wrongly.
func answered(err error) bool {
	var none *noAnswer
	return !errors.As(err, &none)
}

// listing collects referrers from several lists.
type listing struct {
	list   []Referrer
	at     map[chain.Digest]int
	missed []Unread
}

func (l *listing) unread(origin string, err error) {
	l.missed = append(l.missed, Unread{Origin: origin, Err: err})
}

func (l *listing) add(d ocispec.Descriptor, via string) error {
	if l.at == nil {
		l.at = map[chain.Digest]int{}
	}
	if i, ok := l.at[chain.Digest(d.Digest)]; ok {
		l.list[i].Via = append(l.list[i].Via, via)
		return nil
	}
	if len(l.list) >= maxReferrers {
		return &image.LimitError{What: "referrers of one subject", Limit: maxReferrers}
	}
	l.at[chain.Digest(d.Digest)] = len(l.list)
	l.list = append(l.list, Referrer{Descriptor: d, Via: []string{via}})
	return nil
}

// addAll takes in the entries of an index.
func (l *listing) addAll(m Manifest, via string) error {
	p, err := m.parse()
	if err != nil {
		return err
	}
	if !p.isIndex() {
		return fmt.Errorf("%s is no index", m.Digest())
	}
	for _, d := range p.Manifests {
		if err := l.add(d, via); err != nil {
			return err
		}
	}
	return nil
}

// listTag lists what the tag of a subject names.
func listTag(ctx context.Context, p Place, subject chain.Digest, l *listing) {
	tag := tagFor(subject)
	m, err := p.Manifest(ctx, tag)
	if err == nil {
		err = l.addAll(m, "tag")
	}
	if err != nil && !errors.Is(err, ErrNotFound) {
		l.unread(fmt.Sprintf("%s:%s", p.Name(), tag), err)
	}
}

// listAPI asks the referrers API, page by page. A registry that has none lists
// nothing by it.
func (r *Registry) listAPI(ctx context.Context, subject chain.Digest, l *listing) error {
	next := "referrers/" + string(subject)
	for range maxPages {
		resp, err := r.send(ctx, request{method: http.MethodGet, path: next, header: map[string]string{"Accept": ocispec.MediaTypeImageIndex}}, http.StatusOK)
		if err != nil {
			if noAPI(err) {
				return nil
			}
			return err
		}
		m, err := readManifest(resp)
		resp.Body.Close()
		if err != nil {
			return err
		}
		if err := l.addAll(m, viaAPI); err != nil {
			return err
		}
		if next, err = nextPage(resp); err != nil || next == "" {
			return err
		}
	}
	return &image.LimitError{What: "pages of referrers", Limit: maxPages}
}

// noAPI says whether an answer means that the registry has no referrers API,
// or not the repository.
func noAPI(err error) bool {
	var status *StatusError
	if !errors.As(err, &status) {
		return false
	}
	switch status.Code {
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return true
	}
	return false
}

var linkNext = regexp.MustCompile(`^\s*<([^>]*)>\s*;.*\brel="?next"?`)

// nextPage is the URL of the next page, on the same host, or "".
func nextPage(resp *http.Response) (string, error) {
	m := linkNext.FindStringSubmatch(resp.Header.Get("Link"))
	if m == nil {
		return "", nil
	}
	link, err := url.Parse(m[1])
	if err != nil {
		return "", fmt.Errorf("the link to the next page: %w", answerError(err))
	}
	at := resp.Request.URL.ResolveReference(link)
	if at.Host != resp.Request.URL.Host || at.Scheme != resp.Request.URL.Scheme {
		return "", fmt.Errorf("the next page is on another host, %q", at.Host)
	}
	return at.String(), nil
}
