package tui

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/stagescope/stagescope/diff/render"
	"github.com/stagescope/stagescope/tui/internal/prompt"
)

// exported says that a report was written.
type exported struct {
	path string
	err  error
}

// export asks for a file and writes the comparison to it.
func (s *compareScreen) export() tea.Cmd {
	if s.rows.root == nil {
		return s.app.say("there is nothing to export yet")
	}
	s.app.ask = &question{prompt: prompt.New("export to (.html .md .txt .json) ", "difference.html"),
		done: func(path string) tea.Cmd {
			o := render.Options{A: s.a, B: s.b, Complete: !s.partly}
			root := s.rows.root
			return toScreen(s, func() tea.Msg {
				err := writeReport(path, func(f *os.File) error {
					switch strings.ToLower(filepath.Ext(path)) {
					case ".html", ".htm":
						return render.HTML(f, root, o)
					case ".md":
						return render.Markdown(f, root, o)
					case ".json":
						return render.JSON(f, root, o)
					case ".txt":
						return render.Text(f, root, o)
					}
					return fmt.Errorf("the ending of %q names no format: .html, .md, .txt or .json", path)
				})
				return exported{path, err}
			})
		},
	}
	return nil
}

// writeReport writes a file that was not there before, whole or not at all.
func writeReport(path string, write func(*os.File) error) error {
	if path == "" {
		return errors.New("no file was named")
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%q exists already: name another file", path)
	}
	if err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	err = write(f)
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		os.Remove(path)
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}
