package diff

import (
	"strings"
	"testing"
)

// TestSuspectPlaces: a plain text at a place that decides what runs or who is
// trusted is a suspicion where nothing explains it, and only there.
func TestSuspectPlaces(t *testing.T) {
	a := []file{
		{name: "etc/cron.d/", typ: '5', mode: 0o755},
		{name: "etc/skel/.bashrc", body: "alias ls\n"},
		{name: "etc/passwd", body: "root:x:0:0\n"},
		{name: "etc/pam.d/su", body: "auth required\n"},
		{name: "etc/motd", body: "hello\n"},
		{name: "usr/share/ca-certificates/mozilla/A.crt", body: "A\n"},
		{name: "etc/crontab", body: "same\n", uid: 1},
		{name: "usr/share/doc/cron/etc.txt", body: "a\n"},
	}
	b := []file{
		{name: "etc/cron.d/", typ: '5', mode: 0o755},
		{name: "etc/cron.d/x", body: "* * * * * root id\n"},
		{name: "etc/cron.d/y/", typ: '5', mode: 0o755},
		{name: "etc/skel/.bashrc", body: "alias ls\nid\n"},
		{name: "etc/passwd", typ: '2', link: "/tmp/passwd"},
		{name: "etc/motd", body: "hallo\n"},
		{name: "usr/share/ca-certificates/mozilla/A.crt", body: "B\n"},
		{name: "etc/crontab", body: "same\n"},
		{name: "usr/share/doc/cron/etc.txt", body: "b\n"},
	}
	n := compare(t, imageSpec{layers: [][]byte{tarBytes(t, a...)}}, imageSpec{layers: [][]byte{tarBytes(t, b...)}}, Options{})
	n.SuspectPlaces()
	for name, kind := range map[string]SuspicionKind{
		"etc/cron.d/x": SuspectStart, "etc/skel/.bashrc": SuspectStart, "etc/passwd": SuspectAccount, "etc/pam.d/su": SuspectAccount,
		"usr/share/ca-certificates/mozilla/A.crt": SuspectTrust,
		"etc/motd": "", "etc/crontab": "", "etc/cron.d/y": "", "usr/share/doc/cron/etc.txt": "",
	} {
		f := mustFind(t, n, name)
		if kind == "" && len(f.Suspicions) > 0 || kind != "" && (len(f.Suspicions) != 1 || f.Suspicions[0].Kind != kind) {
			t.Errorf("%s: %+v", name, f.Suspicions)
		}
	}
	if n.Suspicious != 5 {
		t.Errorf("%d suspicions, want 5", n.Suspicious)
	}
	f := mustFind(t, n, "etc/skel/.bashrc")
	f.Suspicions, f.UnexplainedA, f.UnexplainedB = nil, nil, nil
	f.Reasons = []Reason{{Field: "content", Cause: &Cause{ID: "D1a", Confidence: Proved}}}
	if n.SuspectPlaces(); len(f.Suspicions) != 0 {
		t.Errorf("what is proved is suspicious: %+v", f.Suspicions)
	}
}

// TestWhatAnImageRuns: a command is shown whole, and what it runs is suspicious.
func TestWhatAnImageRuns(t *testing.T) {
	rs, err := JSONReasons(
		[]byte(`{"config":{"Entrypoint":["/bin/login"],"Env":["A=1","B=2"],"Labels":{"a":"b"}}}`),
		[]byte(`{"config":{"Entrypoint":["/bin/sh","-c","id"],"Env":["A=1","LD_PRELOAD=/x.so"],"Labels":{"a":"c"},"User":"0"}}`))
	if err != nil || len(rs) != 4 {
		t.Fatalf("%v %+v", err, rs)
	}
	n := &Node{Kind: KindConfig, Name: "config", Status: Differs, Reasons: rs}
	n.SuspectPlaces()
	var got []string
	for _, s := range n.Suspicions {
		got = append(got, string(s.Kind)+" "+s.What)
	}
	want := []string{
		`start what the image runs differs: Entrypoint is ["/bin/login"] in A, ["/bin/sh","-c","id"] in B`,
		`start a variable that leads programs elsewhere differs: "B=2" in A, "LD_PRELOAD=/x.so" in B`,
		`account the user that it runs as differs: none in A, "0" in B`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%q", got)
	}
}

func TestCapabilities(t *testing.T) {
	for attr, want := range map[string]string{
		"\x01\x00\x00\x02\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00":                 "cap_setuid=ep",
		"\x00\x00\x00\x02\x80\x20\x00\x00\x00\x20\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00":                 "cap_net_raw=ip cap_setuid,cap_checkpoint_restore=p",
		"\x01\x00\x00\x03\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x80\x00\x00\x00\x00\xe8\x03\x00\x00": "63=ep cap_chown=eip [rootid=1000]",
		"\x00\x00\x00\x02" + strings.Repeat("\x00", 16):                                                    "=",
		"\x00\x00\x00\x07" + strings.Repeat("\x00", 16):                                                    "",
		"\x01\x02": "",
		"":         "",
	} {
		got, ok := capabilities(attr)
		if got != want || ok != (want != "") {
			t.Errorf("%x: %q, want %q", attr, got, want)
		}
	}
	a, b := file{name: "ping", body: "x"}, file{name: "ping", body: "x"}
	b.xattrs = map[string]string{capabilityXattr: "\x01\x00\x00\x02\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"}
	n := compare(t, imageSpec{layers: [][]byte{tarBytes(t, a)}}, imageSpec{layers: [][]byte{tarBytes(t, b)}}, Options{})
	f := mustFind(t, n, "ping")
	if len(f.Suspicions) != 1 || !strings.Contains(f.Suspicions[0].What, "none in A, cap_setuid=ep in B") {
		t.Errorf("%+v", f.Suspicions)
	}
	if f.Residue != ResidueKnown || n.Residue != ResidueKnown {
		t.Error("a capability that one side lacks is accounted for")
	}
}
