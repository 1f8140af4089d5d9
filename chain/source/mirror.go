package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/stagescope/stagescope/chain/store"
)

// maxSource bounds what a mirror may send for one source.
const maxSource = 16 << 30

// maxAttempts bounds the requests to one mirror, however much each of them
// brought.
const maxAttempts = 32

// progress is how many bytes a request must bring not to count as a failure, so
// that a mirror cannot hold us by sending a few bytes at a time.
const progress = 1 << 20

// final is an error that asking the same mirror again will not mend.
type final struct{ error }

func (e final) Unwrap() error { return e.error }

// local is an error of this machine: no other mirror helps.
type local struct{ error }

func (e local) Unwrap() error { return e.error }

// fromMirrors asks the mirrors in their order.
func (w *want) fromMirrors(ctx context.Context) (*Got, error) {
	if w.f.Offline {
		for _, m := range w.source.Mirrors {
			w.missed(m, ErrOffline)
		}
		return nil, nil
	}
	for _, m := range w.source.Mirrors {
		got, err := w.fromMirror(ctx, m)
		var l local
		switch {
		case got != nil:
			return got, nil
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case errors.As(err, &l):
			return nil, l.error
		}
		w.missed(m, err)
		w.event(Event{Kind: EventRetry, Origin: m, Total: -1, Err: err})
	}
	return nil, nil
}

func (w *want) fromMirror(ctx context.Context, mirror string) (*Got, error) {
	u, err := url.Parse(mirror)
	if err != nil {
		return nil, fmt.Errorf("not a URL: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("scheme %q is not supported", u.Scheme)
	}
	p, err := openPart(w.f.Store, w.source.Digest.Hex())
	if err != nil {
		return nil, local{err}
	}
	defer p.close()
	d := &download{w: w, url: mirror, part: p}
	if err := d.run(ctx); err != nil {
		return nil, err
	}
	return d.finish(ctx)
}

// download is one mirror being asked for one source, as often as it takes.
type download struct {
	w       *want
	url     string
	part    *part
	resumed bool  // some of the bytes came by another request
	bytes   int64 // that came over the network
	last    time.Time
}

// run asks until all bytes are in the part. An attempt that brought many bytes
// does not count against the retries.
func (d *download) run(ctx context.Context) error {
	failures := 0
	for range maxAttempts {
		before := d.bytes
		err := d.attempt(ctx)
		var f final
		var l local
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.As(err, &f), errors.As(err, &l):
			return err
		}
		if d.bytes-before < progress {
			failures++
		}
		if failures > d.w.f.retries() {
			return err
		}
		d.w.event(Event{Kind: EventRetry, Origin: d.url, Done: d.part.size, Total: -1, Err: err})
		if err := sleep(ctx, d.w.f.backoff(failures)); err != nil {
			return err
		}
	}
	return fmt.Errorf("given up after %d requests", maxAttempts)
}

func (f *Fetcher) retries() int {
	switch {
	case f.Retries < 0:
		return 0
	case f.Retries == 0:
		return 3
	}
	return f.Retries
}

// backoff is half a second, doubled with each failure, at most half a minute.
func (f *Fetcher) backoff(failures int) time.Duration {
	base := f.Backoff
	if base == 0 {
		base = 500 * time.Millisecond
	}
	return min(base<<min(max(failures-1, 0), 10), 30*time.Second)
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

// attempt sends one request, for what is still missing.
func (d *download) attempt(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.url, nil)
	if err != nil {
		return final{err}
	}
	req.Header.Set("User-Agent", "stagescope")
	req.Header.Set("Accept-Encoding", "identity") // the pin is of the file, not of an encoding of it
	offset := d.part.size
	if offset > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", offset))
		if v := d.part.validator(d.url); v != "" {
			req.Header.Set("If-Range", v)
		}
	}
	resp, err := d.w.f.client().Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err
		}
		var dns *net.DNSError
		if errors.Is(err, syscall.ECONNREFUSED) || (errors.As(err, &dns) && dns.IsNotFound) {
			return final{err} // there is another mirror sooner than a server here
		}
		return err
	}
	defer resp.Body.Close()
	return d.answer(resp, offset)
}

