package image

import (
	"archive/tar"
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/stagescope/stagescope/chain"
)

// Layer is one layer of an image.
type Layer struct {
	// Descriptor is the manifest's. In an archive of the old docker save its
	// Digest is "" when the layer is compressed there, since nothing states it.
	Descriptor ocispec.Descriptor
	DiffID     chain.Digest // digest of the uncompressed archive, from the config
	Number     int          // from the lowest, 1-based

	image *Image
	open  func(context.Context) (io.ReadCloser, error)
}

// Compression is how a layer's blob is compressed.
type Compression string

// The compressions, by the blob's first bytes.
const (
	Uncompressed Compression = "none"
	Gzip         Compression = "gzip"
	Zstd         Compression = "zstd"
)

func (l *Layer) name() string { return fmt.Sprintf("layer %d", l.Number) }

// Open gives the blob as stored. Where other readers give io.EOF, this one
// gives a *MismatchError when the bytes read are not those of the descriptor:
// only a reader that was read to io.EOF has proved anything.
func (l *Layer) Open(ctx context.Context) (io.ReadCloser, error) {
	rc, err := l.open(ctx)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", l.name(), err)
	}
	return &verified{ctx: ctx, r: rc, c: rc, h: sha256.New(), want: chain.Digest(l.Descriptor.Digest), size: l.Descriptor.Size, what: l.name(), ref: l.image.ref.Text}, nil
}

// Missing says that the blob of a layer on this disk is not there, or not all of it,
// without reading it. It knows nothing of what is elsewhere.
func (l *Layer) Missing(ctx context.Context) error {
	if l.image.ref.Kind == KindRegistry {
		return nil
	}
	rc, err := l.open(ctx)
	if err != nil {
		return fmt.Errorf("opening %s: %w", l.name(), err)
	}
	defer rc.Close()
	f, ok := rc.(interface{ Stat() (fs.FileInfo, error) })
	if !ok {
		return nil // of an archive, whose parts were seen to be there when it was opened
	}
	st, err := f.Stat()
	if err != nil {
		return fmt.Errorf("opening %s: %w", l.name(), err)
	}
	if st.Size() != l.Descriptor.Size {
		return &MismatchError{What: l.name(), Want: chain.Digest(l.Descriptor.Digest), WantSize: l.Descriptor.Size, GotSize: st.Size(), Ref: l.image.ref.Text}
	}
	return nil
}

// OpenTar gives the uncompressed archive. At its end both the blob's digest and
// the diff ID have been verified; otherwise its last error is a *MismatchError,
// a *CorruptError or a *LimitError.
func (l *Layer) OpenTar(ctx context.Context) (io.ReadCloser, error) {
	r, _, err := l.openTar(ctx)
	return r, err
}

// Compression reads the first bytes of the blob and says what they are.
func (l *Layer) Compression(ctx context.Context) (Compression, error) {
	r, c, err := l.openTar(ctx)
	if err != nil {
		return "", err
	}
	return c, r.Close()
}

// DeclaredCompression is what the descriptor's media type says.
func (l *Layer) DeclaredCompression() Compression {
	switch t := l.Descriptor.MediaType; {
	case strings.HasSuffix(t, "gzip"):
		return Gzip
	case strings.HasSuffix(t, "zstd"):
		return Zstd
	}
	return Uncompressed
}

func (l *Layer) openTar(ctx context.Context) (io.ReadCloser, Compression, error) {
	blob, err := l.Open(ctx)
	if err != nil {
		return nil, "", err
	}
	in := bufio.NewReaderSize(blob, 128<<10)
	c, err := sniff(in)
	if err != nil {
		blob.Close()
		return nil, "", fmt.Errorf("%s: %w", l.name(), err)
	}
	u := &inflated{blob: blob, in: in, layer: l}
	u.out, u.stop, err = decompress(c, in)
	if err != nil {
		blob.Close()
		return nil, "", &CorruptError{What: l.name(), Digest: chain.Digest(l.Descriptor.Digest), Err: err}
	}
	v := &verified{ctx: ctx, r: u, c: u, h: sha256.New(), want: l.DiffID, size: -1, limit: l.image.limits.Inflated, what: l.name() + ", uncompressed", ref: l.image.ref.Text}
	return v, c, nil
}

