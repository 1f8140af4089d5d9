package tui

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/alecthomas/chroma/v2"
	"github.com/alecthomas/chroma/v2/lexers"

	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/tui/internal/look"
)

// maxText bounds a text file that is shown with syntax colours.
const maxText = 1 << 20

// recipe is a text file of the tree, ready to be shown.
type recipe struct {
	path  string
	lines []look.Line
	err   error
}

// readRecipe reads a file of the tree and colours it. It is for commands.
func readRecipe(ctx context.Context, fsys fs.FS, path string) recipe {
	text, err := readBounded(fsys, path)
	if err != nil {
		return recipe{path: path, err: fmt.Errorf("reading %s: %w", path, err)}
	}
	if ctx.Err() != nil {
		return recipe{path: path, err: ctx.Err()}
	}
	lexer := "docker"
	switch {
	case strings.HasSuffix(path, ".toml"):
		lexer = "toml"
	case strings.HasSuffix(path, ".hex0"):
		return recipe{path: path, lines: colourHex(text)}
	}
	return recipe{path: path, lines: colour(text, lexer)}
}

func readBounded(fsys fs.FS, path string) (string, error) {
	if fsys == nil {
		return "", fs.ErrNotExist
	}
	f, err := fsys.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxText+1))
	if err != nil {
		return "", err
	}
	if len(b) > maxText {
		return string(b[:maxText]) + "\n… cut here: the file is larger than 1 MiB\n", nil
	}
	return string(b), nil
}

// colour makes text safe and gives its lines with syntax roles. A lexer that
// fails costs the colours, never the text.
func colour(text, lexer string) []look.Line {
	raw := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i, l := range raw {
		raw[i] = safe.Line(l)
	}
	plain := make([]look.Line, len(raw))
	for i, l := range raw {
		plain[i] = look.T(look.Plain, l)
	}
	lx := lexers.Get(lexer)
	if lx == nil {
		return plain
	}
	it, err := chroma.Coalesce(lx).Tokenise(nil, strings.Join(raw, "\n"))
	if err != nil {
		return plain
	}
	var out []look.Line
	line := look.Line{}
	for _, tok := range it.Tokens() {
		role := syntaxRole(tok.Type)
		for i, part := range strings.Split(tok.Value, "\n") {
			if i > 0 {
				out = append(out, line)
				line = look.Line{}
			}
			line = line.Add(role, part)
		}
	}
	out = append(out, line)
	// What the lexer made of it must still be the file.
	for i, l := range raw {
		if i >= len(out) || out[i].Text() != l {
			return plain
		}
	}
	return out[:len(raw)]
}

// colourHex colours annotated hex: bytes, then a comment.
func colourHex(text string) []look.Line {
	var out []look.Line
	for _, l := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		l = strings.TrimRight(safe.Line(l), " ")
		bytes, note := l, ""
		if i := strings.IndexByte(l, '#'); i >= 0 {
			bytes, note = l[:i], l[i:]
		}
		out = append(out, look.Line{}.Add(look.Number, bytes).Add(look.Comment, note))
	}
	return out
}

func syntaxRole(t chroma.TokenType) look.Role {
	switch {
	case t.InCategory(chroma.Comment):
		return look.Comment
	case t.InCategory(chroma.Keyword):
		return look.Keyword
	case t.InSubCategory(chroma.LiteralString):
		return look.String
	case t.InSubCategory(chroma.LiteralNumber):
		return look.Number
	case t.InSubCategory(chroma.NameVariable), t == chroma.NameBuiltin, t == chroma.NameAttribute:
		return look.Variable
	}
	return look.Plain
}

// recipeRows shows a recipe with line numbers.
type recipeRows struct{ *recipe }

func (r recipeRows) Len() int {
	if r.recipe == nil {
		return 1
	}
	if r.err != nil {
		return 1
	}
	return len(r.lines)
}

func (r recipeRows) Row(i, _ int) look.Line {
	switch {
	case r.recipe == nil:
		return look.T(look.Faint, " reading…")
	case r.err != nil:
		return look.T(look.Warn, " ! "+safe.Text(r.err.Error()))
	}
	return append(look.T(look.Faint, fmt.Sprintf("%4d ", i+1)), r.lines[i]...)
}
