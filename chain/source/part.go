package source

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"syscall"

	"github.com/gofrs/flock"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/store"
)

// part is a file that is being downloaded. It outlives the process, so that
// the next one can go on.
type part struct {
	f    *os.File
	lock *flock.Flock
	dir  string
	size int64
	meta partMeta
}

// partMeta says where a part's bytes came from.
type partMeta struct {
	URL       string `json:"url"`
	Validator string `json:"validator"` // strong ETag or Last-Modified, for If-Range
}

// openPart opens the part of a digest, or one of its own when another process
// works on that.
func openPart(s *store.Store, hex string) (*part, error) {
	name := s.PartPath(hex)
	p := &part{lock: flock.New(name + ".lock"), dir: s.Dir()}
	ok, err := p.lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("downloading into the store at %q: %w", s.Dir(), err)
	}
	if !ok {
		p.f, err = os.CreateTemp(s.Dir(), ".download-*")
		p.lock = nil
	} else {
		p.f, err = os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
	}
	if err != nil {
		return nil, fmt.Errorf("downloading into the store at %q: %w", s.Dir(), err)
	}
	if p.size, err = p.f.Seek(0, io.SeekEnd); err != nil {
		p.close()
		return nil, fmt.Errorf("downloading into the store at %q: %w", s.Dir(), err)
	}
	if data, err := os.ReadFile(name + ".json"); err == nil && p.size > 0 {
		_ = json.Unmarshal(data, &p.meta) // without it there is no validator
	}
	return p, nil
}

// validator is what If-Range may say to a mirror: that of its own earlier
// answer.
func (p *part) validator(url string) string {
	if p.meta.URL != url {
		return ""
	}
	return p.meta.Validator
}

func (p *part) remember(url string, resp *http.Response) error {
	p.meta = partMeta{URL: url, Validator: resp.Header.Get("Last-Modified")}
	if tag := resp.Header.Get("ETag"); tag != "" && !strings.HasPrefix(tag, "W/") {
		p.meta.Validator = tag
	}
	data, err := json.Marshal(p.meta)
	if err == nil {
		err = os.WriteFile(p.f.Name()+".json", data, 0o644)
	}
	return p.wrap(err, -1)
}

func (p *part) restart() error {
	p.size, p.meta = 0, partMeta{}
	if err := p.f.Truncate(0); err != nil {
		return p.wrap(err, -1)
	}
	_, err := p.f.Seek(0, io.SeekStart)
	return p.wrap(err, -1)
}

func (p *part) write(b []byte, total int64) error {
	n, err := p.f.Write(b)
	p.size += int64(n)
	if errors.Is(err, syscall.ENOSPC) {
		_ = p.f.Truncate(0) // a part is no reason to keep a disk full
	}
	return p.wrap(err, total)
}

func (p *part) wrap(err error, total int64) error {
	if errors.Is(err, syscall.ENOSPC) {
		return &store.SpaceError{Dir: p.dir, Need: total, Written: p.size, Err: err}
	}
	if err != nil {
		return fmt.Errorf("downloading into the store at %q: %w", p.dir, err)
	}
	return nil
}

func (p *part) close() {
	_ = p.f.Close()
	if p.lock == nil {
		_ = os.Remove(p.f.Name()) // fails once the store has it
		_ = os.Remove(p.f.Name() + ".json")
		return
	}
	if _, err := os.Stat(p.f.Name()); err != nil || p.size == 0 {
		_ = os.Remove(p.f.Name())
		_ = os.Remove(p.f.Name() + ".json")
	}
	_ = p.lock.Close()
}

// matches hashes what is there.
func (p *part) matches(ctx context.Context, want chain.Digest) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(p.f, 0, p.size)); err != nil {
		return false, p.wrap(err, -1)
	}
	return chain.SHA256([32]byte(h.Sum(nil))) == want, nil
}
