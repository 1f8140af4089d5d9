package cause

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"path"
	"strings"
	"time"
)

const (
	month   = `(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}`
	weekday = `(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6}`
	clock   = `[0-2]?\d:[0-5]\d(?::[0-6]\d(?:[.,]\d{1,9})?)?(?: ?[AaPp]\.?[Mm]\.?)?`
	zone    = `(?: ?(?:Z|UTC|GMT|[+-]\d\d:?\d\d|[A-Z]{3,4}))?`
)

// tokenRules are asked in this order; the first that fits has it.
var tokenRules = []tokenRule{
	{id: "D5h", name: "checksum of a file that differs", fix: "mend the file; its checksum follows", find: words(`[0-9a-f]{64}`, `\b[0-9a-f]{40}\b`, `\b[0-9a-f]{32}\b`), same: (*classifier).checksum},
	{id: "D1a", name: "date or time", fix: "take it from SOURCE_DATE_EPOCH, or leave it out", doubt: doubtDates, find: alone(words(
		`(?:`+weekday+`,? +)?`+month+` +\d{1,2},?(?: +`+clock+zone+`)?(?: +\d{4}(?: +`+clock+`)?)?`,
		`(?:`+weekday+`,? +)?\d{1,2}[ -]`+month+`[ -]\d{2,4}(?:[ :]+`+clock+zone+`)?`,
		`(?:19|20)\d\d[-/.][01]\d[-/.][0-3]\d(?:[T ]`+clock+zone+`)?`,
		`[0-3]?\d[./-][01]?\d[./-](?:19|20)\d\d(?: `+clock+zone+`)?`,
		clock+zone,
		`(?:19|20)\d\d[01]\d[0-3]\d(?:T?\d{4,6}Z?)?`,
	)), same: dates},
	{id: "D1b", name: "seconds since 1970, as text", fix: "take them from SOURCE_DATE_EPOCH", find: alone(words(`1\d{9}(?:\.\d+)?`, `1\d{12}`, `1\d{18}`)), same: epochs, doubt: doubtEpochs},
	{id: "D4e", name: "random identifier (UUID)", fix: "derive it from the content, or give a seed", find: words(`[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}`), doubt: doubtUUIDs},
	{id: "D2b", name: "temporary path", fix: "fix the name or the directory of temporary files", find: outsidePath(words(`/(?:var/)?tmp/[-\w./+]+`)), doubt: doubtTemporary},
	{id: "D4b", name: "address in memory", fix: "give things stable numbers; do not write or sort by addresses", find: words(`\b0x[0-9a-fA-F]{6,16}\b`), same: addresses, doubt: doubtAddresses},
	{id: "D2a", name: "path of the build", fix: "-ffile-prefix-map, -trimpath, or build in one fixed directory", find: outsidePath(words(`/[-\w.+@~]+(?:/[-\w.+@~]*)+`)), same: paths, doubt: doubtPaths},
	{id: "D2c", name: "user or host", fix: "set USER and the host name, or leave them out", weak: true, find: words(`[\w.-]+@[\w.-]+`), same: accounts},
	{id: "D4e", name: "random hexadecimal identifier", fix: "derive it from the content, or give a seed", weak: true, find: words(`[0-9a-f]{8,128}`, `[0-9A-F]{8,128}`), same: hexes},
	{id: "D1b", name: "seconds since 1970, in binary", fix: "take them from SOURCE_DATE_EPOCH", weak: true, binary: true, alone: true, find: &finder{}, same: binaryEpochs},
}

var dateForms = []string{
	time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02 15:04:05 -0700", "2006-01-02 15:04", "2006-01-02 15:04-0700", "2006-01-02", "2006/01/02", "2006.01.02",
	"Jan 2 2006 15:04:05", "Jan 2 2006", "Jan 2, 2006", "Jan 2", "January 2, 2006", "2 January 2006", "2 Jan 2006", "02-Jan-2006", "Jan 2 15:04:05 2006",
	"Mon Jan 2 15:04:05 2006", "Mon Jan 2 15:04:05 MST 2006", time.RFC1123, time.RFC1123Z, "02.01.2006", "02/01/2006", "01/02/2006", "15:04:05", "15:04",
	"15:04:05.999999999", "20060102", "20060102150405", "20060102T150405Z", "200601021504",
}

