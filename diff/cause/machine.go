package cause

import (
	"bytes"
	"fmt"
	"math"
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/stagescope/stagescope/diff"
)

// machineRules recognise what a build found on its machine, or on the network.
// All are weak: the values say what they are, but not that they do no harm.
var machineRules = []tokenRule{
	{id: "D3d", name: "what configure found on the machine", fix: "set configure's cached answers (ac_cv_…, gl_cv_…)", weak: true, find: words(
		`#define [A-Z][A-Z0-9_]*(?: [^\n]{0,60})?`, `/\* #undef [A-Z][A-Z0-9_]* \*/`, `\b(?:ac|gl|am)_cv_\w+=[^\n]{0,80}`), same: probed},
	{id: "D3e", name: "size of memory, pages or caches", fix: "give the build a fixed limit, and do not record it", weak: true, find: within(
		`(?i)(?:\bpage[ _-]?size|\bmem(?:ory)?[ _-]?(?:total|size|limit)|\bmemtotal|\bbuffer[ _-]?size|\bcache[ _-]?size)[^\n\d]{0,12}(\d{1,15})\b`)},
	{id: "D5e", name: "answer of a server, fetched while building", fix: "build without network; fetch by hash beforehand", weak: true, find: within(
		`(?i)\b(?:etag|x-cache|x-served-by|x-request-id|x-amz-[\w-]{1,40}|cf-ray|set-cookie)[ \t]*:[ \t]*([^\r\n]{1,200})`)},
	{id: "D3h", name: "last digits of a computed number", fix: "compute tables in integers, or without the machine's own instructions (GLIBC_TUNABLES)", weak: true, find: words(
		`[-+]?\d+\.\d+(?:[eE][-+]?\d+)?`), same: lastDigits},
}

// probeName is how macros are called that configure sets by what it finds.
var probeName = regexp.MustCompile(`^(?:HAVE|REPLACE|GNULIB|GL|SIZEOF|ALIGNOF|USE|WORDS|STDC|HAS|NEED|NO|C|PTRDIFF|SIG)_|BROKEN|WORKS`)

// probed accepts two answers to one question of configure.
func probed(_ *classifier, a, b []byte) (string, bool) {
	na, nb := probeOf(string(a)), probeOf(string(b))
	return fmt.Sprintf("both say what was found of %s", na), na != "" && na == nb
}

// probeOf is what a line is about; "" when configure did not write it.
func probeOf(line string) string {
	if name, _, ok := strings.Cut(line, "="); ok && strings.Contains(name, "_cv_") {
		return name
	}
	fs := strings.Fields(strings.TrimPrefix(line, "/* "))
	if len(fs) > 1 && probeName.MatchString(fs[1]) {
		return fs[1]
	}
	return ""
}

// lastDigits accepts two numbers of many digits that are almost equal. Seconds
// since 1970 are something else.
func lastDigits(_ *classifier, a, b []byte) (string, bool) {
	x, errA := strconv.ParseFloat(string(a), 64)
	y, errB := strconv.ParseFloat(string(b), 64)
	if errA != nil || errB != nil || max(len(a), len(b)) < 10 || math.Abs(x) >= 1e9 && math.Abs(x) < 2.3e9 {
		return "", false
	}
	d := math.Abs(x-y) / max(math.Abs(x), math.Abs(y))
	return fmt.Sprintf("the numbers differ by %.1g of their size", d), d > 0 && d < 1e-6
}

// infoDirectory: the list of Info's manuals, to which each package adds its own
// when it is installed.
func infoDirectory(p *pair) *explained {
	if !bytes.Contains(p.a, []byte("* Menu:")) || !bytes.Contains(p.a, []byte("File: dir")) || !sameLines(p) {
		return nil
	}
	return &explained{a: fmt.Sprintf("%d lines", bytes.Count(p.a, []byte("\n"))), b: "the same lines, in another order", cause: diff.Cause{ID: "D4h", Name: "order in which manuals were installed", Confidence: diff.Proved,
		Evidence: evidenceSorted, Fix: "delete share/info/dir, or install one package after the other"}}
}

// alternative says why a link of the alternatives differs: the last package, or
// the one with the highest number, has it.
func alternative(n *diff.Node, r *diff.Reason) *diff.Cause {
	if r.Field != "link" || path.Base(path.Dir(n.Name)) != "alternatives" {
		return nil
	}
	return &diff.Cause{ID: "D4h", Name: "which alternative was chosen", Confidence: diff.Likely, Evidence: "the link is one of the alternatives, which follow from the order of installing", Fix: "set it, or install in a fixed order"}
}
