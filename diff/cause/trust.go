package cause

import (
	"bytes"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/stagescope/stagescope/diff"
)

// Rules see what a value looks like, and who changes a file on purpose writes what
// looks harmless. What is here doubts values that are no less likely to say what a
// machine does: a cause is then likely, and explains nothing.

func letterOrDigit(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// plainNumber is a date or time that may as well be a number, a version, a port or
// an owner: digits alone, a year with dots, hours and minutes.
var plainNumber = regexp.MustCompile(`^(?:\d+(?:T?\d*Z?)|(?:19|20)\d\d\.\d+\.\d+|\d{1,2}:\d\d)$`)

func doubtDates(a, b []byte) bool { return plainNumber.Match(a) || plainNumber.Match(b) }

// doubtEpochs doubts counts of seconds from before 2005: 2^30 is one of them.
func doubtEpochs(a, b []byte) bool {
	for _, p := range [][]byte{a, b} {
		if len(p) < 10 || instant(string(p)).Unix() < firstEpoch {
			return true
		}
	}
	return false
}

// randomUUID is one that was made at random or of the time (RFC 9562).
var randomUUID = regexp.MustCompile(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[147][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}$`)

func doubtUUIDs(a, b []byte) bool { return !randomUUID.Match(a) || !randomUUID.Match(b) }

// processAddress is an address as Linux gives processes and itself on machines of
// 64 bits: of libraries and stacks, of programs and heaps, of the kernel.
var processAddress = regexp.MustCompile(`^0x(?:0{0,4}7[ef][0-9a-fA-F]{10}|0{0,4}5[56][0-9a-fA-F]{10}|[fF]{4}[0-9a-fA-F]{12})$`)

func doubtAddresses(a, b []byte) bool { return !processAddress.Match(a) || !processAddress.Match(b) }

// ofSystem are directories in which no build takes place: what is there is run,
// loaded or read.
var ofSystem = []string{"/bin/", "/sbin/", "/lib", "/usr/", "/etc/", "/dev/", "/proc/", "/sys/", "/boot/", "/run/", "/opt/", "/var/"}

// buildsBelow are the exceptions.
var buildsBelow = []string{"/usr/src/", "/usr/local/src/", "/var/tmp/", "/var/lib/buildkit/", "/var/lib/jenkins/"}

// systemPath reports whether a path leads to what a system is made of, or out of
// where it seems to lead.
func systemPath(p string) bool {
	if slices.Contains(strings.Split(p, "/"), "..") {
		return true
	}
	below := func(d string) bool { return strings.HasPrefix(p, d) }
	return slices.ContainsFunc(ofSystem, below) && !slices.ContainsFunc(buildsBelow, below)
}

// doubtDurations doubts times that are no measurement: those have a fraction.
func doubtDurations(a, b []byte) bool {
	return !bytes.ContainsRune(a, '.') || !bytes.ContainsRune(b, '.')
}

// codeName are names of files in which the order of the lines is what they say.
var codeName = regexp.MustCompile(`(?:^|/)(?:etc|rc\.d|init\.d|profile\.d|cron[.a-z]*|systemd|pam\.d|sudoers[.a-z]*|\.ssh|bin|sbin|libexec)/|(?:^|/)(?:Makefile|Dockerfile|Containerfile|crontab|authorized_keys|\.[a-z_]*rc|\.(?:bash_)?profile)$|` +
	`\.(?:sh|bash|zsh|ksh|csh|fish|py|pyw|pl|pm|rb|js|mjs|cjs|ts|php|lua|tcl|awk|sed|r|R|scm|el|lisp|hs|ml|go|rs|c|h|cc|cpp|cxx|hpp|java|kt|scala|swift|m|s|S|asm|mk|cmake|am|ac|m4|in|sql|conf|cfg|ini|cnf|service|socket|timer|rules|te|policy|hcl|tf|nix|bat|cmd|ps1|vbs|gdb|ld|pth|` +
	// Documents that could be read were compared by their values, and not by lines.
	`ya?ml|toml|json|xml|xsd|xsl|svg|html?|plist|pom|csproj)$`)

// sequence reports whether the order of a text's lines may decide what a machine
// does: it is a script, or the name is that of code or of settings.
func sequence(p *pair) bool {
	if bytes.HasPrefix(p.a, []byte("#!")) || bytes.HasPrefix(p.b, []byte("#!")) {
		return true
	}
	for _, s := range []*diff.Side{p.node.A, p.node.B} {
		if s != nil && codeName.MatchString(s.Name) {
			return true
		}
	}
	return codeName.MatchString(p.node.Name)
}

// ordered gives what a rule found of an order, with a doubt where the order may be
// what counts.
func ordered(p *pair, ex *explained) *explained {
	switch {
	case sequence(p):
		ex.cause.Confidence = diff.Likely
		ex.cause.Evidence += "; but in this file the order may decide what is done"
	case acrossRecords(p):
		ex.cause.Confidence = diff.Likely
		ex.cause.Evidence += "; but lines lie in other records, and say what they say of something else"
	case p.node.Broken:
		ex.cause.Confidence = diff.Likely
		ex.cause.Evidence += "; but one side is of a format that the other is not of"
	}
	return ex
}

// numbering reports whether the numbers at the beginnings of lines count them.
func numbering(text []byte) bool {
	want := -1
	for _, m := range countInLine.FindAll(text, -1) {
		n, err := strconv.Atoi(string(bytes.TrimSpace(m)))
		if err != nil || want >= 0 && n != want {
			return false
		}
		want = n + 1
	}
	return true
}

// cutOff reports whether a text or file that is the beginning of another looks as
// if writing it had been interrupted: in the middle of a line, or where a block of
// a disk or buffer ends. What was only added to looks otherwise.
func cutOff(short []byte, text bool) bool {
	switch {
	case len(short) == 0:
		return false
	case len(short)%4096 == 0:
		return true
	case text:
		return short[len(short)-1] != '\n'
	}
	return len(short)%512 == 0
}

// runnable reports whether a content begins as what machines and interpreters run
// does; name is that of the file.
func runnable(head []byte, name string) bool {
	for _, magic := range []string{"\x7fELF", "#!", "MZ", "\x00asm", "\xca\xfe\xba\xbe", "\xfe\xed\xfa", "\xcf\xfa\xed\xfe", "\xce\xfa\xed\xfe"} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return true
		}
	}
	switch path.Ext(name) {
	case ".pth", ".jar", ".war", ".so", ".ko":
		return true
	case ".pyc":
		// Elsewhere than in the cache it is imported without a source; one that is
		// not checked against its source is run whatever that says (PEP 552).
		unchecked := len(head) >= 8 && head[4]&3 == 1
		return path.Base(path.Dir(name)) != "__pycache__" || unchecked
	}
	return false
}
