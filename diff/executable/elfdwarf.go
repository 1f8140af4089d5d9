package executable

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/stagescope/stagescope/diff"
)

// compareDebug compares a section of debug information: record by record where
// both sides are as compilers write them, and else byte by byte.
func (e *elfPair) compareDebug(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input) error {
	name := strings.TrimPrefix(strings.TrimPrefix(n.Name, "content of "), ".")
	name = strings.TrimPrefix(strings.TrimPrefix(name, "z"), "debug_")
	r, err := e.dwarfOf(ctx, name, a, b)
	if err != nil {
		return err
	}
	if r == nil {
		if e.debugWhy != "" && slices.Contains(dwarfNames, name) {
			addNote(n, "it is compared byte by byte: debug information was not taken apart, "+e.debugWhy)
		}
		return e.compareDebugBytes(ctx, x, n, a, b)
	}
	if n.Kind = diff.KindTable; name == "str" || name == "line_str" {
		n.Kind = diff.KindBinary // the rules about causes look into it
	}
	setHunks(n, r.open, r.closed)
	n.Reasons = append(n.Reasons, r.reasons...)
	if len(r.closed) > 0 {
		what := r.what
		if what == "" {
			what = "places of code, strings and units that moved"
		}
		n.Reasons = append(n.Reasons, diff.Reason{Field: fmt.Sprintf("%s, in %s", what, plural(len(r.closed), "range")),
			Cause: &diff.Cause{ID: "derived", Name: "places of what moved", Confidence: diff.Derived, Evidence: "each leads to the same on both sides"}})
	}
	if name == "info" {
		e.units(ctx, n, x)
	}
	return nil
}

// dwarfOf gives what is found of a section; nil when it was not taken apart, or
// when its content is not what was.
func (e *elfPair) dwarfOf(ctx context.Context, name string, a, b *diff.Input) (*dwarfResult, error) {
	d, err := e.dwarf(ctx)
	if d == nil || err != nil {
		return nil, err
	}
	if int64(len(d.a.sec[name])) != a.Size || int64(len(d.b.sec[name])) != b.Size || a.Size == 0 || b.Size == 0 {
		return nil, nil
	}
	return d.result(ctx, name)
}
