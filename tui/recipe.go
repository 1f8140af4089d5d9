package tui

import (
	"context"
	"fmt"
	"io"
	"io/fs"

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
	return recipe{path: path, lines: colour(text, syntaxOf(path))}
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
