package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim"
	"github.com/stagescope/stagescope/chain/claim/pgp"
	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/rebuild"
	"github.com/stagescope/stagescope/rebuild/evidence"
)

// maxGPG bounds what the outside program may print: a message of a few hundred
// bytes, or a public key with all its certifications.
const maxGPG = 8 << 20

// stagexFlags are the flags of "claim push" that concern StageX's own form.
type stagexFlags struct {
	dir string // base of the lookaside, e.g. a checkout of the signatures' repository
	gpg string // program
	key string // what gpg knows the key by: a fingerprint
}

func (f *stagexFlags) add(c *cobra.Command) {
	fl := c.Flags()
	fl.StringVar(&f.dir, "stagex", "", "write StageX's signature files below `DIR` instead")
	fl.StringVar(&f.gpg, "gpg", "gpg", "`COMMAND` that is gpg, for --stagex")
	fl.StringVar(&f.key, "pgp", "", "`FINGERPRINT` of the PGP key to sign with, for --stagex")
}

// claimPushStageX signs own rebuilds as StageX's release engineers do.
func (a *app) claimPushStageX(ctx context.Context, args []string, f *pushFlags) error {
	switch {
	case f.all == (len(args) > 0):
		return withHint(errors.New("name stages, or --all"), "stagescope list prints the stages")
	case len(f.places.names) > 0 || f.key != "" || f.signer != "" || f.image || f.failures:
		return withHint(errors.New("--stagex writes files that gpg signs: --to, --key, --signer, --image and --failures are not for it"), "run claim push once with --stagex and once without")
	case !fullFingerprint.MatchString(f.stagex.key):
		return withHint(fmt.Errorf("--pgp %q is no fingerprint", f.stagex.key), "give all 40 hex digits; gpg --list-secret-keys prints them")
	}
	s := &stagexSigner{a: a, f: &f.stagex, results: map[string][]*rebuild.Result{}}
	s.doc = stagexDocument{Dir: f.stagex.dir, Signed: []stagexSigned{}, Refused: []refusedDocument{}}
	var err error
	if s.chain, err = a.openChain(); err != nil {
		return err
	}
	stages := s.chain.Stages
	if !f.all {
		if stages, err = findStages(s.chain, args); err != nil {
			return err
		}
	}
	if err := s.load(); err != nil {
		return err
	}
	if f.all { // of what was never built here nothing need be said
		stages = slices.DeleteFunc(slices.Clone(stages), func(st *chain.Stage) bool { return len(s.results[st.ID]) == 0 })
	}
	if len(stages) == 0 {
		return withHint(errors.New("no stage of the tree was rebuilt here"), "stagescope rebuild --all, or name stages")
	}
	if err := s.f.open(); err != nil {
		return err
	}
	if s.verifier, s.doc.Key, err = s.f.verifier(ctx, a.err); err != nil {
		return err
	}
	if err := s.judge(ctx, f, stages); err != nil {
		return err
	}
	err = s.stages(ctx, stages)
	return s.report(err, len(stages))
}

// open makes the directory, and says early if it cannot be written to.
func (f *stagexFlags) open() error {
	if err := os.MkdirAll(f.dir, 0o777); err != nil {
		return withHint(err, "name a directory that you may write to")
	}
	return nil
}

// load reads what was rebuilt here.
func (s *stagexSigner) load() error {
	st, err := s.a.openStore()
	if err != nil {
		return err
	}
	results, err := rebuild.Results(st, "")
	for _, r := range results {
		s.results[r.Stage] = append(s.results[r.Stage], r)
	}
	return err
}

func (s *stagexSigner) report(err error, asked int) error {
	s.doc.Complete = err == nil && len(s.doc.Refused) == 0
	if s.a.json {
		err = errors.Join(err, s.a.printJSON(s.doc))
	} else {
		for _, r := range s.doc.Refused {
			s.a.sayTo(s.a.out, "%s: refused: %s", safe.Text(r.Stage), safe.Text(r.Reason))
		}
		s.a.sayTo(s.a.out, "%d of %d stages signed, %d refused", len(s.doc.Signed), asked, len(s.doc.Refused))
	}
	if err == nil && len(s.doc.Refused) > 0 {
		r := s.doc.Refused[0]
		return withHint(fmt.Errorf("%d of %d stages were refused; first %s: %s", len(s.doc.Refused), asked, r.Stage, r.Reason), "stagescope show %s says what is known of it", r.Stage)
	}
	return err
}