// dates accepts two tokens of one form that are both possible dates.
func dates(c *classifier, a, b []byte) (string, bool) {
	da, db, ok := sameForm(a, b)
	if !ok {
		return "", false
	}
	return joined(fmt.Sprintf("both are dates or times, %s apart", db.Sub(da).Abs().Round(time.Second)), c.known.during(da, db)), true
}

func squeeze(s string) string { return strings.Join(strings.Fields(s), " ") }

// plausible dates are those of computers, or have no year.
func plausible(t time.Time) bool { return t.Year() == 0 || t.Year() >= 1970 && t.Year() <= 2106 }

func epochs(c *classifier, a, b []byte) (string, bool) {
	if len(a) != len(b) {
		return "", false
	}
	ta, tb := instant(string(a)), instant(string(b))
	return joined(fmt.Sprintf("both count seconds since 1970: %s and %s", ta.Format(time.RFC3339), tb.Format(time.RFC3339)), c.known.during(ta, tb)), true
}

// instant reads the leading ten digits of a count since 1970.
func instant(s string) time.Time {
	var n int64
	for _, c := range s[:10] {
		n = n*10 + int64(c-'0')
	}
	return time.Unix(n, 0).UTC()
}

// addresses accepts tokens that are long enough for addresses of a process.
func addresses(_ *classifier, a, b []byte) (string, bool) {
	return "both are hexadecimal addresses", len(a) >= 8 && len(b) >= 8
}

// paths accepts two absolute paths that end alike: a directory changed above
// the same file.
func paths(_ *classifier, a, b []byte) (string, bool) {
	pa, pb := string(a), string(b)
	if path.Base(pa) == path.Base(pb) || path.Dir(pa) == path.Dir(pb) {
		return "both are paths that share a part", true
	}
	return "both are absolute paths", strings.Count(pa, "/") > 1 && strings.Count(pb, "/") > 1
}

func accounts(_ *classifier, a, b []byte) (string, bool) {
	ua, ha, _ := strings.Cut(string(a), "@")
	ub, hb, _ := strings.Cut(string(b), "@")
	switch {
	case ua == ub:
		return "one user on two hosts", true
	case ha == hb:
		return "two users on one host", true
	}
	return "two users on two hosts", true
}

// hexes accepts identifiers of one length of which most differs.
func hexes(_ *classifier, a, b []byte) (string, bool) {
	if len(a) != len(b) {
		return "", false
	}
	same, digits := 0, 0
	for i := range a {
		if a[i] == b[i] {
			same++
		}
		if a[i] <= '9' {
			digits++
		}
	}
	if digits == len(a) {
		return "", false // a number
	}
	return fmt.Sprintf("two values of %d hexadecimal digits", len(a)), same*2 <= len(a)
}

// What a count of seconds in a build's output can be.
const (
	firstEpoch = 1104537600 // 2005
	lastEpoch  = 2208988800 // 2040
	farApart   = 366 * 24 * 3600
)

// binaryEpochs accepts two counts of seconds in one byte order, at most a year
// apart. Four letters fit as well, and are no time.
func binaryEpochs(_ *classifier, a, b []byte) (string, bool) {
	letters := func(p []byte) bool {
		return !bytes.ContainsFunc(p, func(r rune) bool { return (r < 0x20 || r > 0x7e) && r != '\n' && r != '\r' && r != '\t' })
	}
	if letters(a) || letters(b) {
		return "", false
	}
	for _, o := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		x, y := int64(o.Uint32(a)), int64(o.Uint32(b))
		if min(x, y) >= firstEpoch && max(x, y) < lastEpoch && max(x, y)-min(x, y) < farApart {
			return fmt.Sprintf("%s: %s and %s", o, time.Unix(x, 0).UTC().Format(time.RFC3339), time.Unix(y, 0).UTC().Format(time.RFC3339)), true
		}
	}
	return "", false
}
