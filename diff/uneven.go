package diff

import (
	"cmp"
	"slices"
	"strings"
)

// uneven compares the properties of files in containers of different kinds. What one
// side does not record is neither equal nor a difference: it is counted.
type uneven struct {
	missing map[Unrecorded]int // by field and side; Entries is 0
}

// treeFields are the properties of a file in a tree, in the order in which they are
// said; attributes stands for all extended ones.
var treeFields = []string{"type", "mode", "uid", "gid", "mtime", "link", "hard link", "device", allAttributes}

const allAttributes = "xattr"

// impliedLacks are the properties of a directory that has no entry of its own.
var impliedLacks = []string{"mode", "uid", "gid", "mtime", allAttributes}

// fieldOf is the property that a key is of.
func fieldOf(key string) string {
	if strings.HasPrefix(key, allAttributes+" ") {
		return allAttributes
	}
	return key
}

func (u *uneven) reasons(a, b *member) (out []Reason, fa, fb []Field) {
	fa, fb = a.recorded(), b.recorded()
	other := map[string]string{}
	for _, f := range fb {
		other[f.Key] = f.Value
	}
	both := fa[:len(fa):len(fa)]
	for _, f := range fb {
		if !slices.ContainsFunc(fa, func(g Field) bool { return g.Key == f.Key }) {
			both = append(both, Field{Key: f.Key})
		}
	}
	for _, f := range both {
		name := fieldOf(f.Key)
		lacksA, lacksB := slices.Contains(a.Lacks, name), slices.Contains(b.Lacks, name)
		switch {
		case lacksA:
			u.add(name, "A")
		case lacksB:
			u.add(name, "B")
		case f.Value != other[f.Key]:
			out = append(out, Reason{Field: f.Key, A: f.Value, B: other[f.Key]})
		}
	}
	for _, name := range always {
		if slices.Contains(a.Lacks, name) && slices.Contains(b.Lacks, name) {
			u.add(name, "A")
			u.add(name, "B")
		}
	}
	return out, fa, fb
}

// always are the properties that every file has, whatever records them.
var always = []string{"mode", "uid", "gid", "mtime"}

// recorded are the properties of a member without those that it lacks.
func (m *member) recorded() (out []Field) {
	if m.Fields == nil {
		return nil
	}
	for _, f := range m.Fields() {
		if !slices.Contains(m.Lacks, fieldOf(f.Key)) {
			out = append(out, f)
		}
	}
	return out
}

func (u *uneven) add(field, side string) {
	if u.missing == nil {
		u.missing = map[Unrecorded]int{}
	}
	u.missing[Unrecorded{Field: field, Side: side}]++
}

// list is what was not compared, by property.
func (u *uneven) list() []Unrecorded {
	var out []Unrecorded
	for k, n := range u.missing {
		k.Entries = n
		out = append(out, k)
	}
	slices.SortFunc(out, func(a, b Unrecorded) int {
		return cmp.Or(cmp.Compare(slices.Index(treeFields, a.Field), slices.Index(treeFields, b.Field)), cmp.Compare(a.Side, b.Side))
	})
	return out
}

// compared are the properties that both sides have in some entry.
func compared(lacksA, lacksB []string) (out []string) {
	for _, f := range treeFields {
		if !slices.Contains(lacksA, f) && !slices.Contains(lacksB, f) {
			out = append(out, treeWord(f))
		}
	}
	return append(out, "content")
}

// treeWord is a property as people name it.
func treeWord(field string) string {
	if field == allAttributes {
		return "extended attributes"
	}
	return field
}