// stagexDocument is what "claim push --stagex --json" prints.
type stagexDocument struct {
	Complete bool              `json:"complete"`
	Dir      string            `json:"dir"`
	Key      string            `json:"key"` // fingerprint of the primary key
	Signed   []stagexSigned    `json:"signed"`
	Refused  []refusedDocument `json:"refused"`
}

type stagexSigned struct {
	Stage  string       `json:"stage"`
	Digest chain.Digest `json:"digest"`
	Path   string       `json:"path"`
	There  bool         `json:"there"` // it was there before
}

// stagexSigner writes signature files for one person.
type stagexSigner struct {
	a        *app
	f        *stagexFlags
	chain    *chain.Chain
	results  map[string][]*rebuild.Result
	verifier *pgp.Verifier
	disputed map[string]string // by stage: what others say against it
	doc      stagexDocument
}

// stages signs one stage after another. What was signed stays when it ends
// early, so that a second run goes on from there.
func (s *stagexSigner) stages(ctx context.Context, stages []*chain.Stage) error {
	for _, st := range stages {
		if err := ctx.Err(); err != nil {
			return err
		}
		if why := s.refusal(st); why != "" {
			s.doc.Refused = append(s.doc.Refused, refusedDocument{st.ID, why})
			continue
		}
		if err := s.stage(ctx, st); err != nil {
			return fmt.Errorf("signing %q: %w", st.ID, err)
		}
	}
	return nil
}

// refusal says why nobody should put their name under a stage.
func (s *stagexSigner) refusal(st *chain.Stage) string {
	results := s.results[st.ID]
	if _, err := rebuild.Publishable(s.chain, st.ID, results, chain.LevelManifest, false); err != nil {
		return err.Error()
	}
	for _, r := range results { // newest first
		if !rebuild.Current(s.chain, r) || r.Digests.Manifest == "" {
			continue
		}
		if v := rebuild.Rejudge(s.chain, r).Verdict; v.Status != rebuild.Reproduced {
			return "its rebuild matches no digest that the tree publishes: " + v.Status.String()
		}
		break
	}
	if why := s.disputed[st.ID]; why != "" {
		return "it is disputed: " + why
	}
	return ""
}

// judge looks for who disagrees, among the claims that are in the store and in the
// tree: a person's name belongs under nothing that others contradict.
func (s *stagexSigner) judge(ctx context.Context, f *pushFlags, stages []*chain.Stage) error {
	if err := f.places.load(s.a); err != nil {
		return err
	}
	st, err := s.a.openStore()
	if err != nil {
		return err
	}
	r, err := evidence.Judge(ctx, s.chain, idsOf(stages), evidence.Options{Store: st, Parties: f.places.known, Platform: s.a.platform, Offline: true})
	if err != nil {
		return evidenceHint(err)
	}
	s.disputed = map[string]string{}
	for i := range r.Stages {
		if v := &r.Stages[i].Verdict; v.Status == claim.Disputed || v.Status == claim.Tainted {
			s.disputed[v.Stage] = v.Sentence()
		}
	}
	return nil
}

