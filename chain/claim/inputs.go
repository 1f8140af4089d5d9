package claim

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/cyberphone/json-canonicalization/go/src/webpki.org/jsoncanonicalizer"

	"github.com/stagescope/stagescope/chain"
)

// depPrefix stands before a stage's ID in FROM, COPY --from and I's document.
const depPrefix = "stagex/"

// InputDigest is I: the SHA-256 of the canonical JSON (RFC 8785)
//
//	{"v":1,"recipe":R,"inputs":{"stagex/ID":{"manifest":D,"rootfs":F},…}}
//
// Two builds with equal I and different outputs diverge by themselves. An input
// without both digests is an error: I is then unknown.
func InputDigest(recipe chain.Digest, inputs []Input) (chain.Digest, error) {
	type used struct {
		Manifest chain.Digest `json:"manifest"`
		Rootfs   chain.Digest `json:"rootfs"`
	}
	doc := struct {
		V      int             `json:"v"`
		Recipe chain.Digest    `json:"recipe"`
		Inputs map[string]used `json:"inputs"`
	}{1, recipe, map[string]used{}}
	if recipe == "" {
		return "", fmt.Errorf("computing an input digest: the recipe is unknown")
	}
	for _, in := range inputs {
		if in.Manifest == "" || in.Rootfs == "" {
			return "", fmt.Errorf("computing an input digest: %q has no known digest", in.Stage)
		}
		if _, twice := doc.Inputs[depPrefix+in.Stage]; twice {
			return "", fmt.Errorf("computing an input digest: %q is given twice", in.Stage)
		}
		doc.Inputs[depPrefix+in.Stage] = used{in.Manifest, in.Rootfs}
	}
	data, err := json.Marshal(doc)
	if err != nil {
		return "", fmt.Errorf("computing an input digest: %w", err)
	}
	if data, err = jsoncanonicalizer.Transform(data); err != nil {
		return "", fmt.Errorf("computing an input digest: %w", err)
	}
	return chain.SHA256(sha256.Sum256(data)), nil
}

// rawDigest is the 32 bytes of a digest in the OCI form.
func rawDigest(d chain.Digest) (raw [32]byte, err error) {
	const prefix = "sha256:"
	if len(d) != len(prefix)+64 || d[:len(prefix)] != prefix {
		return raw, fmt.Errorf("%q is no SHA-256 digest", string(d))
	}
	for i := len(prefix); i < len(d); i++ {
		if c := d[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return raw, fmt.Errorf("%q is no SHA-256 digest", string(d))
		}
	}
	_, err = hex.Decode(raw[:], []byte(d[len(prefix):]))
	return raw, err
}
