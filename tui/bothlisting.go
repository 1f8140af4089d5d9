package tui

import (
	"context"
	"fmt"

	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/tui/internal/both"
)

// disassembly is the name of the listings that formats make of code.
const disassembly = "disassembly"

// heading is a line that belongs to neither side.
func heading(text string) both.Line { return both.Line{Op: diff.Fold, Text: text} }

// structureOf gives the parts of a node, where they lie on each side, and the
// listings that its format made of its structure.
func structureOf(ctx context.Context, n *diff.Node) ([]both.Line, error) {
	var out []both.Line
	for _, c := range n.Children {
		if c.Listing {
			continue
		}
		text := fmt.Sprintf("%s %s  %s", diffFaces[c.Status].sign, c.Name, c.Kind)
		for i, s := range []*diff.Side{c.A, c.B} {
			if s != nil && s.Within != nil {
				text += fmt.Sprintf("  %s %#x+%d", "AB"[i:i+1], s.Within.Off, s.Within.Len)
			}
		}
		if why, _ := cause(c); why != "" {
			text += "  " + why
		}
		out = append(out, heading(text))
	}
	if n.Equal > 0 {
		out = append(out, heading(fmt.Sprintf("= %d more parts are equal", n.Equal)))
	}
	for _, c := range n.Children {
		if !c.Listing || c.Name == disassembly {
			continue
		}
		var err error
		if out, err = listed(ctx, out, c.Name, c); err != nil {
			return nil, err
		}
	}
	if n.Listing {
		return listed(ctx, out, n.Name, n)
	}
	if len(out) == 0 {
		out = append(out, heading("no format took this apart: it has no structure to show"))
	}
	return out, nil
}

// codeOf gives the disassembly that differs, of a node and all of its parts.
func codeOf(ctx context.Context, n *diff.Node) ([]both.Line, error) {
	out, err := codeBelow(ctx, nil, n, n.Name)
	if err == nil && len(out) == 0 {
		out = append(out, heading("there is no code here that was disassembled"))
	}
	return out, err
}

func codeBelow(ctx context.Context, out []both.Line, n *diff.Node, at string) ([]both.Line, error) {
	if n.Listing && n.Name == disassembly {
		return listed(ctx, out, at, n)
	}
	for _, c := range n.Children {
		where := at
		if !c.Listing {
			where += " › " + c.Name
		}
		var err error
		if out, err = codeBelow(ctx, out, c, where); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// listed appends a listing's difference under its name.
func listed(ctx context.Context, out []both.Line, name string, n *diff.Node) ([]both.Line, error) {
	if n.Content == nil {
		return out, nil
	}
	ls, err := both.Unified(ctx, n.Content)
	if err != nil {
		return nil, err
	}
	return append(append(out, heading("── "+name)), ls...), nil
}
