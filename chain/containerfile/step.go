package containerfile

import (
	"path"
	"regexp"
	"strings"

	"github.com/stagescope/stagescope/chain"
)

// Steps gives the RUNs that the build stage target is built from, in the order
// in which they can run: each build stage after all that it names.
func (r *Reading) Steps(target int) []chain.Step {
	var out []chain.Step
	for _, build := range r.Order(target) {
		for i := range r.Runs {
			run := &r.Runs[i]
			if run.In != build {
				continue
			}
			name, subject := run.named()
			out = append(out, chain.Step{
				Index: len(out), Line: run.Line, Build: r.file.Builds[build], Name: name, Subject: subject,
				Command: run.Text, Network: run.Network,
			})
		}
	}
	return out
}

// nameWidth bounds a step's name, in characters.
const nameWidth = 72

// A word that is called like a release: "gcc-13.1.0", "heirloom-devtools-070527".
var release = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+]*([-_.][A-Za-z+][A-Za-z0-9+]*)*[-_]?v?\d[A-Za-z0-9]*([._-][A-Za-z0-9]+)*$`)

// A word that is called like a release but is a file: "pass1.kaem".
var plainFile = regexp.MustCompile(`\.(sh|kaem|so|py|pl|txt|patch|diff|gz|xz|lz|bz2|zst|zip|tgz|tar|whl|o|c|h|a|hex0|M1|log|mk|am|ac|json|toml)$`)

// A comment that names what a step does begins with what is done.
var doing = regexp.MustCompile(`^(Build|Install|Set ?up|Create|Compile|Generate|Configure|Bootstrap|Copy|Remove|Apply|Patch|Strip|Test|Check|Link|Extract|Unpack|Assemble|Rebuild|Verify|Compare|Make|Prepare) `)

// A commit's name says nothing to a person.
var commit = regexp.MustCompile(`[0-9a-f]{40}`)

var variable = regexp.MustCompile(`\$\{(\w+)\}|\$(\w+)`)

// Name is what a person recognises the step by.
func (run *Run) Name() string {
	name, _ := run.named()
	return name
}

// named gives the step's name and the release it works on.
func (run *Run) named() (name, subject string) {
	if run.title == "" {
		run.title, run.subject = run.derive()
	}
	return run.title, run.subject
}

func (run *Run) derive() (name, subject string) {
	best, cd := run.telling()
	dir := run.Dir
	if strings.HasPrefix(cd, "/") {
		dir = cd
	} else if cd != "" {
		dir = path.Join(dir, cd)
	}
	for d := dir; d != "/" && d != "." && subject == ""; d = path.Dir(d) {
		subject = asRelease(path.Base(d))
	}
	for _, w := range strings.Fields(best) {
		if r := asRelease(w); r != "" && w == r {
			subject = r
			break
		}
	}
	name = best
	if doing.MatchString(run.Comment) {
		name = run.Comment
	}
	if subject != "" && !strings.Contains(name, subject) {
		name = subject + ": " + name
	}
	if r := []rune(name); len(r) > nameWidth {
		name = string(r[:nameWidth-1]) + "…"
	}
	return name, subject
}

// asRelease gives a word that is called like a release, a commit cut short; ""
// for any other.
func asRelease(w string) string {
	short := commit.ReplaceAllStringFunc(w, func(c string) string { return c[:7] })
	if short != w {
		return short
	}
	if len(w) < 4 || strings.Contains(w, "/") || plainFile.MatchString(w) || !release.MatchString(w) {
		return ""
	}
	if !strings.ContainsAny(w, "-_.") { // "x86", "python3"
		return ""
	}
	switch w {
	case "x86_64", "utf-8", "sha256", "linux-x86_64":
		return ""
	}
	return w
}

// telling gives the line of the script that says most about what it is for, its
// variables replaced, and the directory that the script went to before it.
func (run *Run) telling() (best, dir string) {
	top, cd := -1, ""
	for _, line := range run.lines() {
		if to, ok := strings.CutPrefix(line, "cd "); ok {
			if to = strings.Trim(to, `"' `); !strings.ContainsAny(to, " ;&|") {
				cd = to
			}
		}
		if w := weight(line); w > top {
			best, top, dir = line, w, cd
		}
	}
	words := strings.Fields(best)
	for len(words) > 1 && assignment(words[0]) {
		words = words[1:]
	}
	return strings.Join(words, " "), dir
}

// lines gives the script's commands, continued lines joined, variables with a
// known value replaced.
func (run *Run) lines() []string {
	script := strings.NewReplacer("\\\r\n", " ", "\\\n", " ").Replace(run.Script)
	var out []string
	for line := range strings.Lines(script) {
		for part := range strings.SplitSeq(line, "&&") {
			part = strings.Join(strings.Fields(part), " ")
			if part == "" {
				continue
			}
			out = append(out, variable.ReplaceAllStringFunc(part, func(v string) string {
				if known, ok := run.env[strings.Trim(v, "${}")]; ok && known != "" && len(known) <= 64 && !strings.Contains(known, "\n") {
					return known
				}
				return v
			}))
		}
	}
	return out
}

// Commands that only prepare, or move around what others made.
var preparing = map[string]bool{
	"cd": true, "mkdir": true, "pushd": true, "popd": true, "source": true, ".": true,
	"rm": true, "ln": true, "if": true, "for": true,
	"cp": true, "mv": true, "sed": true, "patch": true, "chmod": true, "chown": true, "touch": true, "unset": true, "tar": true,
	"install": true, "find": true, "printf": true, "cat": true, "autoreconf": true, "case": true, "[[": true, "[": true,
	"(": true, ")": true, "while": true, "elif": true, "local": true, "read": true, "exit": true, "true": true, "test": true,
}

// weight ranks a line by how well it says what the step is for.
func weight(line string) int {
	words := strings.Fields(line)
	for len(words) > 1 && assignment(words[0]) { // VAR=x command
		words = words[1:]
	}
	if len(words) == 0 || strings.HasPrefix(words[0], "#") || strings.HasPrefix(words[0], "-") || assignment(words[0]) {
		return 0
	}
	if strings.HasSuffix(line, "{") || strings.Contains(words[0], "://") || !strings.ContainsAny(words[0], "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ[(") {
		return 0 // the head of a function, the text of a file
	}
	base := path.Base(words[0])
	switch base {
	case "set", "export", "echo", "fi", "done", "else", "esac", "then", "do":
		return 0
	case "make", "ninja", "cargo", "go", "gcc", "cc", "clang", "meson", "cmake", "python", "python3", "x.py", "bazel", "npm", "gmake", "samu", "zig", "gprbuild", "mix", "dotnet", "build", "uninstall":
		if strings.Contains(line, "install") && base != "uninstall" {
			return 4
		}
		return 5
	case "pip", "perl", "ruby", "lua", "luarocks", "node":
		return 4
	case "configure", "bootstrap", "autogen.sh", "Configure", "config":
		return 3
	}
	if preparing[base] {
		return 1
	}
	return 2
}

func assignment(word string) bool {
	name, _, ok := strings.Cut(word, "=")
	return ok && name != "" && !strings.ContainsAny(name, "-/.([{\"'")
}