// stage signs one stage, unless that was done.
func (s *stagexSigner) stage(ctx context.Context, st *chain.Stage) error {
	digest, err := rebuild.Publishable(s.chain, st.ID, s.results[st.ID], chain.LevelManifest, false)
	if err != nil {
		return err
	}
	repository, fsys := "stagex/"+st.ID, os.DirFS(s.f.dir)
	have, err := s.verifier.Of(ctx, fsys, ".", repository, digest)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for _, h := range have {
		if h.State == claim.Verified && h.Form == pgp.FormTagged && h.Tag == st.Tag() {
			s.signed(st.ID, digest, h.Path, true)
			return nil
		}
	}
	payload, err := pgp.Payload(repository, st.Tag(), digest)
	if err != nil {
		return err
	}
	s.a.sayTo(s.a.err, "%s: signing; a token may wait to be touched", safe.Text(st.ID))
	message, err := s.f.run(ctx, s.a.err, payload, "--sign", "--local-user", s.f.key, "--output", "-")
	if err != nil {
		return err
	}
	for {
		name, err := pgp.AddSignature(fsys, ".", repository, digest)
		if err != nil {
			return err
		}
		// Another key, a cleartext signature or a wrong text is found before anyone
		// else finds it.
		if got := s.verifier.Check(name, message); got.State != claim.Verified {
			return fmt.Errorf("what %q made is %s: %s", s.f.gpg, got.State, got.Reason)
		}
		err = writeNew(filepath.Join(s.f.dir, filepath.FromSlash(name)), message)
		if errors.Is(err, os.ErrExist) {
			continue // someone else took the number
		}
		if err != nil {
			return err
		}
		s.signed(st.ID, digest, name, false)
		return nil
	}
}

func (s *stagexSigner) signed(id string, d chain.Digest, path string, there bool) {
	s.doc.Signed = append(s.doc.Signed, stagexSigned{id, d, path, there})
	if !s.a.json {
		how := "signed"
		if there {
			how = "signed before"
		}
		s.a.sayTo(s.a.out, "%s: %s: %s", safe.Text(id), how, safe.Text(path))
	}
}

// writeNew writes a file that must not be there yet, whole or not at all.
func writeNew(name string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(name), ".signature-")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(data)
	err = errors.Join(err, tmp.Chmod(0o644), tmp.Sync(), tmp.Close())
	if err != nil {
		return fmt.Errorf("writing %q: %w", name, err)
	}
	return os.Link(tmp.Name(), name)
}

// run calls gpg. Its messages, such as that a token wants to be touched, go to
// the person.
func (f *stagexFlags) run(ctx context.Context, say io.Writer, in []byte, args ...string) ([]byte, error) {
	words := strings.Fields(f.gpg)
	if len(words) == 0 {
		return nil, withHint(errors.New("--gpg names no command"), "leave it out for gpg")
	}
	cmd := exec.CommandContext(ctx, words[0], append(words[1:], args...)...)
	cmd.Stdin = bytes.NewReader(in)
	cmd.Stderr = &safeLines{w: say}
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, withHint(fmt.Errorf("starting %q: %w", f.gpg, err), "install GnuPG, or name it with --gpg")
	}
	out, readErr := io.ReadAll(io.LimitReader(pipe, maxGPG+1))
	if len(out) > maxGPG {
		_ = cmd.Process.Kill()
		readErr = fmt.Errorf("it printed more than %d bytes", maxGPG)
	}
	if err := errors.Join(readErr, cmd.Wait()); err != nil {
		return nil, withHint(fmt.Errorf("running %q: %w", f.gpg, err), "try it by hand: %s --sign --local-user %s; what was signed stays, run this again to go on", f.gpg, f.key)
	}
	return out, nil
}

// safeLines passes text on, escaped.
type safeLines struct{ w io.Writer }

func (s *safeLines) Write(p []byte) (int, error) {
	for line := range strings.Lines(string(p)) {
		if _, err := fmt.Fprintln(s.w, safe.Text(strings.TrimRight(line, "\r\n"))); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// stagexVerifier holds the person's own public key, by which every signature is
// checked before it is kept.
func (f *stagexFlags) verifier(ctx context.Context, say io.Writer) (*pgp.Verifier, string, error) {
	public, err := f.run(ctx, say, nil, "--export", f.key)
	if err != nil {
		return nil, "", err
	}
	primaries, err := pgp.Primaries(public)
	if err != nil {
		return nil, "", withHint(err, "%s --list-keys %s", f.gpg, f.key)
	}
	if len(primaries) != 1 {
		return nil, "", withHint(fmt.Errorf("%q names %d keys, not one", f.key, len(primaries)), "give the key's whole fingerprint with --pgp-key")
	}
	ring, err := pgp.ReadKeyring(bytes.NewReader(public), map[string]string{primaries[0]: "you"})
	if err != nil {
		return nil, "", err
	}
	return &pgp.Verifier{Keyring: ring}, primaries[0], nil
}
