package diff

// SuspicionKind is what about a difference could be an attack.
type SuspicionKind string

// The kinds of suspicion. What one side has and the other has not is
// suspicious on either side: which of the two is honest is not known here.
const (
	SuspectExecutable  SuspicionKind = "executable segment" // memory that can be run, or written and run
	SuspectInterpreter SuspicionKind = "interpreter"        // the program that loads the program
	SuspectPower       SuspicionKind = "power"              // set-id bits, capabilities
	SuspectStart       SuspicionKind = "start"              // what runs before or instead of main
	SuspectNewCode     SuspicionKind = "new code"           // functions or instructions that one side lacks
	SuspectImport      SuspicionKind = "import"             // a library or function asked of others
	SuspectChangedCode SuspicionKind = "changed code"
	SuspectString      SuspicionKind = "string" // URLs, paths, commands, and text that comes with new code
	SuspectProgram     SuspicionKind = "new program"
	SuspectPath        SuspicionKind = "library path" // where libraries are sought
)

// Weight orders kinds: the heaviest is to be looked at first. A kind that is
// not known here is as heavy as the lightest.
func (k SuspicionKind) Weight() int {
	switch k {
	case SuspectExecutable, SuspectPower:
		return 9
	case SuspectInterpreter, SuspectStart:
		return 8
	case SuspectNewCode:
		return 7
	case SuspectImport:
		return 6
	case SuspectProgram:
		return 5
	case SuspectPath:
		return 4
	case SuspectChangedCode:
		return 3
	case SuspectString:
		return 2
	}
	return 1
}

// Suspicion is a finding that a person must look at: no cause explains it, and
// it is what an attacker would change. It is never folded away.
type Suspicion struct {
	Kind SuspicionKind `json:"kind"`
	What string        `json:"what"`        // one sentence; may hold hostile text, not escaped
	A    *Range        `json:"a,omitempty"` // the bytes of each side it is about; nil when it has none
	B    *Range        `json:"b,omitempty"`
}

// Suspect adds a suspicion to a node.
func (n *Node) Suspect(s Suspicion) {
	n.Suspicions = append(n.Suspicions, s)
	n.Suspicious++
}

// Clear takes back the suspicions of the given kinds, because a proof explains
// what they are about. Settle then has to be called.
func (n *Node) Clear(kinds ...SuspicionKind) {
	var left []Suspicion
	for _, s := range n.Suspicions {
		keep := true
		for _, k := range kinds {
			keep = keep && s.Kind != k
		}
		if keep {
			left = append(left, s)
		}
	}
	n.Suspicions = left
}

// countSuspicions computes Suspicious from a node's own and its children's.
func (n *Node) countSuspicions() {
	n.Suspicious = len(n.Suspicions)
	for _, c := range n.Children {
		n.Suspicious += c.Suspicious
	}
}

// suspectEntry looks at the properties of an entry that give it power.
func suspectEntry(n *Node) {
	for _, r := range n.Reasons {
		var what string
		switch {
		case r.Field == "mode" && setID(r.A) != setID(r.B) && setID(r.A)+setID(r.B) != "":
			what = "its set-id bits differ: mode " + orNone(r.A) + " in A, " + orNone(r.B) + " in B"
		case r.Field == "xattr security.capability":
			what = "its capabilities differ: " + orNone(r.A) + " in A, " + orNone(r.B) + " in B"
		default:
			continue
		}
		n.Suspect(Suspicion{Kind: SuspectPower, What: what})
	}
}

// setID gives the digit of set-id bits of an octal mode; "" when there are none.
func setID(mode string) string {
	if len(mode) < 4 {
		return ""
	}
	d := (mode[len(mode)-4] - '0') & 6 // without the sticky bit
	if d == 0 {
		return ""
	}
	return string('0' + d)
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
