package list

import (
	"fmt"

	"github.com/stagescope/stagescope/tui/internal/look"
)

// Rows is what a list shows. Both methods are called while drawing, so they
// must be quick and must not do input or output.
type Rows interface {
	Len() int
	Row(i, width int) look.Line // row i; width is a hint for columns, not a bound
}

// List is a window on rows with a cursor. The zero value is an empty list.
type List struct {
	rows   Rows
	w, h   int
	cursor int // row, or position in shown when there is a filter
	top    int
	x      int   // columns scrolled sideways
	shown  []int // rows that pass the filter, ascending; nil without a filter

	// Plain lists have no selection sign: text that is read, not chosen from.
	Plain bool
	// Shows keeps the cursor's row of a plain list visible without the keys.
	Shows bool
	// Follow keeps the cursor on the last row as rows are added. Moving up ends
	// it, moving to the end starts it again.
	Follow bool
	// Tails makes reaching the end switch Follow on: for logs.
	Tails bool
	// Mark is text to be made visible wherever it occurs in a row.
	Mark string
	// Skip reports rows that the cursor passes over, e.g. headings; may be nil.
	Skip func(row int) bool
}

// New makes a list of rows.
func New(rows Rows) *List { return &List{rows: rows} }

// SetRows exchanges the rows, keeps the cursor's row number where it exists,
// and drops the filter.
func (l *List) SetRows(rows Rows) {
	l.rows, l.shown = rows, nil
	l.settle(1)
}

// Rows is what the list shows now.
func (l *List) Rows() Rows { return l.rows }

// Show restricts the list to the given rows, in ascending order; nil shows all.
// The row under the cursor stays under it, or the next one that is shown.
func (l *List) Show(rows []int) {
	at := l.Cursor()
	l.shown = rows
	l.MoveTo(at)
}

// Len is the number of rows that are shown.
func (l *List) Len() int {
	if l.shown != nil {
		return len(l.shown)
	}
	if l.rows == nil {
		return 0
	}
	return l.rows.Len()
}

// Total is the number of rows with or without the filter.
func (l *List) Total() int {
	if l.rows == nil {
		return 0
	}
	return l.rows.Len()
}

// Filtered reports whether a filter is on.
func (l *List) Filtered() bool { return l.shown != nil }

// Cursor is the row under the cursor, or -1 when nothing is shown.
func (l *List) Cursor() int {
	if l.Len() == 0 {
		return -1
	}
	return l.row(l.cursor)
}

func (l *List) row(pos int) int {
	if l.shown != nil {
		return l.shown[pos]
	}
	return pos
}

// MoveTo puts the cursor on row, or on the next one that is shown.
func (l *List) MoveTo(row int) {
	l.cursor = row
	if l.shown != nil {
		lo, hi := 0, len(l.shown)
		for lo < hi {
			if mid := (lo + hi) / 2; l.shown[mid] < row {
				lo = mid + 1
			} else {
				hi = mid
			}
		}
		l.cursor = lo
	}
	l.settle(1)
}

// Center puts the cursor's row into the middle of the window.
func (l *List) Center() {
	l.top = max(0, min(l.cursor-l.h/2, l.Len()-l.h))
}

// Resize tells the list its window, in cells.
func (l *List) Resize(w, h int) {
	l.w, l.h = max(0, w), max(0, h)
	l.reveal()
}

// Move moves the cursor n rows and ends following when it goes up.
func (l *List) Move(n int) {
	l.cursor += n
	dir := 1
	if n < 0 {
		dir = -1
		l.Follow = false
	}
	l.settle(dir)
	if n > 0 && l.Tails && l.cursor == l.Len()-1 {
		l.Follow = true
	}
}

// Page moves by a window's height, less a row to keep one's place.
func (l *List) Page(n int) { l.Move(n * max(1, l.h-1)) }

// HalfPage moves by half a window.
func (l *List) HalfPage(n int) { l.Move(n * max(1, l.h/2)) }

// Home moves to the first row.
func (l *List) Home() { l.Move(-l.Len()) }

// End moves to the last row.
func (l *List) End() { l.Move(l.Len()) }

// ScrollX scrolls sideways by n columns.
func (l *List) ScrollX(n int) { l.x = max(0, l.x+n) }

// X is how many columns the list is scrolled sideways.
func (l *List) X() int { return l.x }

