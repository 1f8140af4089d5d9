package chain

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// Digest is a content digest in the OCI form "sha256:" followed by 64
// lower-case hex digits. The zero value means that no digest is known.
type Digest string

const sha256Prefix = "sha256:"

// ParseDigest accepts the OCI form and, as StageX's digest files write it,
// 64 bare hex digits. Any other algorithm or length is an error.
func ParseDigest(s string) (Digest, error) {
	hexPart := strings.TrimPrefix(s, sha256Prefix)
	if len(hexPart) != 64 {
		return "", fmt.Errorf("digest %q: want 64 hex digits, have %d characters", s, len(hexPart))
	}
	if strings.ToLower(hexPart) != hexPart {
		return "", fmt.Errorf("digest %q: hex digits must be lower case", s)
	}
	if _, err := hex.DecodeString(hexPart); err != nil {
		return "", fmt.Errorf("digest %q: not hexadecimal", s)
	}
	return Digest(sha256Prefix + hexPart), nil
}

// SHA256 makes a Digest of a finished SHA-256 sum.
func SHA256(sum [32]byte) Digest {
	return Digest(sha256Prefix + hex.EncodeToString(sum[:]))
}

// Hex is the digest without its algorithm, or "" for the zero value.
func (d Digest) Hex() string { return strings.TrimPrefix(string(d), sha256Prefix) }

// Short is the first 12 hex digits, for places where a person only has to
// recognise a digest. It must never be used to compare two of them.
func (d Digest) Short() string {
	h := d.Hex()
	return h[:min(12, len(h))]
}

// Level says which object of an image a digest is a digest of.
type Level int

// The levels, from the outermost object inwards. The zero value is no level:
// a digest of unknown level can be shown but not compared.
const (
	LevelUnknown  Level = iota
	LevelIndex          // the image index that a tag resolves to
	LevelManifest       // the platform's manifest inside the index
	LevelRootfs         // the list of diff IDs in the config
	LevelFiles          // the effective file tree, modification times left out
)

var levelNames = [...]string{"unknown", "index", "manifest", "rootfs", "files"}

func (l Level) String() string { return levelNames[l] }

// MarshalText writes the level's name, as JSON output carries it.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText is the inverse of MarshalText.
func (l *Level) UnmarshalText(b []byte) error {
	for i, n := range levelNames {
		if n == string(b) {
			*l = Level(i)
			return nil
		}
	}
	return fmt.Errorf("unknown digest level %q", b)
}
