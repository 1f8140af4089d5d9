package tui

import (
	"slices"

	"github.com/stagescope/stagescope/chain/claim"
	"github.com/stagescope/stagescope/rebuild/evidence"
)

// JudgedOf is a report of evidence as the workbench shows it.
func JudgedOf(r *evidence.Report) *Judged {
	out := &Judged{Verdicts: map[string]*claim.Verdict{}, Claims: map[string][]*claim.Claim{}, Unread: map[string][]string{}, Policy: r.Policy.Name}
	for i := range r.Stages {
		s := &r.Stages[i]
		id := s.Verdict.Stage
		out.Verdicts[id], out.Claims[id] = &s.Verdict, s.Claims
		for _, u := range s.Unknown {
			out.Unread[id] = append(out.Unread[id], u.Origin+": "+u.Reason)
		}
	}
	for _, u := range r.Unknown {
		out.Unread[""] = append(out.Unread[""], u.Origin+": "+u.Reason)
	}
	for _, f := range r.First {
		out.First = append(out.First, f.Stage)
	}
	for _, n := range r.Next {
		out.Next = append(out.Next, n.Sentence())
	}
	out.Next = slices.Compact(out.Next)
	return out
}
