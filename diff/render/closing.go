package render

import "github.com/stagescope/stagescope/diff"

// Closing are the lines below a report whose beginning has scrolled away: the verdict
// again, and what a person can do now. There are none where nothing differs. A side that
// is read only once cannot be opened in the workbench.
func (o Options) Closing(root *diff.Node, once bool) []string {
	if root.Status != diff.Differs {
		return nil
	}
	s := o.summarize(root)
	verdict := o.verdict(s)
	if !o.Stat {
		verdict += " (--stat shows the summary alone)"
	}
	out := []string{verdict}
	if len(s.Suspects) > 0 && len(o.Only) == 0 && s.Suspects[0].node != root {
		out = append(out, "  the worst file alone: "+s.Suspects[0].flag(root))
	}
	if !once {
		out = append(out, "  to look into it: --tui")
	}
	return append(out, "  for others: --format html --out report.html")
}
