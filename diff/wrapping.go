package diff

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/image"
)

// wrapping gives the root a reason when one side's reference names an index
// around what the other side's names. The indexes were hashed when they were
// read, and each lists the next, so that taking what it lists undoes it. A claim
// is of a manifest: an index around the other side is then none of its matter.
func (c *imagePair) wrapping(root *Node, a, b []*image.Object) {
	if len(a) == len(b) {
		return
	}
	if c.a.Ref().Claim != "" || c.b.Ref().Claim != "" {
		root.note("the claim is of a manifest: the manifests are compared, and not the index around the other side's")
		return
	}
	r := Reason{Field: "index", A: outermost(c.a), B: outermost(c.b)}
	more := a[:max(0, len(a)-len(b))]
	if len(b) > len(a) {
		more = b[:len(b)-len(a)]
	}
	evidence := "the bytes of the index were hashed, and it lists what the other side names"
	if len(more) > 1 {
		evidence = fmt.Sprintf("the bytes of %d indexes, one in the other, were hashed, and the innermost lists what the other side names", len(more))
	}
	if c.a.ManifestDigest() != c.b.ManifestDigest() {
		evidence += ", or rather a manifest that differs from it as is said below"
	}
	r.Cause = &Cause{ID: "A1", Name: "index wrapping", Confidence: Proved, Evidence: evidence, Fix: "compare manifests, or name both images by the same kind of object"}
	root.Reasons = append(root.Reasons, r)
	beside, forNobody, odd := 0, 0, false
	for _, ix := range more {
		odd = odd || listsInTwoWays(ix.Raw)
		var list struct {
			Manifests []struct {
				Digest   string `json:"digest"`
				Platform struct {
					OS           string `json:"os"`
					Architecture string `json:"architecture"`
				} `json:"platform"`
			} `json:"manifests"`
		}
		if json.Unmarshal(ix.Raw, &list) == nil {
			beside += len(list.Manifests) - 1
			for _, m := range list.Manifests {
				if m.Platform.OS == "unknown" && m.Platform.Architecture == "unknown" {
					forNobody++
				}
			}
		}
	}
	if odd {
		root.Reasons[len(root.Reasons)-1].Cause.Confidence = Likely
		root.note("the index lists its images under keys that not all readers take for the same")
	}
	if beside > forNobody {
		// Taking the index off also takes off images that could be run.
		root.Reasons[len(root.Reasons)-1].Cause.Confidence = Likely
	}
	if beside > 0 {
		root.note(fmt.Sprintf("the index lists %d more that the other side does not name, and which were not compared", beside))
	}
}

// listsInTwoWays reports whether another reader may find other images in an index: a
// key comes twice, or with capitals, which readers in Go take for small letters.
func listsInTwoWays(raw []byte) bool {
	var keys map[string]json.RawMessage
	if json.Unmarshal(raw, &keys) != nil || ambiguous(raw) != "" {
		return true
	}
	for k := range keys {
		if k != "manifests" && strings.EqualFold(k, "manifests") {
			return true
		}
	}
	return false
}

// outermost says what a reference leads to first.
func outermost(im *image.Image) string {
	say := func(kind string, d chain.Digest) string { return fmt.Sprintf("%s %s", kind, d) }
	switch {
	case im.IndexDigest() != "":
		return say("index", im.IndexDigest())
	case im.ManifestDigest() != "":
		return say("manifest", im.ManifestDigest())
	}
	return say("config", im.ConfigDigest())
}
