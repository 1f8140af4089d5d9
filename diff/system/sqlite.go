package system

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/stagescope/stagescope/diff"
)

// KindSQLite is a database of SQLite, such as that of rpm since Fedora 33.
const KindSQLite diff.Kind = "SQLite database"

// The header of the first page (SQLite, "Database File Format", section 1.3).
const (
	sqliteMagic   = "SQLite format 3\x00"
	sqliteHead    = 100
	sqliteChanges = 24 // how often it was changed
	sqliteCookie  = 40 // how often its tables were
	sqliteFor     = 92 // after which change the size in the header was right
	sqliteRelease = 96 // release that changed it last
	mostPages     = 1 << 15
)

func init() {
	diff.Register(diff.Format{Kind: KindSQLite, Match: func(in *diff.Input) bool { return in.HasPrefix(sqliteMagic) }, Compare: compareSQLite})
}

// compareSQLite compares the header field by field and the rest page by page.
func compareSQLite(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input) error {
	var pa, pb []diff.Part
	for i, in := range []*diff.Input{a, b} {
		ps, err := sqliteParts(in, a, b)
		if err != nil {
			return fmt.Errorf("side %c: %w", 'A'+i, err)
		}
		if i == 0 {
			pa = ps
		} else {
			pb = ps
		}
	}
	if string(a.Head()[16:18]) != string(b.Head()[16:18]) {
		return bad("their pages have other sizes")
	}
	return x.Parts(ctx, n, a, b, pa, pb)
}

// sqliteParts takes one side of a and b apart.
func sqliteParts(in, a, b *diff.Input) ([]diff.Part, error) {
	h := in.Head()
	if len(h) < sqliteHead {
		return nil, bad("it ends inside the header")
	}
	size := int64(binary.BigEndian.Uint16(h[16:]))
	if size == 1 {
		size = 1 << 16
	}
	if size < 512 || size&(size-1) != 0 || in.Size%size != 0 || in.Size/size > mostPages {
		return nil, bad("%d bytes in pages of %d", in.Size, size)
	}
	counted := func(name string, at int64, c diff.Cause, show func(uint32) string) diff.Part {
		return diff.Part{Name: name, Kind: diff.KindTable, Range: diff.Range{Off: at, Len: 4}, Compare: fieldOf(c, show)}
	}
	number := func(v uint32) string { return fmt.Sprint(v) }
	rest := func(name string, from, to int64) diff.Part {
		return diff.Part{Name: name, Kind: diff.KindBinary, Range: diff.Range{Off: from, Len: to - from}}
	}
	count := diff.Cause{ID: "D4g", Name: "how often the database was changed", Confidence: diff.Proved, Evidence: "a counter in the header; the pages are compared byte by byte", Fix: "write it in one transaction, from an empty file"}
	out := []diff.Part{
		rest("header", 0, sqliteChanges),
		counted("number of changes", sqliteChanges, count, number),
		rest("header, from the number of pages", sqliteChanges+4, sqliteCookie),
		counted("number of changes of tables", sqliteCookie, count, number),
		rest("header, from the format of tables", sqliteCookie+4, sqliteFor),
		counted("number of changes for which the size holds", sqliteFor, count, number),
		counted("release of SQLite", sqliteRelease, diff.Cause{ID: "D5b", Name: "release of SQLite", Confidence: diff.Proved, Evidence: "a field of the header, which nothing goes by; the pages are compared byte by byte", Fix: "pin SQLite"},
			func(v uint32) string { return fmt.Sprintf("%d.%d.%d", v/1e6, v/1e3%1e3, v%1e3) }),
	}
	for at := int64(0); at < in.Size; at += size {
		from, kind := at, make([]byte, 1)
		if at == 0 {
			from = sqliteHead
		}
		if k, _ := in.ReadAt(kind, from); k < 1 {
			return nil, bad("page %d cannot be read", at/size+1)
		}
		page := rest(fmt.Sprintf("page %d (%s)", at/size+1, pageKind(kind[0])), from, at+size)
		page.Compare = comparePage(a, b, at, size)
		out = append(out, page)
	}
	return out, nil
}

// pageKind says what a page is by its first byte (section 1.6).
func pageKind(c byte) string {
	switch c {
	case 2:
		return "inner page of an index"
	case 5:
		return "inner page of a table"
	case 10:
		return "entries of an index"
	case 13:
		return "rows of a table"
	}
	return "what overflows, or free"
}

// fieldOf compares a number of four bytes, of which a cause is known.
func fieldOf(c diff.Cause, show func(uint32) string) func(context.Context, *diff.Examiner, *diff.Node, *diff.Input, *diff.Input) error {
	return func(_ context.Context, _ *diff.Examiner, n *diff.Node, a, b *diff.Input) error {
		say := func(in *diff.Input) string { return show(binary.BigEndian.Uint32(in.Head())) }
		why := c
		n.Reasons = append(n.Reasons, diff.Reason{Field: n.Name, A: say(a), B: say(b), Cause: &why})
		r := diff.Range{Len: 4}
		setHunks(n, nil, []diff.Hunk{{A: r, B: r}})
		return nil
	}
}
