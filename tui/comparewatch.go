package tui

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/tui/internal/look"
)

// maxFound bounds the differences that are listed while comparing; the tree
// that comes afterwards has them all.
const maxFound = 10_000

// compareWatch is what is known of a comparison that still runs. The comparison
// fills it from its own goroutines; the screen looks at it when it ticks.
type compareWatch struct {
	mu    sync.Mutex
	began time.Time
	bytes int64
	what  string
	found []diff.Found // whose content differs, or that one side lacks
	more  int          // beyond maxFound
	meta  int          // that differ in properties only
}

// add is the comparison's progress.
func (w *compareWatch) add(p diff.Progress) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.bytes += p.Bytes
	w.what = p.What
	switch f := p.Found; {
	case f == nil:
	case f.Status == diff.Differs && !contains(f.Fields, "content") && !contains(f.Fields, "name"):
		w.meta++
	case len(w.found) >= maxFound:
		w.more++
	default:
		w.found = append(w.found, *f)
	}
}

func contains(list []string, s string) bool {
	for _, v := range list {
		if v == s {
			return true
		}
	}
	return false
}

// foundRows are the differences found so far, as the rows of a list. They are a
// copy, so that they do not change while they are drawn.
type foundRows []diff.Found

// rows gives what was found until now.
func (w *compareWatch) rows() foundRows {
	w.mu.Lock()
	defer w.mu.Unlock()
	return foundRows(w.found[:len(w.found):len(w.found)])
}

// Len and Row make it the rows of a list.
func (r foundRows) Len() int { return len(r) }

func (r foundRows) Row(i, _ int) look.Line {
	f := diffFaces[r[i].Status]
	l := look.T(f.role, f.sign+" ").Add(look.Plain, safe.Text(r[i].Name))
	if r[i].Status == diff.Differs {
		l = l.Add(look.Muted, "  "+safe.Text(strings.Join(r[i].Fields, ", ")))
	}
	return l.Add(look.Faint, "  "+safe.Text(r[i].In))
}

// line says how far the comparison is.
func (w *compareWatch) line(now time.Time) look.Line {
	w.mu.Lock()
	defer w.mu.Unlock()
	l := look.T(look.Busy, "comparing… ").Add(look.Plain, size(w.bytes)+" read")
	if t := now.Sub(w.began).Seconds(); t >= 1 {
		l = l.Add(look.Muted, fmt.Sprintf(", %s/s", size(int64(float64(w.bytes)/t))))
	}
	if n := len(w.found) + w.more; n > 0 {
		l = l.Add(look.Bad, fmt.Sprintf("  ≠ %d found", n))
	}
	if w.meta > 0 {
		l = l.Add(look.Muted, fmt.Sprintf("  %d differ in properties only", w.meta))
	}
	return l.Add(look.Faint, "  "+safe.Text(w.what))
}
