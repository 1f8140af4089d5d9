package cause

import (
	"bytes"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
)

// contextRules recognise values by what stands before them. They are asked
// before the rules that look at a value alone.
var contextRules = []tokenRule{
	{id: "D5d", name: "placeholder of git archive", fix: "fetch one archive by its hash, or pass the version", find: words(`\$Format:[^$\n]{1,60}\$`, `[0-9a-f]{7,64}`, ` ?\(?HEAD(?:(?: -> |, | )[\w./-]+(?:: [\w./-]+)?){0,8}\)?`), same: substituted},
	{id: "D5f", name: "revision of the source", fix: "pass the version, not the commit", find: within(
		`\bvcs\.revision[="': \t]{1,4}([0-9a-f]{7,40}(?:-dirty|\+)?)`,
		`\b(v?\d[\w.]*-\d+-g[0-9a-f]{7,40}(?:-dirty)?)`, `vcs\.modified=(true|false)`), same: revisions},
	// What is fetched or checked out by such a name is other code.
	{id: "D5f", name: "revision of the source", fix: "pass the version, not the commit", doubt: doubtRevisions, find: within(
		`(?i)(?:revision|commit|\bgit|sha1|\brev|\bnode)[^\n]{0,24}?\b([0-9a-f]{7,40}(?:-dirty|\+)?)`), same: revisions},
	{id: "D1c", name: "time in a jar's manifest", fix: "-Dbnd.reproducible=true, or SOURCE_DATE_EPOCH", find: within(`Bnd-LastModified: (\d{13})`)},
	{id: "D1e", name: "date of a document", fix: "take it from SOURCE_DATE_EPOCH, or write a fixed one", find: within(
		`(?i)(?:copyright|\(c\) |©|&copy;)[^\n;={}()]{0,40}?\b((?:19|20)\d\d(?:[-–](?:19|20)\d\d)?)`,
		`\.TH[^\n]{0,80}?"((?:\d{1,2} )?`+month+`(?: \d{1,2},?)? (?:19|20)\d\d|(?:19|20)\d\d-\d\d-\d\d)"`,
		`(?i)last (?:updated|modified|changed|generated)(?: on)?:? (?:`+weekday+`,? )?((?:\d{1,2} )?`+month+`(?: \d{1,2},?)? (?:19|20)\d\d|(?:19|20)\d\d-\d\d-\d\d)`)},
	{id: "D1b", name: "day on which a password was last changed", fix: "set SOURCE_DATE_EPOCH for useradd and chpasswd, or write a fixed day", find: within(passwordDay), same: passwordDays},
	{id: "D1f", name: "time in another time zone", fix: "build with TZ=UTC, and write times in UTC", doubt: doubtDates, find: alone(words(
		`(?:`+weekday+`,? +)?`+month+` +\d{1,2},? +`+clock+zone+`(?: +\d{4})?`,
		`(?:`+weekday+`,? +)?\d{1,2}[ -]`+month+`[ -]\d{2,4}[ :]+`+clock+zone,
		`(?:19|20)\d\d[-/.][01]\d[-/.][0-3]\d[T ]`+clock+zone, clock+zone)), same: zoneShift},
	{id: "D1g", name: "time that something took", fix: "do not write how long it took", doubt: doubtDurations, find: within(
		`(?i)(?:\bin|took|times?|elapsed|after|duration|real|user|sys|wall)(?:[:=]|[ \t])[ \t]*((?:\d{1,4}m ?)?\d{1,7}(?:\.\d{1,9})? ?(?:ms|us|µs|ns|s|sec|secs|seconds|msec|minutes?|mins?))\b`)},
	{id: "D3a", name: "kernel of the build", fix: "do not record it", find: within(`\bLinux (?:version|[\w.-]+) (\d{1,2}\.\d{1,3}(?:\.\d{1,4})?-[\w.+-]+)`)},
	// By such a name a kernel is loaded as well.
	{id: "D3a", name: "kernel of the build", fix: "do not record it", weak: true, find: within(`(?i)(?:linux|uname|kernel)[^\n]{0,60}?\b(\d{1,2}\.\d{1,3}(?:\.\d{1,4})?-[\w.+-]+)`)},
	{id: "D3c", name: "number of processors or jobs", fix: "build with a fixed number of jobs", weak: true, find: within(
		`(?i)(?:-j ?|--jobs[= ]|\bjobs[=: ]+|\bn?procs?[=: ]+|\bcpus?[=: ]+|\bthreads?[=: ]+|\bparallel(?:ism)?[=: ]+)(\d{1,4})\b`)},
	{id: "D4e", name: "random identifier of a document", fix: "give a seed, or SOURCE_DATE_EPOCH", find: within(
		`/ID ?\[ ?(<[0-9a-fA-F]{16,64}> ?<[0-9a-fA-F]{16,64}>)`, `/(?:BaseFont|FontName) ?/([A-Z]{6})\+`)},
	{id: "D2c", name: "user or host of the build", fix: "set USER and the host name, or leave them out", weak: true, find: within(
		`(?i)(?:\bhostname|\bbuild[- ]?host|\bbuilt on|\bmachine)[:= ]+"?([\w.-]{2,64})`, `(?i)(?:\busername|\blogname|\bbuilt[- ]by|\bpackager|\bbuilder)[:= ]+"?([\w.-]{2,32})`)},
	{id: "D6a", name: "message in another language", fix: "build with LC_ALL=C.UTF-8", find: words(allMessages()), same: translated},
}

