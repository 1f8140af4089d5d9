package publish

import (
	"crypto/sha256"
	"hash"
	"io"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/image"
)

// verified is a blob's reader that ends with io.EOF only when the bytes were
// those of the descriptor.
type verified struct {
	io.ReadCloser
	want  ocispec.Descriptor
	place string
	hash  hash.Hash
	n     int64
}

func verify(r io.ReadCloser, d ocispec.Descriptor, place string) io.ReadCloser {
	return &verified{ReadCloser: r, want: d, place: place, hash: sha256.New()}
}

func (v *verified) Read(p []byte) (int, error) {
	n, err := v.ReadCloser.Read(p)
	v.hash.Write(p[:n])
	v.n += int64(n)
	if v.n > v.want.Size {
		return 0, v.mismatch("", -1)
	}
	if err != io.EOF {
		return n, err
	}
	got := chain.SHA256([32]byte(v.hash.Sum(nil)))
	if v.n != v.want.Size || got != chain.Digest(v.want.Digest) {
		return n, v.mismatch(got, v.n)
	}
	return n, io.EOF
}

func (v *verified) mismatch(got chain.Digest, size int64) error {
	return &image.MismatchError{What: "blob", Want: chain.Digest(v.want.Digest), Got: got, WantSize: v.want.Size, GotSize: size, Ref: v.place}
}
