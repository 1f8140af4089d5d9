package cause

import (
	"context"
	"fmt"
	"slices"

	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/diff/executable"
)

// maxContent bounds the size of a content whose ranges are looked into. Larger
// ones keep their ranges unexplained, and a note says so.
const maxContent = 64 << 20

// Classify finds the causes of everything in a tree that differs, and settles the tree
// anew. k is what is recorded of the builds of both sides; its zero value is nothing. It
// ends early only when the context does.
func Classify(ctx context.Context, root *diff.Node, k Known) error {
	c := &classifier{ctx: ctx, known: k, byDigest: [2]map[string]string{{}, {}}}
	c.rules = slices.Concat(k.rules(), []tokenRule{c.sizeRule(), c.sumRule()}, contextRules, machineRules, tokenRules)
	c.number()
	c.doubted = twins(c.rules)
	c.collect(root, "")
	err := c.walk(root)
	c.notRewritten(root)
	c.inherited(root)
	root.SuspectPlaces()
	return err
}

type classifier struct {
	ctx      context.Context
	known    Known
	rules    []tokenRule // in the order in which they are asked
	doubted  []tokenRule // their twins
	patterns int         // of all rules
	probed   []string    // files that record what configure found and that differ
	// byDigest names the file of each side that has a digest, for lists of
	// checksums inside files. Only files that differ are here.
	byDigest [2]map[string]string
	files    []*diff.Node          // those with a digest
	loaded   *loaded               // of the program that is being walked; nil when there is none
	part     bool                  // what is looked at is a part of it, such as a section
	sums     *[2]map[string]listed // of files; nil until a list asks for them
}

// collect notes the digests of all files that differ.
func (c *classifier) collect(n *diff.Node, at string) {
	if n.Kind != diff.KindImage && n.Status != diff.Same {
		for i, s := range []*diff.Side{n.A, n.B} {
			if s != nil && s.Digest != "" {
				c.byDigest[i][s.Digest.Hex()] = s.Name
			}
		}
		if n.Kind != diff.KindValue && !n.Listing {
			c.files = append(c.files, n)
		}
		c.probe(n)
	}
	for _, k := range n.Children {
		c.collect(k, at)
	}
}

func (c *classifier) walk(n *diff.Node) error {
	if err := c.ctx.Err(); err != nil {
		return err
	}
	inside := c.part
	switch n.Status {
	case diff.Same, diff.NotChecked, diff.Unreadable:
		// Nothing is explained of what was not seen; but below an unreadable
		// container there may be members that were.
	case diff.OnlyA, diff.OnlyB:
		c.lonely(n)
	default:
		c.container(n)
		if leaf(n) {
			c.content(n)
		}
	}
	outer := c.loaded
	if n.Kind == executable.KindELF && n.Status == diff.Differs {
		c.loaded = loadedOf(n)
	}
	for _, k := range n.Children {
		if k.Listing {
			continue
		}
		c.part = n.Kind == executable.KindELF && n.Status == diff.Differs
		if err := c.walk(k); err != nil {
			return err
		}
	}
	c.part = inside
	c.program(n)
	c.loaded = outer
	return nil
}

// leaf reports whether a node has bytes that nothing below it accounts for.
func leaf(n *diff.Node) bool {
	if n.Content == nil || n.Listing || len(n.RangesA) != len(n.RangesB) || len(n.RangesA) == 0 {
		return false
	}
	if len(n.UnexplainedA)+len(n.UnexplainedB) == 0 && len(n.Reasons) > 0 {
		return false // its format knows why
	}
	switch n.Kind {
	case diff.KindIndex, diff.KindManifest, diff.KindConfig, diff.KindTable, diff.KindCode:
		return false // their reasons account for them
	}
	for _, k := range n.Children {
		if !k.Listing {
			return false
		}
	}
	return true
}

// content tries the rules on the bytes of a leaf.
func (c *classifier) content(n *diff.Node) {
	p, err := load(n)
	if err != nil {
		n.Note = join(n.Note, "its causes were not sought: "+err.Error())
		return
	}
	p.repeat, p.idle = c.known.Repeat, c.onlyForDebuggers(n)
	if ex := c.manifest(p); ex != nil {
		explain(n, ex)
		return
	}
	whole := wholeRules
	if len(n.UnexplainedA) != len(n.RangesA) {
		whole = nil // its format explained a part of it
	}
	for _, r := range whole {
		if ex := r(p); ex != nil {
			if ex.cause.ID == "D7c" && c.known.Repeat {
				ex.cause.ID, ex.cause.Name = "C4", "a race: it is not whole every time"
			}
			explain(n, ex)
			return
		}
	}
	if c.tokens(n, p) {
		return
	}
	// A date or a digit may change by one bit as well.
	if ex := bitFlip(p); ex != nil {
		explain(n, ex)
	}
}

// pair is the content of both sides with the ranges that differ.
type pair struct {
	node   *diff.Node
	a, b   []byte
	repeat bool // both are of one recipe, built twice on one machine
	idle   bool // a section of debug information that is not loaded

	sorted, reordered bool // whether it was found out that the lines are the same, in another order; whether they are
}

func load(n *diff.Node) (*pair, error) {
	if n.A != nil && n.A.Size > maxContent || n.B != nil && n.B.Size > maxContent {
		return nil, fmt.Errorf("it has more than %d bytes", maxContent)
	}
	p := &pair{node: n}
	for i, open := range []func() (diff.ReaderAtCloser, int64, error){n.Content.OpenA, n.Content.OpenB} {
		r, size, err := open()
		if err != nil {
			return nil, err
		}
		if r == nil {
			return nil, fmt.Errorf("side %s has no content", "AB"[i:i+1])
		}
		buf := make([]byte, min(size, maxContent+1))
		k, err := r.ReadAt(buf, 0)
		r.Close()
		if k < len(buf) {
			return nil, err
		}
		if i == 0 {
			p.a = buf
		} else {
			p.b = buf
		}
	}
	return p, nil
}

// explained is what a rule found of a whole content.
type explained struct {
	cause diff.Cause
	a, b  string // examples of what differs
}

// explain gives a node a cause for all of its ranges.
func explain(n *diff.Node, ex *explained) {
	cause := ex.cause
	n.Reasons = append(n.Reasons, diff.Reason{Field: "content", A: ex.a, B: ex.b, Cause: &cause})
	if cause.Confidence == diff.Proved {
		n.UnexplainedA, n.UnexplainedB = nil, nil
	}
}

func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}
