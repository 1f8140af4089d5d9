package diff

import (
	"strconv"
	"strings"
)

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
	SuspectTrust       SuspicionKind = "trust"        // whose word counts: certificates, keys, package sources
	SuspectAccount     SuspicionKind = "account"      // who may log in, and as whom
)

// Weight orders kinds, from 9 to 1: the heaviest is to be looked at first. A kind
// that is not known here is as heavy as the lightest.
func (k SuspicionKind) Weight() int {
	switch k {
	case SuspectExecutable, SuspectPower:
		return 9
	case SuspectInterpreter, SuspectStart, SuspectTrust, SuspectAccount:
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
	What string        `json:"what"` // one sentence; may hold hostile text, not escaped
	// Telling says that it reaches for what an attack needs: a command, the network,
	// another user's power, memory that is run, what guards access.
	Telling bool   `json:"telling,omitempty"`
	A       *Range `json:"a,omitempty"` // the bytes of each side it is about; nil when it has none
	B       *Range `json:"b,omitempty"`
}

// Weight orders suspicions, from 90 to 10: the heaviest is to be looked at first.
// Each release of a program has new code and new imports; an import of system(3),
// or an address on a network, is rarer than either, and says more.
func (s Suspicion) Weight() int {
	if s.Telling {
		switch s.Kind {
		case SuspectNewCode:
			return 78
		case SuspectImport:
			return 75
		case SuspectChangedCode:
			return 58
		case SuspectString:
			return 55
		}
	}
	return 10 * s.Kind.Weight()
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

// suspectEntry looks at the properties of an entry that give it power, or others
// power over it. fa and fb are all of its properties on both sides. What is
// suspicious is explained by no cause, however well that is established.
func suspectEntry(n *Node, fa, fb []Field) {
	for i := range n.Reasons {
		r := &n.Reasons[i]
		what := power(r, fa, fb)
		if what == "" {
			continue
		}
		n.Suspect(Suspicion{Kind: SuspectPower, What: what})
		if r.Cause != nil && r.Cause.Confidence > Likely {
			c := *r.Cause
			c.Confidence, c.Evidence = Likely, "what differs gives power"
			r.Cause = oneCopy(c)
		}
	}
}

// power says what a property that differs gives to whom; "" when it gives none.
func power(r *Reason, fa, fb []Field) string {
	differ := func(what string) string {
		return what + " differ: " + orNone(r.A) + " in A, " + orNone(r.B) + " in B"
	}
	attr, isAttr := strings.CutPrefix(r.Field, "xattr ")
	record, isRecord := strings.CutPrefix(r.Field, "PAX record ")
	modeA, modeB := valueOf(fa, "mode"), valueOf(fb, "mode")
	switch {
	case r.Field == "mode" && setID(r.A) != setID(r.B) && setID(r.A)+setID(r.B) != "":
		return "its set-id bits differ: mode " + orNone(r.A) + " in A, " + orNone(r.B) + " in B"
	case r.Field == "mode" && r.A != "" && r.B != "" && worldWritable(r.A, fa) != worldWritable(r.B, fb):
		return "anyone may write it on one side: mode " + r.A + " in A, " + r.B + " in B"
	case (r.Field == "uid" || r.Field == "gid") && r.A != "" && r.B != "" && (setID(modeA) != "" || setID(modeB) != ""):
		return "it runs with the power of its owner, and that is " + r.Field + " " + r.A + " in A, " + r.B + " in B"
	case r.Field == "xattr "+capabilityXattr:
		return differ("its capabilities")
	case isAttr && (strings.HasPrefix(attr, "security.") || strings.HasPrefix(attr, "system.posix_acl_") || strings.HasPrefix(attr, "trusted.overlay.")),
		isRecord && (strings.HasPrefix(record, "SCHILY.acl.") || strings.HasPrefix(record, "LIBARCHIVE.xattr.") || strings.HasPrefix(record, "RHT.security.")):
		return differ("attributes that say who may do what")
	case (r.Field == "device" || strings.HasPrefix(r.Field, "rdev")) && (isDevice(fa) || isDevice(fb)):
		return differ("the devices it leads to")
	}
	return ""
}

func valueOf(fs []Field, key string) string {
	for _, f := range fs {
		if f.Key == key {
			return f.Value
		}
	}
	return ""
}

// What the type bits of a mode say, where a format keeps them there (stat(2)).
const (
	modeType  = 0o170000
	modeLink  = 0o120000
	modeChar  = 0o020000
	modeBlock = 0o060000
)

// worldWritable reports whether anyone may write what has an octal mode. The mode of a
// link says nothing, and the sticky bit keeps a directory's names to their owners.
func worldWritable(mode string, fs []Field) bool {
	m, err := strconv.ParseUint(mode, 8, 32)
	return err == nil && m&0o002 != 0 && m&0o1000 == 0 && m&modeType != modeLink && valueOf(fs, "type") != "symlink"
}

func isDevice(fs []Field) bool {
	if strings.HasSuffix(valueOf(fs, "type"), "device") {
		return true
	}
	m, err := strconv.ParseUint(valueOf(fs, "mode"), 8, 32)
	return err == nil && (m&modeType == modeChar || m&modeType == modeBlock)
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
