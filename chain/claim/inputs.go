package claim

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

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
	if recipe == "" {
		return "", fmt.Errorf("computing an input digest: the recipe is unknown")
	}
	order := make([]int, len(inputs))
	for i, in := range inputs {
		if in.Manifest == "" || in.Rootfs == "" {
			return "", fmt.Errorf("computing an input digest: %q has no known digest", in.Stage)
		}
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return strings.Compare(inputs[a].Stage, inputs[b].Stage) })
	for n := 1; n < len(order); n++ {
		if in := inputs[order[n]]; in.Stage == inputs[order[n-1]].Stage {
			return "", fmt.Errorf("computing an input digest: %q is given twice", in.Stage)
		}
	}
	data := plainDocument(recipe, inputs, order)
	if data == nil {
		var err error
		if data, err = document(recipe, inputs); err != nil {
			return "", fmt.Errorf("computing an input digest: %w", err)
		}
	}
	return chain.SHA256(sha256.Sum256(data)), nil
}

// document is I's document.
func document(recipe chain.Digest, inputs []Input) ([]byte, error) {
	type used struct {
		Manifest chain.Digest `json:"manifest"`
		Rootfs   chain.Digest `json:"rootfs"`
	}
	doc := struct {
		V      int             `json:"v"`
		Recipe chain.Digest    `json:"recipe"`
		Inputs map[string]used `json:"inputs"`
	}{1, recipe, map[string]used{}}
	for _, in := range inputs {
		doc.Inputs[depPrefix+in.Stage] = used{in.Manifest, in.Rootfs}
	}
	data, err := json.Marshal(doc)
	if err != nil {
		return nil, err
	}
	return jsoncanonicalizer.Transform(data)
}

// plainDocument is the same, written directly, where no text needs an escape;
// else nil. A million claims are read with it, and the general way takes longer
// than all the rest of reading one.
func plainDocument(recipe chain.Digest, inputs []Input, order []int) []byte {
	if !plain(string(recipe)) {
		return nil
	}
	b := make([]byte, 0, 128+220*len(inputs))
	b = append(b, `{"inputs":{`...)
	for n, i := range order {
		in := &inputs[i]
		if !plain(in.Stage) || !plain(string(in.Manifest)) || !plain(string(in.Rootfs)) {
			return nil
		}
		if n > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, '"'), depPrefix...), in.Stage...)
		b = append(append(b, `":{"manifest":"`...), in.Manifest...)
		b = append(append(append(b, `","rootfs":"`...), in.Rootfs...), `"}`...)
	}
	b = append(append(b, `},"recipe":"`...), recipe...)
	return append(b, `","v":1}`...)
}

// plain says that a text stands for itself in JSON, and sorts by its bytes.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
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
