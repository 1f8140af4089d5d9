package tui

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim"
	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/tui/internal/action"
	"github.com/stagescope/stagescope/tui/internal/list"
	"github.com/stagescope/stagescope/tui/internal/look"
	"github.com/stagescope/stagescope/tui/internal/prompt"
)

// matrixScreen is who says what of each stage: parties by stages.
type matrixScreen struct {
	app     *app
	panes   panes
	list    *list.List
	detail  *list.List
	sheet   sheet
	parties []matrixParty
	rows    []*chain.Stage
	cells   map[string]map[string]face // by stage and party
	query   string

	from     *chain.Stage // to begin at, once there are rows
	built    int          // app.judgedGen that the rows are of
	shownFor matrixKey
}

type matrixKey struct {
	id  string
	w   int
	gen int
}

// matrixParty is a column.
type matrixParty struct {
	name string
	kind claim.Kind // the kind of its weightiest claim
}

var _ screen = (*matrixScreen)(nil)

func newMatrixScreen(a *app, st *chain.Stage) *matrixScreen {
	s := &matrixScreen{app: a, detail: list.New(nil), built: -1}
	s.list = list.New(s)
	s.panes.all = []*pane{
		{name: "Who says what", list: s.list, head: s.head},
		{name: "Claims", list: s.detail, title: s.detailTitle, fit: s.fit, note: func() string { return "" }},
	}
	s.from = st
	s.build()
	return s
}

// build makes rows and columns of what is known now.
func (s *matrixScreen) build() {
	if s.built == s.app.judgedGen {
		return
	}
	s.built = s.app.judgedGen
	s.rows, s.parties, s.cells = nil, nil, map[string]map[string]face{}
	j := s.app.judged
	if j == nil {
		return
	}
	kinds := map[string]claim.Kind{}
	for _, st := range s.app.cfg.Chain.Stages {
		v := j.Verdicts[st.ID]
		if v == nil {
			continue
		}
		s.rows = append(s.rows, st)
		row := map[string]face{}
		for _, c := range slices.Backward(sortedClaims(j.Claims[st.ID])) { // the weightiest is set last
			name := cmp.Or(c.Party, "unknown")
			f := cellOf(v, c)
			if old, ok := row[name]; ok && old.sign != f.sign && side(old.sign) && side(f.sign) {
				f = face{"%", look.Bad, "says more than one thing"}
			} else if ok && side(old.sign) && !side(f.sign) {
				f = old
			}
			row[name] = f
			if k, ok := kinds[name]; !ok || kindRank[c.Kind] < kindRank[k] {
				kinds[name] = c.Kind
			}
		}
		s.cells[st.ID] = row
	}
	for name, kind := range kinds {
		s.parties = append(s.parties, matrixParty{name, kind})
	}
	slices.SortFunc(s.parties, func(a, b matrixParty) int {
		return cmp.Or(cmp.Compare(kindRank[a.kind], kindRank[b.kind]), cmp.Compare(a.name, b.name))
	})
	s.list.SetRows(s)
	if i := slices.Index(s.rows, s.from); i >= 0 {
		s.list.MoveTo(i)
		s.from = nil
	}
}

// side says that a sign stands for a digest that counts.
func side(sign string) bool { return sign == "=" || len(sign) == 1 && sign[0] >= 'A' && sign[0] <= 'Z' }

func (s *matrixScreen) crumb() string  { return "claims" }
func (s *matrixScreen) start() tea.Cmd { return nil }
func (s *matrixScreen) close()         {}
func (s *matrixScreen) layout() *panes { return &s.panes }

func (s *matrixScreen) update(tea.Msg) tea.Cmd { return nil }

func (s *matrixScreen) counts() []look.Line {
	out := []look.Line{look.T(look.Muted, plural(len(s.parties), "party", "parties")+" by "+plural(len(s.rows), "stage", "stages"))}
	if l := s.app.judgingLine(); l != nil {
		out = append([]look.Line{l}, out...)
	}
	return out
}

func (s *matrixScreen) draw(w, h int) look.Block {
	s.build()
	p := s.panes.all
	p[0].weight, p[1].weight = 1, 0
	if w >= 110 {
		p[0].weight, p[1].weight = 58, 42
	}
	return s.panes.draw(w, h)
}

// nameWidth is the width of the column of stages.
const nameWidth = 26

// column is the width of a party's column: its name where there is room for all
// of them, else a number.
func (s *matrixScreen) column(w int) (width int, named bool) {
	longest := 4
	for _, p := range s.parties {
		longest = max(longest, min(14, look.Width(safe.Text(p.name))))
	}
	const least = 8 // cells in which a name can still be recognised
	room := (w - nameWidth - 4) / max(1, len(s.parties))
	if room < least {
		return 3, false
	}
	return min(longest+2, room), true
}

func (s *matrixScreen) head(w int) look.Line {
	width, named := s.column(w)
	l := look.T(look.Faint, look.Left("  stage", nameWidth+3))
	for i, p := range s.parties {
		name := fmt.Sprint(i + 1)
		if named {
			name = look.Ellipsis(safe.Text(p.name), width-1)
		}
		l = l.Add(look.Muted, look.Left(name, width))
	}
	return l
}

// Len and Row make it the rows of its list.
func (s *matrixScreen) Len() int { return len(s.rows) }

