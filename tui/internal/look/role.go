package look

// Role is what a piece of text is for. A theme decides what that looks like,
// so that no screen ever names a colour.
type Role uint8

// The roles. Plain is the terminal's own foreground.
const (
	Plain  Role = iota
	Strong      // what the eye should find first
	Muted       // secondary
	Faint       // hardly there: separators, guides, absent values
	Title       // of a pane or a screen
	Accent      // keys, links, what can be entered
	Good        // reproduced, same
	Bad         // differs, failed
	Warn        // needs eyes, unexplained
	Busy        // running
	Border
	BorderFocus
	Match     // found by a search
	MatchHere // the match that the cursor is on
	Badge     // short label on a filled ground
	BadgeBad
	AddedA // bytes or lines that only side A has
	AddedB // bytes or lines that only side B has
	Keyword
	String
	Comment
	Number
	Variable
	Bar     // filled part of a gauge
	BarRest // rest of it
	nRoles
)

// Ground is what a whole line lies on.
type Ground uint8

// The grounds. GroundNone is the terminal's own background.
const (
	GroundNone   Ground = iota
	GroundCursor        // the selected row of the pane that has the keys
	GroundIdle          // the selected row of another pane
	GroundBar           // the status line
	nGrounds
)