// substituted accepts a placeholder on one side and what git archive puts in its
// place on the other.
func substituted(_ *classifier, a, b []byte) (string, bool) {
	const mark = "$Format:"
	fa, fb := bytes.HasPrefix(a, []byte(mark)), bytes.HasPrefix(b, []byte(mark))
	return "one side is a checkout, the other an archive of git (export-subst)", fa != fb
}

// revisions accepts two commits, whole or cut to one length, or two
// descriptions of commits.
func revisions(_ *classifier, a, b []byte) (string, bool) {
	sa, sb := string(a), string(b)
	flag := func(s string) bool { return s == "true" || s == "false" }
	if flag(sa) || flag(sb) {
		return "whether the source was changed", flag(sa) && flag(sb)
	}
	bare := func(s string) string { return strings.TrimSuffix(strings.TrimSuffix(s, "-dirty"), "+") }
	if strings.Contains(sa, "-g") && strings.Contains(sb, "-g") {
		return "both are descriptions of commits", true
	}
	if bare(sa) == bare(sb) {
		return "one commit, with and without changes", true
	}
	return fmt.Sprintf("both are commits, of %d digits", len(bare(sa))), len(bare(sa)) == len(bare(sb))
}

// zoneShift accepts two times of one form that are one instant, or whole
// quarters of an hour apart and no whole day.
func zoneShift(_ *classifier, a, b []byte) (string, bool) {
	da, db, ok := sameForm(a, b)
	if !ok || da.Hour()+da.Minute()+da.Second() == 0 && db.Hour()+db.Minute()+db.Second() == 0 {
		return "", false
	}
	d := db.Sub(da).Abs()
	_, za := da.Zone()
	_, zb := db.Zone()
	switch {
	case d == 0:
		return "both are one instant, in two zones", za != zb
	case da.Nanosecond() != db.Nanosecond() || da.Second() != db.Second():
		return "", false
	}
	return fmt.Sprintf("%s apart, whole quarters of an hour", d), d%(15*time.Minute) == 0 && d%(24*time.Hour) != 0 && d <= 26*time.Hour
}

// sameForm parses two tokens by the first form that fits both.
func sameForm(a, b []byte) (da, db time.Time, ok bool) {
	ta, tb := squeeze(string(a)), squeeze(string(b))
	for _, form := range dateForms {
		da, errA := time.Parse(form, ta)
		db, errB := time.Parse(form, tb)
		if errA == nil && errB == nil && plausible(da) && plausible(db) {
			return da, db, true
		}
	}
	return da, db, false
}

// messages are what common tools print, the same in several languages.
var messages = [][]string{
	{"command not found", "commande introuvable", "Befehl nicht gefunden", "orden no encontrada", "comando non trovato"},
	{"No such file or directory", "Aucun fichier ou dossier de ce type", "Datei oder Verzeichnis nicht gefunden", "No existe el archivo o el directorio", "File o directory non esistente"},
	{"Permission denied", "Permission non accordée", "Keine Berechtigung", "Permiso denegado", "Permesso negato"},
	{"Is a directory", "est un dossier", "Ist ein Verzeichnis", "Es un directorio", "È una directory"},
	{"No space left on device", "Aucun espace disponible sur le périphérique", "Auf dem Gerät ist kein Speicherplatz mehr verfügbar", "No queda espacio en el dispositivo"},
	{"warning", "attention", "avertissement", "Warnung", "aviso", "attenzione"},
	{"error", "erreur", "Fehler", "errore"},
	{"total", "insgesamt", "totale"},
}

func allMessages() string {
	var out []string
	for _, m := range messages {
		for _, s := range m {
			out = append(out, regexp.QuoteMeta(s))
		}
	}
	return `\b(?:` + strings.Join(out, "|") + `)`
}

func translated(_ *classifier, a, b []byte) (string, bool) {
	for _, m := range messages {
		if slices.Contains(m, string(a)) && slices.Contains(m, string(b)) {
			return fmt.Sprintf("both mean %q", m[0]), true
		}
	}
	return "", false
}

// doubtRevisions doubts two commits that are not one with and without changes.
func doubtRevisions(a, b []byte) bool {
	bare := func(p []byte) string { return strings.TrimSuffix(strings.TrimSuffix(string(p), "-dirty"), "+") }
	return bare(a) != bare(b)
}

// doubtPaths doubts that two paths are of one build in two places: their last
// parts differ, so that they may as well lead to two different things, or one is of
// the system.
func doubtPaths(a, b []byte) bool {
	return path.Base(string(a)) != path.Base(string(b)) || systemPath(string(a)) || systemPath(string(b))
}

// doubtTemporary doubts two temporary paths that are not made alike, or that lead
// out of where they seem to.
func doubtTemporary(a, b []byte) bool {
	pa, pb := string(a), string(b)
	return systemPath(pa) || systemPath(pb) || path.Base(pa) != path.Base(pb) && (path.Dir(pa) != path.Dir(pb) || path.Ext(pa) != path.Ext(pb) || commonStart(path.Base(pa), path.Base(pb)) == 0)
}

func commonStart(a, b string) (n int) {
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}
