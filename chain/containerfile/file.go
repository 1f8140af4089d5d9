package containerfile

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// File is a parsed Containerfile.
type File struct {
	Builds []string // names of the build stages in order; "" when unnamed
	Syntax int      // line of a "# syntax=" directive, 0 when there is none

	stages []instructions.Stage
	meta   []instructions.ArgCommand // ARGs before the first FROM
	byName map[string]int            // lower-case name → last build stage of that name
	escape rune
	lines  []string
}

// SyntaxError says what is wrong with a Containerfile, and where.
type SyntaxError struct {
	Line int // 1-based; 0 when it concerns the whole file
	Text string
}

func (e *SyntaxError) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("line %d: %s", e.Line, e.Text)
	}
	return e.Text
}

// Parse parses a Containerfile. Its error is a *SyntaxError.
func Parse(data []byte) (f *File, err error) {
	defer func() { // what is parsed may be hostile and must not end the program
		if p := recover(); p != nil {
			f, err = nil, &SyntaxError{0, fmt.Sprintf("the Dockerfile parser failed on it: %v", p)}
		}
	}()
	ast, err := parser.Parse(bytes.NewReader(data))
	if err != nil {
		return nil, located(err)
	}
	f = &File{byName: map[string]int{}, escape: ast.EscapeToken, lines: strings.SplitAfter(string(data), "\n")}
	if _, _, where, ok := parser.DetectSyntax(data); ok {
		f.Syntax = max(1, startLine(where))
	}
	f.stages, f.meta, err = instructions.Parse(ast.AST, nil)
	if err != nil {
		return nil, located(err)
	}
	if len(f.stages) == 0 {
		return nil, &SyntaxError{0, "it has no FROM"}
	}
	for i, s := range f.stages {
		f.Builds = append(f.Builds, s.Name)
		if s.Name != "" {
			f.byName[strings.ToLower(s.Name)] = i
		}
	}
	return f, nil
}

func located(err error) error {
	line := 0
	var le *parser.LocationError
	if errors.As(err, &le) && len(le.Locations) > 0 {
		line = startLine(le.Locations[0])
	}
	return &SyntaxError{line, strings.TrimSpace(err.Error())}
}

func startLine(where []parser.Range) int {
	if len(where) == 0 {
		return 0
	}
	return where[0].Start.Line
}

// Target finds the build stage that a build of target builds, by position; ""
// is the last one.
func (f *File) Target(target string) (int, bool) {
	if target == "" {
		return len(f.stages) - 1, true
	}
	i, ok := f.byName[strings.ToLower(target)]
	return i, ok
}

// text is an instruction as written, here-documents included.
func (f *File) text(where []parser.Range) string {
	if len(where) == 0 {
		return ""
	}
	first, last := where[0].Start.Line, where[len(where)-1].End.Line
	if first < 1 || last > len(f.lines) || first > last {
		return ""
	}
	return strings.TrimRight(strings.Join(f.lines[first-1:last], ""), "\r\n")
}

// comment is the one comment line right above line, without its mark; "" when
// there is none or more than one, which then says more than a name can hold.
func (f *File) comment(line int) string {
	at := func(n int) string {
		if n < 1 || n > len(f.lines) {
			return ""
		}
		return strings.TrimSpace(f.lines[n-1])
	}
	text, ok := strings.CutPrefix(at(line-1), "#")
	if !ok || strings.HasPrefix(at(line-2), "#") || strings.Contains(text, "=") {
		return ""
	}
	text = strings.TrimRight(strings.TrimSpace(text), ".:")
	if len(text) < 8 || len(text) > 56 || !strings.Contains(text, " ") {
		return ""
	}
	return text
}
