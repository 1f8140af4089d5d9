package rebuild

import (
	"slices"

	"github.com/stagescope/stagescope/chain"
)

// sumTrials makes one result of several: the worst of them, with how many
// agreed. Only when every one was reproduced is the sum reproduced.
func sumTrials(all []*Result, asked int) *Result {
	if asked <= 1 {
		return all[0]
	}
	t := &Trials{Asked: asked, Digests: []TrialsDigest{}}
	count := map[chain.Digest]*TrialsDigest{}
	var order []chain.Digest
	worst := all[0]
	for _, r := range all {
		if rank(r) > rank(worst) {
			worst = r
		}
		if !r.built() {
			continue
		}
		t.Finished++
		d := count[r.Digests.Manifest]
		if d == nil {
			d = &TrialsDigest{Manifest: r.Digests.Manifest, Status: r.Verdict.Status}
			count[r.Digests.Manifest] = d
			order = append(order, r.Digests.Manifest)
		}
		d.Count++
		d.Trials = append(d.Trials, r.Trial)
		t.Agreed = max(t.Agreed, d.Count)
	}
	for _, d := range order {
		t.Digests = append(t.Digests, *count[d])
	}
	slices.SortStableFunc(t.Digests, func(a, b TrialsDigest) int { return b.Count - a.Count })
	sum := *worst
	sum.Trials = t
	return &sum
}

// rank orders results by how much they weigh against "reproduced".
func rank(r *Result) int {
	return slices.Index([]Status{Reproduced, NoClaim, NotChecked, NotBuilt, Interrupted, Failed, Differs}, r.Verdict.Status)
}
