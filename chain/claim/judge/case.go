package judge

import (
	"fmt"
	"time"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim"
	"github.com/stagescope/stagescope/chain/claim/party"
	"github.com/stagescope/stagescope/chain/claim/policy"
)

// You is the party of own rebuilds where parties.toml does not say who you are.
const You = "you"

// Case is what is judged: the stages of one release, and by what rules.
type Case struct {
	Stages  []Stage // every stage after all that it needs
	Release string  // of the tree; "" when it does not say
	Parties *party.Parties
	Policy  *policy.Policy
	Now     time.Time
	Answers []claim.Equivalence
}

// Stage is a stage of the chain, as far as it matters here.
type Stage struct {
	ID     string
	Needs  []string     // direct, distinct
	Recipe chain.Digest // R; "" when it cannot be computed: no rebuild claim is then known to be of it
	Seed   bool         // nothing is built: it is audited
	Hours  float64      // that a rebuild takes, at least roughly; 0 when nothing is known
}

// Judgement is what was found, the stages in the order of the case.
type Judgement struct {
	Verdicts []claim.Verdict
	First    []First
	Next     []Next
}

// First is a stage where a dispute begins: nothing below it explains it.
type First struct {
	Stage    string   `json:"stage"`
	Affected []string `json:"affected"` // stages that are tainted by it, or disputed because of it, in chain order
	Assumed  []string `json:"assumed,omitempty"`
}

// Next is a rebuild that would settle something.
type Next struct {
	Stage   string  `json:"stage"`
	Dispute string  `json:"dispute,omitempty"` // the first divergence that it is about
	Settles int     `json:"settles"`           // stages whose verdict hangs on it
	Hours   float64 `json:"hours,omitempty"`   // 0 when not known
	Why     string  `json:"why"`
}

// Sentence says which rebuild would settle something, and why.
func (n *Next) Sentence() string {
	took := "nobody says how long it takes"
	if n.Hours > 0 {
		took = (time.Duration(n.Hours*3600) * time.Second).String()
		if n.Hours*3600 < 1 {
			took = "less than a second"
		}
	}
	stages := "stages"
	if n.Settles == 1 {
		stages = "stage"
	}
	return fmt.Sprintf("rebuild %s (%s, settles %d %s): %s", n.Stage, took, n.Settles, stages, n.Why)
}

// Judge gives the verdicts of a case.
func (l *Ledger) Judge(c *Case) *Judgement {
	l.index()
	j := &judging{l: l, c: c, at: map[string]int{}, stages: make([]local, len(c.Stages)), parties: map[uint32]*party.Party{}}
	for i := range c.Stages {
		j.at[c.Stages[i].ID] = i
	}
	j.release = l.names.find(c.Release)
	j.maxAge = int64(c.Policy.MaxAge / time.Second)
	for i := range c.Stages {
		j.local(i)
	}
	for i := range c.Stages {
		j.flow(i)
	}
	j.equalOutputs()
	out := &Judgement{Verdicts: make([]claim.Verdict, len(c.Stages))}
	for i := range j.stages {
		out.Verdicts[i] = j.stages[i].v
	}
	out.First = j.firsts()
	out.Next = j.next(out.First)
	return out
}

// judging is one run over a case.
type judging struct {
	l       *Ledger
	c       *Case
	at      map[string]int
	release uint32
	maxAge  int64 // seconds
	stages  []local
	parties map[uint32]*party.Party
	seen    map[seenKey]bool // of one stage at a time
}

// party is who a number stands for; a party that nobody declared counts for
// nothing.
func (j *judging) party(id uint32) *party.Party {
	if p, ok := j.parties[id]; ok {
		return p
	}
	name := j.l.names.value(id)
	p := j.c.Parties.Named(name)
	switch {
	case p != nil:
	case name == You:
		p = &party.Party{Name: You, Kind: party.Person, Self: true}
	default:
		p = &party.Party{Name: name}
	}
	j.parties[id] = p
	return p
}
