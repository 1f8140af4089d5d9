package structured

import "bytes"

// weaver places the bytes between the marks of a format that goes by lines: what
// stands before a mark belongs to its value, but the rest of a line belongs to
// the value that ends on it.
type weaver struct {
	d    *document
	at   int    // all bytes before it have a place
	last *value // whose mark was the last one
}

// mark gives a value a piece, and the gap before it. Where it begins before what
// has a place already, only the rest is taken.
func (w *weaver) mark(v *value, name string, from, to int) {
	from, to = max(from, w.at), max(to, w.at)
	w.gap(v, "before the "+name, from)
	v.add(name, from, to)
	w.at, w.last = to, v
}

func (w *weaver) gap(v *value, name string, to int) {
	gap := w.d.src[w.at:to]
	if i := bytes.IndexByte(gap, '\n'); i >= 0 && w.last != nil && w.last != v {
		w.after(w.at + i + 1)
	}
	v.add(name, w.at, to)
	w.at = to
}

// after gives the bytes up to there to the last value, in one piece with what it
// has after it already.
func (w *weaver) after(to int) {
	const name = "after"
	if k := len(w.last.pieces) - 1; k >= 0 && w.last.pieces[k].name == name {
		w.last.pieces[k].at.Len += int64(to - w.at)
	} else {
		w.last.add(name, w.at, to)
	}
	w.at = to
}

// end places what is left.
func (w *weaver) end(root *value) {
	w.gap(root, "at the end", len(w.d.src))
}

// head gives a value the lines before the one on which a mark stands, so that
// comments at the beginning of a document do not move with its first key.
func (w *weaver) head(v *value, mark int) {
	if mark > w.at {
		if i := bytes.LastIndexByte(w.d.src[w.at:mark], '\n'); i >= 0 {
			w.gap(v, "head", w.at+i+1)
		}
	}
}
