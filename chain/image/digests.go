package image

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"github.com/stagescope/stagescope/chain"
)

// RootfsDigest is F, the digest of an image's list of diff IDs: it is equal for
// images whose layers hold the same archives, whatever their compression,
// annotations and config. F is the SHA-256 of
//
//	u32 number of diff IDs
//	for each, from the lowest layer up: u32 32, then the 32 bytes of its SHA-256
//
// where u32 is a 32-bit little-endian integer.
func RootfsDigest(diffIDs []chain.Digest) (chain.Digest, error) {
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(diffIDs)))
	for _, d := range diffIDs {
		if _, err := chain.ParseDigest(string(d)); err != nil {
			return "", fmt.Errorf("computing the rootfs digest: %w", err)
		}
		raw, err := hex.DecodeString(d.Hex())
		if err != nil {
			return "", fmt.Errorf("computing the rootfs digest: %w", err)
		}
		b = appendField(b, raw)
	}
	return chain.SHA256(sha256.Sum256(b)), nil
}

// appendField appends a length-prefixed field.
func appendField(b, field []byte) []byte {
	return append(binary.LittleEndian.AppendUint32(b, uint32(len(field))), field...)
}