// answer judges a response and takes its bytes.
func (d *download) answer(resp *http.Response, offset int64) error {
	switch resp.StatusCode {
	case http.StatusOK:
		if err := d.part.restart(); err != nil { // a range that was asked for was ignored
			return local{err}
		}
		d.resumed = false
	case http.StatusPartialContent:
		start, err := rangeStart(resp.Header.Get("Content-Range"))
		if err != nil || start != offset {
			if err := d.part.restart(); err != nil {
				return local{err}
			}
			return fmt.Errorf("answered with the wrong range %q", resp.Header.Get("Content-Range"))
		}
		d.resumed = d.resumed || offset > 0
	case http.StatusRequestedRangeNotSatisfiable:
		if total, ok := strings.CutPrefix(resp.Header.Get("Content-Range"), "bytes */"); ok && total == strconv.FormatInt(offset, 10) {
			d.resumed = true
			return nil // it was complete
		}
		if err := d.part.restart(); err != nil {
			return local{err}
		}
		return errors.New("has fewer bytes than were had already")
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return fmt.Errorf("answered %s", resp.Status)
	default:
		return final{fmt.Errorf("answered %s", resp.Status)}
	}
	if resp.Header.Get("Content-Encoding") != "" && resp.Header.Get("Content-Encoding") != "identity" {
		return final{fmt.Errorf("answered in the encoding %q", resp.Header.Get("Content-Encoding"))}
	}
	return d.body(resp)
}

// rangeStart reads "bytes 5-9/10".
func rangeStart(h string) (int64, error) {
	h, ok := strings.CutPrefix(h, "bytes ")
	start, _, ok2 := strings.Cut(h, "-")
	if !ok || !ok2 {
		return 0, errors.New("not a range")
	}
	return strconv.ParseInt(start, 10, 64)
}

// body appends the response's bytes to the part.
func (d *download) body(resp *http.Response) error {
	total := int64(-1)
	if resp.ContentLength >= 0 {
		total = d.part.size + resp.ContentLength
	}
	if total > maxSource {
		return final{fmt.Errorf("wants to send %d bytes; more than %d are not taken", total, int64(maxSource))}
	}
	if err := d.part.remember(d.url, resp); err != nil {
		return local{err}
	}
	d.w.event(Event{Kind: EventStart, Origin: d.url, Done: d.part.size, Total: total})
	buf := make([]byte, 128<<10)
	for {
		n, err := resp.Body.Read(buf)
		if n > 0 {
			if d.part.size+int64(n) > maxSource {
				return final{fmt.Errorf("sends more than %d bytes", int64(maxSource))}
			}
			if err := d.part.write(buf[:n], total); err != nil {
				return local{err}
			}
			d.bytes += int64(n)
			if now := time.Now(); now.Sub(d.last) > 100*time.Millisecond {
				d.last = now
				d.w.event(Event{Kind: EventBytes, Origin: d.url, Done: d.part.size, Total: total})
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("after %d bytes: %w", d.part.size, err)
		}
	}
}

// finish verifies the part. Bytes that came in pieces and are wrong may be
// pieces of two files: then all is asked for once more.
func (d *download) finish(ctx context.Context) (*Got, error) {
	s := d.w.source
	if d.resumed {
		ok, err := d.part.matches(ctx, s.Digest)
		if err != nil {
			return nil, local{err}
		}
		if !ok {
			if err := d.part.restart(); err != nil {
				return nil, local{err}
			}
			d.w.event(Event{Kind: EventRetry, Origin: d.url, Total: -1, Err: errors.New("the pieces do not make up the file; asking for all of it")})
			if err := d.run(ctx); err != nil {
				return nil, err
			}
		}
	}
	n, err := d.w.f.Store.Adopt(ctx, d.part.f, s.Digest, d.url)
	var m *store.MismatchError
	if errors.As(err, &m) {
		return nil, &WrongHashError{File: s.File, Want: s.Digest, Got: m.Got, Origin: d.url, Kept: m.Kept}
	}
	if err != nil {
		return nil, local{err}
	}
	if err := d.w.record(ctx, s.Digest, n, d.url); err != nil {
		return nil, local{err}
	}
	return &Got{Source: s, Path: d.w.f.Store.BlobPath(s.Digest), Origin: d.url, Size: n, Bytes: d.bytes}, nil
}
