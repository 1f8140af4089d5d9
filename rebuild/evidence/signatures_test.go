package evidence

import (
	"bytes"
	"crypto"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim"
	"github.com/stagescope/stagescope/chain/claim/party"
	"github.com/stagescope/stagescope/chain/claim/pgp"
	"github.com/stagescope/stagescope/chain/claim/policy"
)

func pgpConfig() *packet.Config {
	return &packet.Config{Time: func() time.Time { return now.AddDate(0, -1, 0) }, DefaultHash: crypto.SHA512, Algorithm: packet.PubKeyAlgoEdDSA}
}

// signers are persons with a PGP key each, and their keyring.
func signers(t *testing.T, names ...string) (map[string]*openpgp.Entity, *party.Parties, *pgp.Keyring) {
	t.Helper()
	keys := map[string]*openpgp.Entity{}
	var ring bytes.Buffer
	text := ""
	for _, n := range names {
		e, err := openpgp.NewEntity(n, "", n+"@example.org", pgpConfig())
		if err != nil {
			t.Fatal(err)
		}
		if err := e.AddSigningSubkey(pgpConfig()); err != nil {
			t.Fatal(err)
		}
		if err := e.Serialize(&ring); err != nil {
			t.Fatal(err)
		}
		keys[n] = e
		text += fmt.Sprintf("[[party]]\nname = %q\nkind = \"person\"\n[[party.key]]\ntype = \"pgp\"\nfingerprint = \"%X\"\n", n, e.PrimaryKey.Fingerprint)
	}
	p, err := party.Read("parties.toml", []byte(text), now, nil)
	if err != nil {
		t.Fatal(err)
	}
	k, err := pgp.ReadKeyring(&ring, p.Persons())
	if err != nil {
		t.Fatal(err)
	}
	return keys, p, k
}

// signature is the path and bytes of somebody's signature of a stage's digest.
func signature(t *testing.T, e *openpgp.Entity, id, tag string, d chain.Digest, n int) (string, []byte) {
	t.Helper()
	payload, err := pgp.Payload("stagex/"+id, tag, d)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w, err := openpgp.Sign(&b, e, &openpgp.FileHints{IsBinary: true}, pgpConfig())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(payload); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return pgp.Path("stagex/"+id, d, n), b.Bytes()
}

// Signatures in the tree, in a directory and at an address give the same: persons
// count, once each, and only with a keyring. A policy may accept them by name.
func TestSignatures(t *testing.T) {
	c := twoStages(t)
	st, _ := c.Stage("core-a")
	d := st.Digest()
	keys, parties, ring := signers(t, "alice", "bob")
	dir := t.TempDir()
	tree := c.FS.(fstest.MapFS)
	for n, who := range []string{"alice", "bob", "bob"} {
		p, data := signature(t, keys[who], "core-a", "1", d, n+1)
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(p)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, p), data, 0o644); err != nil {
			t.Fatal(err)
		}
		tree["signatures/"+p] = &fstest.MapFile{Data: data}
	}
	server := httptest.NewServer(http.FileServer(http.Dir(dir)))
	defer server.Close()
	accepts := policy.Default()
	accepts.Signers = 2
	bare := twoStages(t)
	for name, x := range map[string]struct {
		chain   *chain.Chain
		places  []string
		ring    *pgp.Keyring
		signers int
		skipped int
		status  claim.Status
	}{
		"in the tree":           {c, nil, ring, 2, 0, claim.Signed},
		"in a directory":        {bare, []string{dir}, ring, 2, 0, claim.Signed},
		"at an address":         {bare, []string{server.URL}, ring, 2, 0, claim.Signed},
		"in two places at once": {c, []string{dir, server.URL}, ring, 2, 0, claim.Signed},
		"without a keyring":     {c, nil, nil, 0, 3, claim.Unclaimed},
	} {
		t.Run(name, func(t *testing.T) {
			r := judged(t, x.chain, Options{Parties: parties, Keyring: x.ring, Signatures: x.places, Policy: accepts}, "core-a")
			v := of(t, r, "core-a").Verdict
			if v.Status != x.status || v.Signers != x.signers || v.Skipped != x.skipped || v.Met != (x.signers >= 2) {
				t.Errorf("%s, met %v, skipped %d, unknown %+v", v.Sentence(), v.Met, v.Skipped, of(t, r, "core-a").Unknown)
			}
			for _, cl := range of(t, r, "core-a").Claims {
				if cl.Kind == claim.KindPGP && x.ring == nil && (cl.Verification.State != claim.Unverified || !strings.Contains(cl.Verification.Reason, "not verified: no keyring")) {
					t.Errorf("%+v", cl.Verification)
				}
			}
			if len(r.Signers) != 2 {
				t.Errorf("%+v", r.Signers)
			}
		})
	}
}

// In the tree, signatures of other digests are of older releases, and said; in a
// place of its own they are shown, and block nothing, as their release is not
// known; of another version they are left out.
func TestSignaturesOfOtherDigests(t *testing.T) {
	c := twoStages(t)
	keys, parties, ring := signers(t, "alice", "bob")
	other := digestOf(t, someImage(t, "other"))
	path, data := signature(t, keys["alice"], "core-a", "1", other, 1)
	oldPath, oldData := signature(t, keys["alice"], "core-a", "0.9", digestOf(t, someImage(t, "older")), 1)
	dir := t.TempDir()
	for p, b := range map[string][]byte{path: data, oldPath: oldData} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(p)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, p), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s := of(t, judged(t, c, Options{Parties: parties, Keyring: ring, Signatures: []string{dir}}, "core-a"), "core-a")
	flagged := slices.ContainsFunc(s.Verdict.Flags, func(f claim.Flag) bool { return f.Kind == claim.FlagDissent && slices.Contains(f.Parties, "alice") })
	if s.Verdict.Status != claim.Unclaimed || !flagged || len(s.Notes) != 1 || !strings.Contains(s.Notes[0], "of version 0.9") {
		t.Errorf("%s; flags %+v; notes %q", s.Verdict.Sentence(), s.Verdict.Flags, s.Notes)
	}
	c.FS.(fstest.MapFS)["signatures/"+path] = &fstest.MapFile{Data: data}
	s = of(t, judged(t, c, Options{Parties: parties, Keyring: ring}, "core-a"), "core-a")
	if len(s.Verdict.Flags) != 0 || len(s.Notes) != 1 || !strings.Contains(s.Notes[0], "1 signatures of 1 other digests") {
		t.Errorf("flags %+v; notes %q", s.Verdict.Flags, s.Notes)
	}
}

// A lookaside that fails makes its answer unknown.
func TestLookasideFails(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }))
	defer server.Close()
	for _, o := range []Options{{Signatures: []string{server.URL}}, {Signatures: []string{"https://example.org/signatures"}, Offline: true}} {
		s := of(t, judged(t, twoStages(t), o, "core-a"), "core-a")
		if len(s.Unknown) != 1 || s.Unknown[0].Origin != o.Signatures[0] {
			t.Errorf("%+v", s.Unknown)
		}
	}
	if _, err := Judge(t.Context(), twoStages(t), nil, Options{Signatures: []string{t.TempDir()}}); err == nil {
		t.Error("a directory without signatures was accepted")
	}
}