// sniff recognises a compression by its magic number.
func sniff(in *bufio.Reader) (Compression, error) {
	b, err := in.Peek(6)
	if err != nil && err != io.EOF {
		return "", err
	}
	switch s := string(b); {
	case strings.HasPrefix(s, "\x1f\x8b"):
		return Gzip, nil
	case strings.HasPrefix(s, "\x28\xb5\x2f\xfd"), len(s) >= 4 && s[1:4] == "\x2a\x4d\x18" && s[0]&0xf0 == 0x50:
		return Zstd, nil // a frame, or a skippable frame
	case s == "\xfd7zXZ\x00":
		return "", errors.New("it is compressed with xz, which no image specification allows")
	case strings.HasPrefix(s, "BZh"):
		return "", errors.New("it is compressed with bzip2, which no image specification allows")
	}
	return Uncompressed, nil
}

// maxWindow bounds the memory that a zstd frame may ask for.
const maxWindow = 128 << 20

func decompress(c Compression, in io.Reader) (io.Reader, func(), error) {
	switch c {
	case Gzip:
		z, err := gzip.NewReader(in)
		return z, func() {}, err
	case Zstd:
		z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, nil, err
		}
		return z, z.Close, nil
	}
	return in, func() {}, nil
}

// inflated is a decompressed blob. At its end it reads the blob to its own end,
// so that the blob is verified as well.
type inflated struct {
	blob  io.ReadCloser
	in    *bufio.Reader
	out   io.Reader
	stop  func()
	layer *Layer
}

func (u *inflated) Read(p []byte) (int, error) {
	n, err := u.out.Read(p)
	if err == nil {
		return n, nil
	}
	if err == io.EOF {
		if _, err = io.Copy(io.Discard, u.in); err == nil {
			return n, io.EOF
		}
		return n, err
	}
	var m *MismatchError
	if errors.As(err, &m) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return n, err
	}
	// Is it the blob that is wrong, or what was compressed into it?
	if _, rest := io.Copy(io.Discard, u.in); errors.As(rest, &m) {
		return n, m
	}
	return n, &CorruptError{What: u.layer.name(), Digest: chain.Digest(u.layer.Descriptor.Digest), Err: err}
}

func (u *inflated) Close() error {
	u.stop()
	return u.blob.Close()
}

// verified hashes what it gives and compares at the end. An empty want is not
// compared, a negative size neither; limit bounds the bytes when not 0.
type verified struct {
	ctx   context.Context
	r     io.Reader
	c     io.Closer
	h     hash.Hash
	want  chain.Digest
	size  int64
	limit int64
	what  string
	ref   string

	n   int64
	err error
}

func (v *verified) Read(p []byte) (int, error) {
	if v.err != nil {
		return 0, v.err
	}
	if err := v.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := v.r.Read(p)
	v.h.Write(p[:n])
	v.n += int64(n)
	switch {
	case v.size >= 0 && v.n > v.size:
		err = &MismatchError{What: v.what, Want: v.want, WantSize: v.size, GotSize: -1, Ref: v.ref}
	case v.limit > 0 && v.n > v.limit:
		err = &LimitError{What: "bytes of " + v.what, Limit: v.limit}
	case err == io.EOF:
		if e := v.check(); e != nil {
			err = e
		}
	}
	v.err = err
	return n, err
}

func (v *verified) check() error {
	got := chain.SHA256([32]byte(v.h.Sum(nil)))
	if (v.want != "" && got != v.want) || (v.size >= 0 && v.n != v.size) {
		return &MismatchError{What: v.what, Want: v.want, Got: got, WantSize: v.size, GotSize: v.n, Ref: v.ref}
	}
	return nil
}

func (v *verified) Close() error { return v.c.Close() }

// Walk calls visit for every entry of the layer in archive order, with a reader
// of its content that is valid during the call. After the last entry the layer
// is verified to its end.
func (l *Layer) Walk(ctx context.Context, visit func(*tar.Header, io.Reader) error) error {
	r, err := l.OpenTar(ctx)
	if err != nil {
		return err
	}
	defer r.Close()
	tr := tar.NewReader(r)
	for n := 0; ; n++ {
		h, err := tr.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return l.archiveError(r, err)
		}
		if n == l.image.limits.Entries {
			return &LimitError{What: "entries of " + l.name(), Limit: int64(n)}
		}
		if err := visit(h, tr); err != nil {
			return err
		}
	}
	_, err = io.Copy(io.Discard, r)
	return err
}

// archiveError tells a damaged archive from bytes that are not the layer's.
func (l *Layer) archiveError(r io.Reader, err error) error {
	if !errors.Is(err, tar.ErrHeader) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	if _, rest := io.Copy(io.Discard, r); rest != nil {
		return rest
	}
	return &CorruptError{What: l.name() + ", as an archive", Digest: l.DiffID, Err: err}
}
