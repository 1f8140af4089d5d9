package diff

// Settle computes anew what follows from a node's children, from the leaves up:
// its status, when that is not known otherwise, and its residue. It is called
// again when causes have been found.
func (n *Node) Settle() {
	for _, c := range n.Children {
		c.Settle()
	}
	n.settle()
}

// settle is Settle for one node whose children are settled.
func (n *Node) settle() {
	if n.Status == NotChecked && len(n.Children) > 0 {
		n.Status = n.sum()
	}
	for _, c := range n.Children {
		n.Capped = n.Capped || c.Capped
	}
	n.countSuspicions()
	switch n.Status {
	case Same:
		n.Residue = ResidueNone
		return
	case NotChecked, Unreadable:
		n.Residue = ResidueUnexamined
		return
	case OnlyA, OnlyB:
		n.Residue = ResidueKnown
		if len(n.Reasons) > 0 && established(n.Reasons) {
			n.Residue = ResidueNone
		}
		return
	}
	if n.Capped {
		// What was not seen may hold anything.
		n.Residue = ResidueUnexamined
		return
	}
	if !n.container() {
		n.settleLeaf()
		return
	}
	n.Residue = ResidueNone
	if len(n.Reasons) == 0 && n.equalBelow() {
		n.Residue = ResidueKnown // it differs, and nothing that was found does
	}
	if !established(n.Reasons) || len(n.UnexplainedA)+len(n.UnexplainedB) > 0 {
		n.Residue = ResidueKnown
	}
	for _, c := range n.Children {
		if c.Listing || c.Status == Same || n.Residue == ResidueUnexamined {
			continue
		}
		switch c.Residue {
		case ResidueUnexamined:
			n.Residue = ResidueUnexamined
		case ResidueKnown:
			n.Residue = ResidueKnown
		}
	}
}

// settleLeaf judges a node whose bytes nothing below it accounts for.
func (n *Node) settleLeaf() {
	looked := len(n.RangesA)+len(n.RangesB) > 0
	bytes := n.Content != nil && !n.Listing
	switch {
	case bytes && !looked:
		n.Residue = ResidueUnexamined
	case len(n.UnexplainedA)+len(n.UnexplainedB) > 0, len(n.Reasons) == 0, !established(n.Reasons):
		n.Residue = ResidueKnown
	default:
		n.Residue = ResidueNone
	}
}

// container reports whether children account for the node's bytes.
func (n *Node) container() bool {
	for _, c := range n.Children {
		if !c.Listing {
			return true
		}
	}
	return n.Equal > 0
}

// equalBelow reports whether no child accounts for a difference.
func (n *Node) equalBelow() bool {
	for _, c := range n.Children {
		if !c.Listing && c.Status != Same {
			return false
		}
	}
	return true
}

// sum is the status that the children alone give.
func (n *Node) sum() Status {
	out := Same
	for _, c := range n.Children {
		switch c.Status {
		case Differs, OnlyA, OnlyB:
			return Differs
		case NotChecked, Unreadable:
			out = NotChecked
		}
	}
	return out
}

// established reports whether every reason has a cause that is more than likely.
func established(rs []Reason) bool {
	for _, r := range rs {
		if r.Cause == nil || r.Cause.Confidence < Derived {
			return false
		}
	}
	return true
}
