package incident

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// Incident is one incident: who takes part, what it teaches, how it is told, and
// what it has to come to.
type Incident struct {
	Name    string  `json:"name"`
	Title   string  `json:"title"`
	Teaches string  `json:"teaches"` // in one sentence
	Parties []Party `json:"parties"`
	Steps   []Step  `json:"steps"`
	Want    Want    `json:"-"`
}

// Party is somebody who takes part. All of them are played.
type Party struct {
	Name      string `json:"name"`
	Who       string `json:"who"` // in one sentence
	CPUVendor string `json:"cpuVendor,omitempty"`
	Kernel    string `json:"kernel,omitempty"`
	Serves    bool   `json:"serves,omitempty"` // it only serves images, and signs nothing
}

// Step is one step of the telling. Facts are named in braces in its texts:
// Expand puts their values in.
type Step struct {
	Say     string   `json:"say"`     // one sentence
	Screen  Screen   `json:"screen"`  // what the workbench shows meanwhile
	Command []string `json:"command"` // what shows the same, without the program's name; none when nothing but the screen does
	Builds  bool     `json:"builds"`  // the command runs steps in the sandbox
	Exit    int      `json:"exit"`    // that the command ends with
	Prints  []string `json:"prints"`  // what the command's output has in it
}

// ScreenKind says which screen of the workbench a step shows.
type ScreenKind string

// The screens.
const (
	ChainScreen   ScreenKind = "chain"   // the stages with their verdicts
	ClaimsScreen  ScreenKind = "claims"  // who says what of one stage
	StageScreen   ScreenKind = "stage"   // one stage: recipe, inputs, claims
	TrustScreen   ScreenKind = "trust"   // where trust ends
	CompareScreen ScreenKind = "compare" // images A and B, opened at File where that is given
	FileScreen    ScreenKind = "file"    // the file File of image A
)

// Screen is a screen of the workbench and what it is opened on. A and B are
// references of images and may name facts.
type Screen struct {
	Kind  ScreenKind `json:"kind"`
	Stage string     `json:"stage,omitempty"`
	A     string     `json:"a,omitempty"`
	B     string     `json:"b,omitempty"`
	File  string     `json:"file,omitempty"` // path in the image; of a comparison the name of a part of it
	View  string     `json:"view,omitempty"` // how that part is shown: reasons, unified, sides, hex, structure, code
}

// Want is what an incident has to come to, from an empty store.
type Want struct {
	Verdicts  map[string]string // stage → status of its verdict
	First     []string          // stages where a dispute begins
	Inherited []string          // stages that it reaches
	Diff      [2]string         // images that are compared; "" when none are
	Causes    []string          // codes of the causes in that difference, sorted
	Proved    bool              // they are all proved, and nothing is left
	Suspect   string            // path of the file that the difference ranks as most suspicious; "" when nothing is
}

// All are the incidents, in the order in which they are best told.
func All() []Incident {
	return []Incident{honest, thompson, tampered, nondeterministic, backdooredSource, opaque, staleMirror, metadataOnly}
}

// Find gives the incident of a name.
func Find(name string) (*Incident, error) {
	all := All()
	i := slices.IndexFunc(all, func(x Incident) bool { return x.Name == name })
	if i < 0 {
		var names []string
		for _, x := range all {
			names = append(names, x.Name)
		}
		return nil, fmt.Errorf("there is no incident %q: there are %s", name, strings.Join(names, ", "))
	}
	return &all[i], nil
}

// Told is a step with the values put in.
type Told struct {
	Step
	Missing []string `json:"missing,omitempty"` // facts that it names and that are not there
}

// Tell puts facts into the steps.
func (i *Incident) Tell(facts map[string]string) []Told {
	var out []Told
	for _, s := range i.Steps {
		t := Told{Step: s}
		put := func(text string) string {
			text, missing := Expand(text, facts)
			t.Missing = append(t.Missing, missing...)
			return text
		}
		t.Say, t.Screen.A, t.Screen.B = put(s.Say), put(s.Screen.A), put(s.Screen.B)
		t.Command, t.Prints = nil, nil
		for _, word := range s.Command {
			t.Command = append(t.Command, put(word))
		}
		for _, text := range s.Prints {
			t.Prints = append(t.Prints, put(text))
		}
		out = append(out, t)
	}
	return out
}

// Expand puts values for names in braces, and gives the names that have none.
// Words in braces that are no names, as {cc} of a command, are doubled: {{cc}}.
func Expand(text string, facts map[string]string) (string, []string) {
	var b strings.Builder
	var missing []string
	for {
		at := strings.IndexByte(text, '{')
		if at < 0 {
			b.WriteString(text)
			return b.String(), missing
		}
		b.WriteString(text[:at])
		text = text[at:]
		if rest, ok := strings.CutPrefix(text, "{{"); ok {
			if name, after, ok := strings.Cut(rest, "}}"); ok {
				b.WriteString("{" + name + "}")
				text = after
				continue
			}
		}
		name, after, ok := strings.Cut(text[1:], "}")
		if !ok {
			b.WriteString(text)
			return b.String(), missing
		}
		value, known := facts[name]
		if !known {
			missing = append(missing, name)
		}
		b.WriteString(value)
		text = after
	}
}

// Files are all files that incidents are made of.
func Files() fs.FS { return files{} }

// files joins the two embedded directories, whose names differ.
type files struct{}

func (files) Open(name string) (fs.File, error) {
	if name == "upstream" || strings.HasPrefix(name, "upstream/") {
		return upstream.Open(name)
	}
	return embedded.Open(name)
}

// ReadDir lists the two directories at the root.
func (f files) ReadDir(name string) ([]fs.DirEntry, error) {
	if name == "upstream" || strings.HasPrefix(name, "upstream/") {
		return upstream.ReadDir(name)
	}
	entries, err := embedded.ReadDir(name)
	if name != "." || err != nil {
		return entries, err
	}
	more, err := upstream.ReadDir(".")
	return append(slices.Clone(entries), more...), err
}
