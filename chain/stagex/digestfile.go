package stagex

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	"github.com/stagescope/stagescope/chain"
)

// DigestChange is what merging did, or would not do, with one stage.
type DigestChange string

// The changes.
const (
	DigestAdded    DigestChange = "added"
	DigestEqual    DigestChange = "already there"
	DigestReplaced DigestChange = "replaced"
	DigestConflict DigestChange = "another digest is there" // and was kept
)

// MergedDigest is one stage of a merge.
type MergedDigest struct {
	Stage  string       `json:"stage"`
	Digest chain.Digest `json:"digest"`
	Old    chain.Digest `json:"old,omitempty"` // of a line that was replaced, or kept in conflict
	Change DigestChange `json:"change"`
}

// MergeDigests puts digests of stages into a digests file, which is sorted by
// stage as the tree's own script does it. No line of another stage is dropped or
// changed; a stage that is there with another digest keeps it unless replace is
// set. A file with lines of no known form is an error: what it means is unknown.
func MergeDigests(old []byte, add map[string]chain.Digest, replace bool) ([]byte, []MergedDigest, error) {
	good, bad := parseDigests(old)
	if len(bad) > 0 {
		return nil, nil, fmt.Errorf("line %d is no digest of a stage: %s", bad[0].line, bad[0].text)
	}
	have := map[string]chain.Digest{}
	for _, p := range good {
		if d, twice := have[p.id]; twice && d != p.digest {
			return nil, nil, fmt.Errorf("line %d gives %q a second digest", p.line, p.id)
		}
		have[p.id] = p.digest
	}
	var changes []MergedDigest
	for _, id := range slices.Sorted(maps.Keys(add)) {
		m := MergedDigest{Stage: id, Digest: add[id], Old: have[id]}
		switch {
		case m.Old == "":
			m.Change = DigestAdded
		case m.Old == m.Digest:
			m.Change, m.Old = DigestEqual, ""
		case replace:
			m.Change = DigestReplaced
		default:
			m.Change = DigestConflict
			changes = append(changes, m)
			continue
		}
		have[id] = m.Digest
		changes = append(changes, m)
	}
	var out bytes.Buffer
	ids := slices.Sorted(maps.Keys(have))
	for _, id := range ids {
		fmt.Fprintf(&out, "%s %s\n", have[id].Hex(), id)
	}
	return out.Bytes(), changes, nil
}
