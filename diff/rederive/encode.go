package rederive

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/image"
	"github.com/stagescope/stagescope/diff/compressed"
)

// prefixSize is how much of a known blob is kept to give up encoders early.
const prefixSize = 1 << 20

// chunkSize is how much is fed to all encoders before the next is read.
const chunkSize = 256 << 10

// blob is what an encoding gave.
type blob struct {
	digest chain.Digest
	size   int64
}

// none is the setting of layers that are not compressed.
var none = compressed.Setting{Encoder: compressed.Encoder{Name: "none"}, Open: func(w io.Writer) (io.WriteCloser, error) { return plain{w}, nil }}

type plain struct{ io.Writer }

func (plain) Close() error { return nil }

// settingText names a setting: "gzip level 6 (Go compress/flate)", "uncompressed".
func settingText(s compressed.Setting) string {
	if s.Name == none.Name {
		return "uncompressed"
	}
	return s.String()
}

var errOther = errors.New("it makes other bytes")

// sink hashes what an encoder writes, and refuses it where it is not what is
// known of the wanted blob.
type sink struct {
	h     hash.Hash
	n     int64
	known []byte // the first bytes of the wanted blob; empty when not known
	size  int64  // of the wanted blob; -1 when not known
}

func (s *sink) Write(p []byte) (int, error) {
	if s.n < int64(len(s.known)) {
		rest := s.known[s.n:]
		k := min(len(rest), len(p))
		if !bytes.Equal(rest[:k], p[:k]) {
			return 0, errOther
		}
	}
	s.n += int64(len(p))
	if s.size >= 0 && s.n > s.size {
		return 0, errOther
	}
	s.h.Write(p)
	return len(p), nil
}

// encoding is one setting at work.
type encoding struct {
	setting compressed.Setting
	sink    *sink
	w       io.WriteCloser
	err     error
}

// encode compresses a layer with all settings at once and gives what those of
// them made that were not given up, by their place. The layer's own bytes are
// verified on the way. fed counts the bytes given to encoders; more than left of
// them are an error.
func encode(ctx context.Context, l *image.Layer, settings []compressed.Setting, known []byte, size, left int64) (out map[int]blob, fed int64, err error) {
	r, err := l.OpenTar(ctx)
	if err != nil {
		return nil, 0, err
	}
	defer r.Close()
	all := make([]*encoding, len(settings))
	for i, s := range settings {
		e := &encoding{setting: s, sink: &sink{h: sha256.New(), known: known, size: size}}
		e.w, e.err = s.Open(e.sink)
		all[i] = e
	}
	defer func() {
		for _, e := range all {
			if e.w != nil {
				_ = e.w.Close() // some have processes of their own that must end
			}
		}
	}()
	buf := make([]byte, chunkSize)
	for {
		n, err := io.ReadFull(r, buf)
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			return nil, fed, err
		}
		if fed += feed(all, buf[:n]); fed > left {
			return nil, fed, fmt.Errorf("%w: %d bytes were given to encoders", errBudget, fed)
		}
		if err != nil { // the end, verified
			break
		}
	}
	out = map[int]blob{}
	for i, e := range all {
		if e.err != nil {
			continue
		}
		w := e.w
		e.w = nil
		if err := w.Close(); err != nil || size >= 0 && e.sink.n != size {
			continue
		}
		out[i] = blob{chain.SHA256([32]byte(e.sink.h.Sum(nil))), e.sink.n}
	}
	return out, fed, nil
}

// feed gives one piece to every encoder that is still at work.
func feed(all []*encoding, p []byte) (fed int64) {
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for _, e := range all {
		if e.err != nil {
			continue
		}
		fed += int64(len(p))
		g.Go(func() error {
			if _, e.err = e.w.Write(p); e.err != nil {
				_ = e.w.Close()
				e.w = nil
			}
			return nil
		})
	}
	_ = g.Wait()
	return fed
}

// head reads the first bytes of a layer's blob.
func head(ctx context.Context, l *image.Layer) ([]byte, error) {
	r, err := l.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	buf := make([]byte, prefixSize)
	n, err := io.ReadFull(r, buf)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = nil
	}
	return buf[:n], err
}

// blobDigest hashes a layer's blob.
func blobDigest(ctx context.Context, l *image.Layer) (chain.Digest, error) {
	r, err := l.Open(ctx)
	if err != nil {
		return "", err
	}
	defer r.Close()
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		return "", fmt.Errorf("layer %d: %w", l.Number, err)
	}
	return chain.SHA256([32]byte(h.Sum(nil))), nil
}

// verify reads a layer to its end, where its digest and diff ID are verified.
func verify(ctx context.Context, l *image.Layer) error {
	r, err := l.OpenTar(ctx)
	if err != nil {
		return err
	}
	defer r.Close()
	if _, err := io.Copy(io.Discard, r); err != nil {
		return fmt.Errorf("layer %d: %w", l.Number, err)
	}
	return nil
}