// Wheel scrolls the window n rows and drags the cursor along at its edges.
func (l *List) Wheel(n int) {
	last := max(0, l.Len()-l.h)
	l.top = min(max(0, l.top+n), last)
	if n < 0 {
		l.Follow = false
	}
	l.cursor = min(max(l.cursor, l.top), max(l.top, l.top+l.h-1))
	l.cursor = min(l.cursor, max(0, l.Len()-1))
	l.skip(1)
	if n > 0 && l.Tails && l.top == last {
		l.Follow = true
		l.cursor = max(0, l.Len()-1)
	}
}

// Click puts the cursor on the row drawn y rows below the top of the window.
// It reports whether there is one, and whether the cursor was there already.
func (l *List) Click(y int) (hit, again bool) {
	pos := l.top + y
	if y < 0 || y >= l.h || pos >= l.Len() {
		return false, false
	}
	again = pos == l.cursor
	l.cursor = pos
	l.Follow = false
	l.settle(1)
	return true, again
}

// settle brings the cursor into bounds and off skipped rows, going on in
// direction dir, and the window to the cursor.
func (l *List) settle(dir int) {
	l.cursor = min(max(0, l.cursor), max(0, l.Len()-1))
	l.skip(dir)
	l.reveal()
}

func (l *List) skip(dir int) {
	if l.Skip == nil || l.Len() == 0 {
		return
	}
	for _, d := range []int{dir, -dir} {
		for p := l.cursor; p >= 0 && p < l.Len(); p += d {
			if !l.Skip(l.row(p)) {
				l.cursor = p
				return
			}
		}
	}
}

// reveal moves the window so that the cursor is in it, with two rows of
// context where there is room.
func (l *List) reveal() {
	margin := min(2, max(0, (l.h-1)/2))
	if l.Follow {
		margin = 0
	}
	n := l.Len()
	if l.cursor-margin < l.top {
		l.top = l.cursor - margin
	}
	if l.cursor+margin >= l.top+l.h {
		l.top = l.cursor + margin - l.h + 1
	}
	l.top = max(0, min(l.top, n-l.h))
}

// Window gives the rows [from, to) that are drawn, as positions; without a
// filter these are row numbers.
func (l *List) Window() (from, to int) {
	l.catchUp()
	return l.top, min(l.Len(), l.top+l.h)
}

func (l *List) catchUp() {
	if l.Follow && l.cursor != l.Len()-1 {
		l.cursor = l.Len() - 1
	}
	l.settle(1)
}

// Draw gives the window as a block of exactly its size. Focused says whether
// keys go to this list.
func (l *List) Draw(focused bool) look.Block {
	l.catchUp()
	out := make(look.Block, 0, l.h)
	width := l.textWidth()
	for y := range l.h {
		pos := l.top + y
		if pos >= l.Len() {
			out = append(out, look.Line{}.Fit(l.w))
			continue
		}
		out = append(out, l.drawRow(pos, width, focused))
	}
	return out
}

func (l *List) textWidth() int {
	if l.Plain {
		return l.w
	}
	return max(0, l.w-3)
}

func (l *List) drawRow(pos, width int, focused bool) look.Line {
	line := l.rows.Row(l.row(pos), width).Mark(l.Mark, look.Match)
	if l.x > 0 {
		line = line.Cut(l.x, l.x+width+1)
	}
	here := pos == l.cursor
	if l.Plain {
		line = line.Fit(l.w)
		if here && focused {
			line = line.On(look.GroundCursor)
		} else if here && l.Shows {
			line = line.On(look.GroundIdle)
		}
		return line
	}
	sign := look.T(look.Plain, "  ")
	if here && (l.Skip == nil || !l.Skip(l.row(pos))) {
		role := look.Muted
		if focused {
			role = look.Accent
		}
		sign = look.T(role, "> ")
	}
	line = append(sign, line.Fit(width)...).Fit(l.w)
	if here && focused {
		return line.On(look.GroundCursor)
	}
	if here {
		return line.On(look.GroundIdle)
	}
	return line
}

// Position says where the cursor is, for a border: "12/513", and how many
// there are without the filter.
func (l *List) Position() string {
	n := l.Len()
	if n == 0 {
		if l.shown != nil {
			return fmt.Sprintf("0 of %d", l.Total())
		}
		return ""
	}
	s := fmt.Sprintf("%d/%d", l.cursor+1, n)
	if l.shown != nil {
		s += fmt.Sprintf(" of %d", l.Total())
	}
	if l.x > 0 {
		s += fmt.Sprintf(" →%d", l.x)
	}
	return s
}