func (s *matrixScreen) Row(i, w int) look.Line {
	st := s.rows[i]
	f := verdictFace(s.app.verdict(st.ID))
	l := look.T(f.role, f.sign+" ").Add(look.Plain, look.Left(look.Ellipsis(safe.Text(st.ID), nameWidth-1), nameWidth))
	width, _ := s.column(w)
	for _, p := range s.parties {
		c, ok := s.cells[st.ID][p.name]
		if !ok {
			c = face{"·", look.Faint, ""}
		}
		l = l.Add(c.role, look.Left(c.sign, width))
	}
	return l
}

func (s *matrixScreen) selected() *chain.Stage {
	if i := s.list.Cursor(); i >= 0 && i < len(s.rows) {
		return s.rows[i]
	}
	return nil
}

func (s *matrixScreen) detailTitle() look.Line {
	if st := s.selected(); st != nil {
		return look.T(look.Title, safe.Text(st.ID))
	}
	return look.T(look.Title, "Claims")
}

func (s *matrixScreen) fit(w, _ int) {
	st := s.selected()
	key := matrixKey{"", w, s.app.judgedGen}
	if st != nil {
		key.id = st.ID
	}
	if key == s.shownFor {
		return
	}
	s.shownFor = key
	s.sheet = sheet{w: w - 3}
	s.legend()
	if st != nil {
		s.app.aboutVerdict(&s.sheet, st)
		s.app.aboutEvidence(&s.sheet, st)
	}
	s.aboutNext()
	s.detail.SetRows(&s.sheet)
}

// legend names the columns that have only a number.
func (s *matrixScreen) legend() {
	if s.app.judged == nil {
		s.sheet.para(look.Muted, "No claims were gathered yet: V gathers and judges them.")
		return
	}
	if _, named := s.column(s.panes.all[0].w); named {
		return
	}
	for i, p := range s.parties {
		s.sheet.add(look.T(look.Muted, fmt.Sprintf("%3d ", i+1)).Add(look.Plain, safe.Text(p.name)).Add(look.Faint, "  "+p.kind.String()))
	}
	s.sheet.gap()
}

// aboutNext says where disputes begin, and what would settle them.
func (s *matrixScreen) aboutNext() {
	j := s.app.judged
	if j == nil {
		return
	}
	if len(j.First) > 0 {
		s.sheet.heading("Disputes begin at", strings.Join(j.First, ", "))
	}
	for i, n := range j.Next {
		if i == 0 {
			s.sheet.heading("Rebuild next", "")
		}
		s.sheet.para(look.Plain, n)
	}
}

func (s *matrixScreen) back() bool {
	switch {
	case s.panes.back():
	case s.list.Filtered():
		s.list.Mark = ""
		s.list.Show(nil)
	default:
		return false
	}
	return true
}

func (s *matrixScreen) actions() action.Table {
	t := action.Table{
		{Keys: []string{"enter", "l", "right"}, Name: "open the stage, or the claim under the cursor", Group: "Go", Hint: "open", Run: s.enter},
		{Keys: []string{"V"}, Name: "gather and judge all claims; again: stop", Group: "Do", Hint: "verify", Run: func() tea.Cmd { return s.app.verify() }},
		{Keys: []string{"d"}, Name: "go to where the dispute begins", Group: "Go", Hint: "first divergence", Run: s.first},
		{Keys: []string{"/"}, Name: "filter (a leading ! inverts)", Group: "Find", Hint: "filter", Run: do(s.askFilter)},
		{Keys: []string{"y"}, Name: "copy the digest", Group: "Do", Run: s.copy},
	}
	return append(t, s.panes.moves()...)
}

func (s *matrixScreen) enter() tea.Cmd {
	if s.panes.focus == 1 {
		if r := s.sheet.at(s.detail.Cursor()); r != nil && r.open != nil {
			return r.open()
		}
	}
	if st := s.selected(); st != nil {
		return s.app.push(newStageScreen(s.app, st, 0))
	}
	return nil
}

// first goes to the first stage whose own dispute others inherit.
func (s *matrixScreen) first() tea.Cmd {
	if s.app.judged == nil || len(s.app.judged.First) == 0 {
		return s.app.say("no dispute is known")
	}
	want := s.app.judged.First[0]
	s.list.Show(nil)
	if i := slices.IndexFunc(s.rows, func(st *chain.Stage) bool { return st.ID == want }); i >= 0 {
		s.list.MoveTo(i)
	}
	return nil
}

func (s *matrixScreen) text(i int) string {
	st := s.rows[i]
	return st.ID + " " + verdictFace(s.app.verdict(st.ID)).word
}

func (s *matrixScreen) askFilter() {
	s.app.ask = &question{prompt: prompt.New("/", ""),
		changed: func(q string) tea.Cmd {
			s.query = q
			m := list.Match(q)
			s.list.Mark = m.Needle()
			s.list.Show(m.Filter(len(s.rows), s.text))
			return nil
		},
		dropped: func() tea.Cmd {
			s.list.Mark = ""
			s.list.Show(nil)
			return nil
		},
		note: s.list.Position,
	}
}

func (s *matrixScreen) copy() tea.Cmd {
	if s.panes.focus == 1 {
		if r := s.sheet.at(s.detail.Cursor()); r != nil && r.copy != "" {
			return s.app.copyText("", r.copy)
		}
	}
	if st := s.selected(); st != nil {
		v := s.app.verdict(st.ID)
		return s.app.copyText("", string(v.Output.At(v.Output.Level())))
	}
	return nil
}
