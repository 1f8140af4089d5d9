package action

import (
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"
)

// Action is one thing a person can do.
type Action struct {
	Keys  []string // as Bubble Tea names them; the first one is shown first
	Name  string   // imperative and short: "open the stage"
	Group string   // heading in help: Move, Go, Find, Show, Do
	Hint  string   // word for the status line; "" leaves it out there
	Run   func() tea.Cmd
}

// Table is what can be done on one screen.
type Table []Action

// Find gives the action of a key, or nil.
func (t Table) Find(key string) *Action {
	for i := range t {
		if slices.Contains(t[i].Keys, key) {
			return &t[i]
		}
	}
	return nil
}

// Check reports a key with two meanings and an action that cannot be run.
func (t Table) Check() error {
	by := map[string]string{}
	for _, a := range t {
		if a.Run == nil || a.Name == "" || len(a.Keys) == 0 {
			return fmt.Errorf("action %q: no name, key or effect", a.Name)
		}
		for _, k := range a.Keys {
			if other, ok := by[k]; ok {
				return fmt.Errorf("key %q means both %q and %q", k, other, a.Name)
			}
			by[k] = a.Name
		}
	}
	return nil
}

var shown = map[string]string{
	"up": "↑", "down": "↓", "left": "←", "right": "→", "space": "space",
	"pgup": "PgUp", "pgdown": "PgDn", "home": "Home", "end": "End",
	"shift+tab": "shift+tab",
}

// KeyName is a key as people read it.
func KeyName(key string) string {
	if s, ok := shown[key]; ok {
		return s
	}
	return key
}

// KeyNames is all keys of an action, joined for a column.
func (a Action) KeyNames() string {
	names := make([]string, len(a.Keys))
	for i, k := range a.Keys {
		names[i] = KeyName(k)
	}
	return strings.Join(names, " ")
}

// Section is the table of one screen under its name.
type Section struct {
	Screen string
	Table  Table
}

// Markdown writes sections as the tables of the README.
func Markdown(sections []Section) string {
	var b strings.Builder
	for i, s := range sections {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "**%s**\n\n| key | does |\n|---|---|\n", s.Screen)
		for _, a := range s.Table {
			keys := make([]string, len(a.Keys))
			for i, k := range a.Keys {
				keys[i] = "`" + strings.ReplaceAll(KeyName(k), "|", `\|`) + "`"
			}
			fmt.Fprintf(&b, "| %s | %s |\n", strings.Join(keys, " "), a.Name)
		}
	}
	return b.String()
}
