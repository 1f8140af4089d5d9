package chain

import (
	"crypto/sha256"
	"io"
)

// HashReader hashes all that r gives.
func HashReader(r io.Reader) (Digest, error) {
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		return "", err
	}
	return SHA256([32]byte(h.Sum(nil))), nil
}
