package compressed

import (
	"bytes"
	"compress/zlib"
	"errors"
	"io"

	"github.com/stagescope/stagescope/diff"
)

// KindZlib is a zlib stream (RFC 1950), as git keeps objects in.
const KindZlib diff.Kind = "zlib"

func openZlib(r io.Reader) (io.Reader, error) { return zlib.NewReader(r) }

// minZlib is how much of its content the head of a stream must give: its magic
// number is but a check of 16 bits, which text can pass.
const minZlib = 16

// isZlib reports whether an input begins as a zlib stream without a dictionary,
// and can be decoded for a while.
func isZlib(in *diff.Input) bool {
	h := in.Head()
	if len(h) < 8 || h[0]&0x0f != 8 || h[0]>>4 > 7 || h[1]&0x20 != 0 || (int(h[0])<<8|int(h[1]))%31 != 0 {
		return false
	}
	r, err := zlib.NewReader(bytes.NewReader(h))
	if err != nil {
		return false
	}
	n, err := io.ReadFull(r, make([]byte, minZlib))
	if err == nil {
		return true
	}
	// A short stream is one when it ends as it should.
	return n < minZlib && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)) && zlibEnds(h)
}

func zlibEnds(h []byte) bool {
	r, err := zlib.NewReader(bytes.NewReader(h))
	if err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, r)
	return err == nil
}
