package publish

import (
	"crypto/sha256"
	"io"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim/statement"
)

// Artifact types of what is published.
const (
	BundleType   = statement.BundleMediaType
	RecipeType   = statement.RecipeMediaType
	EvidenceType = "application/vnd.stagescope.evidence.v1"
	BookType     = "application/vnd.stagescope.book.v1"
)

// ownTypes begins the types of all artifacts of ours; a bundle's is sigstore's.
const ownTypes = "application/vnd.stagescope."

// bundlePrefix begins the artifact type of every version of a sigstore bundle.
const bundlePrefix = "application/vnd.dev.sigstore.bundle"

// Annotations of referrers. None is signed: they serve an overview in one
// request, and are untrusted until the bundle has been verified.
const (
	AnnotationContent   = "dev.sigstore.bundle.content"
	AnnotationPredicate = "dev.sigstore.bundle.predicateType"
	AnnotationOutput    = "stagescope.output"  // D, on the referrer of the recipe
	AnnotationRecipe    = "stagescope.recipe"  // R, in a book
	AnnotationBundle    = "stagescope.bundle"  // digest of the bundle, in a book and on evidence
	AnnotationPrev      = "stagescope.prev"    // digest of the book before, on a book
	AnnotationRelease   = "stagescope.release" // of the tree, on a book
)

// contentDSSE is what AnnotationContent says of a bundle with an envelope.
const contentDSSE = "dsse-envelope"

// isBundleType recognises the artifact type of a bundle's referrer.
func isBundleType(t string) bool { return strings.HasPrefix(t, bundlePrefix) }

func sum(data []byte) chain.Digest { return chain.SHA256(sha256.Sum256(data)) }

// File is a file that is published beside a bundle: a log, step digests, the
// list of files. A statement binds it by its digest alone.
type File struct {
	Name      string
	MediaType string
	Digest    chain.Digest
	Size      int64
	Open      func() (io.ReadCloser, error) // may be called again
}

// DataFile is a file of bytes at hand.
func DataFile(name, mediaType string, data []byte) File {
	return File{Name: name, MediaType: mediaType, Digest: sum(data), Size: int64(len(data)), Open: opener(data)}
}

func (f File) descriptor() ocispec.Descriptor {
	return ocispec.Descriptor{
		MediaType: f.MediaType, Digest: digest.Digest(f.Digest), Size: f.Size,
		Annotations: map[string]string{ocispec.AnnotationTitle: f.Name},
	}
}
