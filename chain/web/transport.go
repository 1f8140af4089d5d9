package web

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// Options say how long to wait. A zero field means its default.
type Options struct {
	Connect time.Duration // for a connection and for TLS: 20 s
	Answer  time.Duration // for the header of an answer: 60 s
	Stall   time.Duration // for the next bytes of a body: 60 s
	Retries int           // of an answer 429 or 503: 4; -1 for none
	MaxWait time.Duration // that a Retry-After may ask for: 2 min
	Base    http.RoundTripper
	RootCAs *x509.CertPool // who may vouch for a server, without Base; nil means the system's
}

func (o Options) withDefaults() Options {
	set := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	set(&o.Connect, 20*time.Second)
	set(&o.Answer, time.Minute)
	set(&o.Stall, time.Minute)
	set(&o.MaxWait, 2*time.Minute)
	if o.Retries == 0 {
		o.Retries = 4
	}
	return o
}

// ErrStalled is wrapped when a server stopped sending in the middle of a body.
var ErrStalled = errors.New("the server stopped sending")

// NewTransport makes a transport with these limits. It never decompresses: the
// bytes that are hashed are those that were served.
func NewTransport(o Options) http.RoundTripper {
	o = o.withDefaults()
	base := o.Base
	if base == nil {
		base = &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           (&net.Dialer{Timeout: o.Connect, KeepAlive: 30 * time.Second}).DialContext,
			TLSClientConfig:       &tls.Config{RootCAs: o.RootCAs, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:   o.Connect,
			ResponseHeaderTimeout: o.Answer,
			ExpectContinueTimeout: time.Second,
			ForceAttemptHTTP2:     true,
			DisableCompression:    true,
			MaxIdleConns:          32,
			MaxIdleConnsPerHost:   8,
			IdleConnTimeout:       90 * time.Second,
		}
	}
	return &transport{base: base, o: o}
}

// NewClient makes a client over NewTransport. It follows at most ten redirects
// and drops credentials when one leads to another host or off TLS.
func NewClient(o Options) *http.Client {
	return &http.Client{Transport: NewTransport(o), CheckRedirect: CheckRedirect}
}

// CheckRedirect is the redirect policy of NewClient.
func CheckRedirect(req *http.Request, via []*http.Request) error {
	if len(via) >= 10 {
		return errors.New("stopped after 10 redirects")
	}
	first := via[0].URL
	if req.URL.Host != first.Host || req.URL.Scheme != first.Scheme {
		for _, h := range []string{"Authorization", "Cookie", "Www-Authenticate", "Proxy-Authorization"} {
			req.Header.Del(h)
		}
	}
	return nil
}

type transport struct {
	base http.RoundTripper
	o    Options
}

// RoundTrip sends a request, again when the server asks for that.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	for attempt := 0; ; attempt++ {
		resp, err := t.once(req)
		if err != nil || !t.again(req, resp, attempt) {
			return resp, err
		}
		wait := retryAfter(resp, attempt)
		if wait > t.o.MaxWait {
			return resp, nil // the caller sees the status and decides
		}
		_ = resp.Body.Close()
		if err := sleep(req.Context(), wait); err != nil {
			return nil, err
		}
		if req, err = rewound(req); err != nil {
			return nil, err
		}
	}
}

// rewound is a request that was sent once, ready to be sent again.
func rewound(req *http.Request) (*http.Request, error) {
	if req.GetBody == nil {
		return req, nil
	}
	body, err := req.GetBody()
	if err != nil {
		return nil, fmt.Errorf("sending the request again: %w", err)
	}
	again := req.Clone(req.Context())
	again.Body = body
	return again, nil
}

func (t *transport) again(req *http.Request, resp *http.Response, attempt int) bool {
	busy := resp.StatusCode == http.StatusTooManyRequests || (resp.StatusCode == http.StatusServiceUnavailable && resp.Header.Get("Retry-After") != "")
	replayable := req.Body == nil || req.Body == http.NoBody || req.GetBody != nil
	return busy && replayable && attempt < t.o.Retries
}

// once sends a request and gives its body a limit on silence.
func (t *transport) once(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	resp, err := t.base.RoundTrip(req.WithContext(ctx))
	if err != nil {
		cancel(nil)
		return nil, err
	}
	b := &body{ReadCloser: resp.Body, ctx: ctx, cancel: cancel, stall: t.o.Stall}
	b.timer = time.AfterFunc(b.stall, func() { cancel(fmt.Errorf("%w for %s", ErrStalled, b.stall)) })
	resp.Body = b
	return resp, nil
}

// body is a response's body that fails when nothing comes for too long.
type body struct {
	io.ReadCloser
	ctx    context.Context
	cancel context.CancelCauseFunc
	stall  time.Duration
	timer  *time.Timer
}

// Read reads; only the time spent here counts as silence.
func (b *body) Read(p []byte) (int, error) {
	b.timer.Reset(b.stall)
	n, err := b.ReadCloser.Read(p)
	b.timer.Stop()
	if err != nil && err != io.EOF {
		if cause := context.Cause(b.ctx); errors.Is(cause, ErrStalled) {
			err = cause
		}
	}
	return n, err
}

func (b *body) Close() error {
	b.timer.Stop()
	err := b.ReadCloser.Close()
	b.cancel(nil)
	return err
}

// retryAfter is how long a busy server wants us to wait: its header in seconds
// or as a date, else one second, doubled each time.
func retryAfter(resp *http.Response, attempt int) time.Duration {
	h := resp.Header.Get("Retry-After")
	if n, err := strconv.Atoi(h); err == nil && n >= 0 {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(h); err == nil {
		return max(0, time.Until(at))
	}
	return time.Second << min(attempt, 6)
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
