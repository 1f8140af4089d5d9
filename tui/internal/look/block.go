package look

import "strings"

// Block is a rectangle of lines.
type Block []Line

// Size makes the block exactly w by h cells.
func (b Block) Size(w, h int) Block {
	out := make(Block, max(0, h))
	for i := range out {
		if i < len(b) {
			out[i] = b[i].Fit(w)
		} else {
			out[i] = Line{}.Fit(w)
		}
	}
	return out
}

// Beside puts blocks of equal height next to each other.
func Beside(blocks ...Block) Block {
	if len(blocks) == 0 {
		return nil
	}
	out := make(Block, len(blocks[0]))
	for y := range out {
		for _, b := range blocks {
			out[y] = append(out[y], b[y]...)
		}
	}
	return out
}

// Over draws top onto b with its upper left corner at column x, row y. Every
// line of b is w cells wide; what would leave it is cut off.
func (b Block) Over(top Block, x, y, w int) Block {
	out := append(Block(nil), b...)
	for i, l := range top {
		if y+i < 0 || y+i >= len(out) {
			continue
		}
		under := out[y+i]
		line := append(under.Cut(0, x), l...)
		out[y+i] = append(line, under.Cut(x+l.Width(), w)...).Cut(0, w)
	}
	return out
}

// Pane is a titled frame around a block.
type Pane struct {
	Title   Line   // upper left, in the border
	Note    string // lower right, in the border
	Focused bool
}

// Frame draws the pane's border around body, w by h cells in all; the body
// gets w-2 by h-2 of them.
func (p Pane) Frame(body Block, w, h int) Block {
	if w < 4 || h < 2 {
		return body.Size(w, h)
	}
	role := Border
	if p.Focused {
		role = BorderFocus
	}
	out := make(Block, 0, h)
	top := T(role, "╭─")
	if title := p.Title.trim(w - 6); len(title) > 0 {
		top = append(top.Add(role, " "), title...).Add(role, " ")
	}
	out = append(out, top.Add(role, strings.Repeat("─", max(0, w-1-top.Width()))).Add(role, "╮"))
	for _, l := range body.Size(w-2, h-2) {
		out = append(out, append(append(T(role, "│"), l...), Span{Text: "│", Role: role}))
	}
	bottom := T(role, "╰")
	note := Ellipsis(p.Note, w-6)
	if note != "" {
		note = " " + note + " "
	}
	bottom = bottom.Add(role, strings.Repeat("─", max(0, w-3-Width(note)))).Add(Muted, note).Add(role, "─╯")
	return append(out, bottom)
}

func (l Line) trim(w int) Line {
	if l.Width() <= w {
		return l
	}
	return l.Fit(w)
}

// Render gives the escape sequences that draw b under theme t, without a
// trailing line end.
func (b Block) Render(t *Theme) string {
	var out strings.Builder
	for i, l := range b {
		if i > 0 {
			out.WriteByte('\n')
		}
		prev := ""
		for _, s := range l {
			seq := t.seq[s.Ground][s.Role]
			if seq != prev {
				if prev != "" {
					out.WriteString("\x1b[m")
				}
				if seq != "\x1b[m" {
					out.WriteString(seq)
				}
				prev = seq
			}
			out.WriteString(s.Text)
		}
		if prev != "" && prev != "\x1b[m" {
			out.WriteString("\x1b[m")
		}
	}
	return out.String()
}

// Text is the block without roles, for tests and for copying.
func (b Block) Text() string {
	var out strings.Builder
	for i, l := range b {
		if i > 0 {
			out.WriteByte('\n')
		}
		out.WriteString(strings.TrimRight(l.Text(), " "))
	}
	return out.String()
}

// Wrap breaks text into lines of at most w cells, at spaces where there are any.
func Wrap(r Role, text string, w int) Block {
	var out Block
	for _, para := range strings.Split(text, "\n") {
		line := ""
		for _, word := range strings.Fields(para) {
			for Width(word) > w && w > 1 {
				if line != "" {
					out, line = append(out, T(r, line)), ""
				}
				head := cutWide(word, 0, w)
				if len(head) >= len(word) {
					break
				}
				out, word = append(out, T(r, head)), word[len(strings.TrimRight(head, " ")):]
			}
			switch {
			case line == "":
				line = word
			case Width(line)+1+Width(word) <= w:
				line += " " + word
			default:
				out = append(out, T(r, line))
				line = word
			}
		}
		out = append(out, T(r, line))
	}
	return out
}
