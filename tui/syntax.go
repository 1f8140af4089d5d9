package tui

import (
	"regexp"
	"strings"

	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/tui/internal/look"
)

// The three languages that a tree is written in are coloured here: a library of
// all languages costs every start, and every step's two, more than all else
// that is initialised.

// painter colours the next line of a text. What it gives is the line, whole.
type painter func(line string) look.Line

// syntaxOf gives a painter for the beginning of a file.
func syntaxOf(path string) painter {
	switch {
	case strings.HasSuffix(path, ".toml"):
		return paintTOML
	case strings.HasSuffix(path, ".hex0"):
		return paintHex
	}
	return (&recipePainter{}).paint
}

// colour makes text safe and gives its lines with syntax roles.
func colour(text string, paint painter) []look.Line {
	var out []look.Line
	for _, l := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		out = append(out, paint(safe.Line(l)))
	}
	return out
}

// tokens are what shells, recipes and TOML have in common: strings in quotes,
// variables, numbers on their own and comments.
var tokens = regexp.MustCompile(`"(?:\\.|[^"\\])*"|'[^']*'|\$\{[^}]*\}|\$\w+|(?:^|\s)#.*|\b\d+(?:\.\d+)*\b`)

// paintWords colours the tokens of a text that is at the beginning of a line or
// after something else.
func paintWords(line look.Line, text string) look.Line {
	at := 0
	for _, m := range tokens.FindAllStringIndex(text, -1) {
		line = line.Add(look.Plain, text[at:m[0]])
		tok := text[m[0]:m[1]]
		role := look.Number
		switch strings.TrimSpace(tok)[0] {
		case '"', '\'':
			role = look.String
		case '$':
			role = look.Variable
		case '#':
			role = look.Comment
		}
		line, at = line.Add(role, tok), m[1]
	}
	return line.Add(look.Plain, text[at:])
}

// recipePainter is in the middle of a Containerfile.
type recipePainter struct {
	ends      []string // words that end the here-documents that are open
	tabs      bool     // whether tabs may stand before the next of them
	continued bool     // the line before ended with a backslash
}

var (
	instruction = regexp.MustCompile(`^\s*[A-Za-z]+\b`)
	heredoc     = regexp.MustCompile(`<<(-?)["']?([A-Za-z_][A-Za-z0-9_]*)["']?`)
	buildStage  = regexp.MustCompile(`(?i)^(.*\s)(as)(\s+\S+\s*)$`)
)

func (p *recipePainter) paint(l string) look.Line {
	if len(p.ends) > 0 {
		if end := strings.TrimRight(l, " "); end == p.ends[0] || p.tabs && strings.TrimLeft(end, "\t ") == p.ends[0] {
			p.ends = p.ends[1:]
			return look.T(look.Keyword, l)
		}
		return paintWords(look.Line{}, l)
	}
	if strings.HasPrefix(strings.TrimSpace(l), "#") {
		return look.T(look.Comment, l)
	}
	line, rest := look.Line{}, l
	if word := instruction.FindString(l); word != "" && !p.continued {
		line, rest = line.Add(look.Keyword, word), l[len(word):]
		for _, m := range heredoc.FindAllStringSubmatch(rest, -1) {
			p.ends, p.tabs = append(p.ends, m[2]), m[1] != ""
		}
		if m := buildStage.FindStringSubmatch(rest); m != nil && strings.EqualFold(strings.TrimSpace(word), "FROM") {
			p.continued = false
			return paintWords(line, m[1]).Add(look.Keyword, m[2]).Add(look.Plain, m[3])
		}
	}
	p.continued = strings.HasSuffix(strings.TrimRight(l, " "), `\`)
	return paintWords(line, rest)
}

var tomlKey = regexp.MustCompile(`^\s*[A-Za-z0-9_."-]+\s*=`)

func paintTOML(l string) look.Line {
	if strings.HasPrefix(strings.TrimSpace(l), "[") && !strings.Contains(l, `"`) {
		return look.T(look.Keyword, l)
	}
	if key := tomlKey.FindString(l); key != "" {
		return paintWords(look.T(look.Variable, key[:len(key)-1]).Add(look.Plain, "="), l[len(key):])
	}
	return paintWords(look.Line{}, l)
}

// paintHex colours annotated hex: bytes, then a comment.
func paintHex(l string) look.Line {
	l = strings.TrimRight(l, " ")
	bytes, note := l, ""
	if i := strings.IndexByte(l, '#'); i >= 0 {
		bytes, note = l[:i], l[i:]
	}
	return look.Line{}.Add(look.Number, bytes).Add(look.Comment, note)
}
