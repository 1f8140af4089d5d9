package chain

import "fmt"

// Severity ranks a Finding.
type Severity int

// The severities. The zero value is the mildest that still needs eyes.
const (
	Notice  Severity = iota // worth knowing; nothing is lost
	Warning                 // the tree's own scripts would ignore something here
	Fault                   // a stage cannot be loaded or built as written
)

var severityNames = [...]string{"notice", "warning", "fault"}

func (s Severity) String() string { return severityNames[s] }

// MarshalText writes the severity's name, as JSON output carries it.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Finding is something in a tree that a person should know of: above all what
// the tree's own scripts would crash on or drop in silence.
type Finding struct {
	Severity Severity `json:"severity"`
	Rule     string   `json:"rule"`            // stable identifier, e.g. "package-without-toml"
	Stage    string   `json:"stage,omitempty"` // the stage concerned, if there is one
	File     string   `json:"file,omitempty"`  // relative to the tree's root
	Line     int      `json:"line,omitempty"`  // 1-based; 0 when it concerns the whole file
	Text     string   `json:"text"`            // what is wrong
	Hint     string   `json:"hint,omitempty"`  // what to do
}

// Where is the place as compilers print it: "file:line".
func (f Finding) Where() string {
	if f.Line > 0 {
		return fmt.Sprintf("%s:%d", f.File, f.Line)
	}
	return f.File
}
