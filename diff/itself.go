package diff

// Itself reports whether a node differs by itself: whether there is something
// at it that the nodes below do not say, and that is more than the hash or size
// of what differs elsewhere. These are the differences that are counted,
// explained, expected and stepped through. What was not read is none.
func (n *Node) Itself() bool {
	if n.Listing || n.Kind == KindGroup {
		return false
	}
	switch n.Status {
	case Same, NotChecked, Unreadable:
		return false
	}
	if len(n.Reasons) == 0 || len(n.UnexplainedA)+len(n.UnexplainedB) > 0 {
		return n.Leaf() || len(n.UnexplainedA)+len(n.UnexplainedB) > 0
	}
	for _, r := range n.Reasons {
		if r.Cause == nil || r.Cause.Confidence != Derived {
			return true
		}
	}
	return false
}

// Leaf reports whether no child accounts for a node.
func (n *Node) Leaf() bool {
	for _, c := range n.Children {
		if !c.Listing {
			return false
		}
	}
	return true
}
