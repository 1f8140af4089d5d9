package cause

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"github.com/stagescope/stagescope/diff"
)

// Package managers keep what is installed in texts of records: paragraphs of fields,
// of which each says something of the one thing that the paragraph is about
// (deb-control(5), apk's installed(5), APT's Release and Packages). A line that was
// moved into another paragraph says it of something else: a version, or a set-id bit.

// fieldLine is a line of a record: a field, or what goes on with the one before.
var fieldLine = regexp.MustCompile(`^(?:[A-Za-z][\w-]{0,63}:|[ \t])`)

// recordsOf cuts a text into records; nil when it is not made of two or more.
func recordsOf(text []byte) [][]byte {
	var out [][]byte
	var now []byte
	end := func() {
		if len(now) > 0 {
			out, now = append(out, now), nil
		}
	}
	for _, l := range bytes.SplitAfter(text, []byte("\n")) {
		if len(bytes.TrimRight(l, "\n")) == 0 {
			end()
			continue
		}
		if !fieldLine.Match(l) || len(now) == 0 && (l[0] == ' ' || l[0] == '\t') {
			return nil
		}
		now = append(now, l...)
	}
	if end(); len(out) < 2 {
		return nil
	}
	return out
}

// sameRecords reports whether two texts hold the same records, each as it is, in
// another order.
func sameRecords(a, b [][]byte) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.SortFunc(a, bytes.Compare)
	slices.SortFunc(b, bytes.Compare)
	return slices.EqualFunc(a, b, bytes.Equal)
}

// acrossRecords reports whether lines lie in another record, or in another order
// within one, so that sorting all lines undoes more than an order.
func acrossRecords(p *pair) bool {
	a, b := recordsOf(p.a), recordsOf(p.b)
	return (a != nil || b != nil) && !sameRecords(a, b)
}

// recordOrder: the sides hold the same records in another order.
func recordOrder(p *pair) *explained {
	if !diff.Textual(p.node.Kind) || len(p.a) != len(p.b) {
		return nil
	}
	a, b := recordsOf(p.a), recordsOf(p.b)
	// What lies between records is equal too, but for how much of it follows each.
	if a == nil || b == nil || !sameRecords(a, b) || !reordered(p) {
		return nil
	}
	return ordered(p, &explained{a: fmt.Sprintf("%d records", len(a)), b: "the same records, in another order",
		cause: diff.Cause{ID: "D4a", Name: "order of the records", Confidence: diff.Proved, Evidence: "the texts are equal once their paragraphs are sorted, each as it is",
			Fix: "install in one order, in one step, or sort what is written"}})
}

var (
	machineIDName = regexp.MustCompile(`(?:^|/)(?:etc|var/lib/dbus)/machine-id$`)
	machineIDText = regexp.MustCompile(`^[0-9a-f]{32}\n$`)
)

// machineID: the identifier that systemd or D-Bus gives a machine (machine-id(5)):
// nothing but this is in the file, on both sides.
func machineID(p *pair) *explained {
	if !machineIDName.MatchString(nameOf(p.node)) || !machineIDText.Match(p.a) || !machineIDText.Match(p.b) {
		return nil
	}
	return &explained{a: string(p.a[:32]), b: string(p.b[:32]), cause: diff.Cause{ID: "D4e", Name: "identifier of the machine", Confidence: diff.Proved,
		Evidence: "the file holds nothing else: 32 random digits", Fix: "empty the file: the machine makes one when it first starts; containers of one image would share this one"}}
}

// passwordDay finds the day on which a password was last changed (shadow(5)), where
// passwords do not grow old: only there it decides nothing.
const passwordDay = `^[a-z_][\w.-]{0,31}\$?:[^:\n]{0,200}:(\d{5}):\d{0,5}:(?:99999)?:\d{0,5}:\d{0,5}:\d{0,5}:$`

// passwordDays accepts two days between 2005 and 2040.
func passwordDays(_ *classifier, a, b []byte) (string, bool) {
	const day = 24 * 3600
	x, errA := strconv.Atoi(string(a))
	y, errB := strconv.Atoi(string(b))
	in := func(d int) bool { return d >= firstEpoch/day && d < lastEpoch/day }
	return fmt.Sprintf("days since 1970, %d apart; the passwords do not grow old", max(x-y, y-x)), errA == nil && errB == nil && in(x) && in(y)
}
