package diff

import (
	"fmt"
	"slices"
	"strings"
)

// foldMin is how many entries must share a set of changed properties to be
// folded into one line.
const foldMin = 4

// fold puts children that differ only in the same properties under one counted
// node, with the list behind it.
func fold(n *Node) {
	by := map[string][]*Node{}
	for _, c := range n.Children {
		if k := foldKey(c); k != "" {
			by[k] = append(by[k], c)
		}
	}
	var out []*Node
	done := map[string]bool{}
	for _, c := range n.Children {
		k := foldKey(c)
		if len(by[k]) < foldMin || k == "" {
			out = append(out, c)
			continue
		}
		if !done[k] {
			done[k] = true
			out = append(out, group(by[k]))
		}
	}
	n.Children = out
}

// foldKey is the properties in which an entry differs, and why; "" when its content
// differs as well, or something else that must be seen by itself.
func foldKey(n *Node) string {
	if n.Kind != KindEntry || n.Status != Differs || n.Content != nil || len(n.Children) > 0 || n.Note != "" || n.Suspicious > 0 {
		return ""
	}
	var fields []string
	for _, r := range n.Reasons {
		// What a file may do is never folded away.
		if r.Field == "mode" || r.Field == "type" || strings.HasPrefix(r.Field, "xattr") {
			if risky(r) {
				return ""
			}
		}
		key := r.Field
		if c := r.Cause; c != nil {
			key += "\x00" + c.ID + "\x00" + c.Name + "\x00" + c.Confidence.String()
		}
		fields = append(fields, key)
	}
	return strings.Join(fields, "\x01")
}

// risky reports a change that gives a file power: a set-id bit, a capability or
// another type.
func risky(r Reason) bool {
	if r.Field != "mode" {
		return true
	}
	for _, m := range []string{r.A, r.B} {
		if len(m) >= 4 && m[len(m)-4] != '0' {
			return true
		}
	}
	return false
}

// group is the counted node.
func group(list []*Node) *Node {
	var fields []string
	for _, r := range list[0].Reasons {
		fields = append(fields, r.Field)
	}
	g := &Node{Kind: KindGroup, Name: fmt.Sprintf("%s of %d entries", strings.Join(fields, ", "), len(list)), Status: Differs, Count: len(list), Children: list}
	for i, r := range list[0].Reasons {
		g.Reasons = append(g.Reasons, Reason{Field: r.Field, A: values(list, i, func(r Reason) string { return r.A }), B: values(list, i, func(r Reason) string { return r.B }), Cause: r.Cause})
	}
	g.settle()
	return g
}

// values says what the group's entries have in one field.
func values(list []*Node, i int, of func(Reason) string) string {
	var seen []string
	for _, n := range list {
		v := of(n.Reasons[i])
		if !slices.Contains(seen, v) {
			seen = append(seen, v)
		}
		if len(seen) > 64 {
			break
		}
	}
	switch {
	case len(seen) == 1:
		return seen[0]
	case len(seen) > 64:
		return fmt.Sprintf("from %s, over 64 values", slices.Min(seen))
	}
	return fmt.Sprintf("%s … %s, %d values", slices.Min(seen), slices.Max(seen), len(seen))
}
