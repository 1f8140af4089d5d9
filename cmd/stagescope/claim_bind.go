package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim"
	"github.com/stagescope/stagescope/chain/claim/pgp"
	"github.com/stagescope/stagescope/chain/claim/statement"
)

// bindDocument is what "claim key bind --json" prints.
type bindDocument struct {
	Key     chain.Digest `json:"key"` // fingerprint of the claim key
	Party   string       `json:"party"`
	From    time.Time    `json:"from"`
	To      time.Time    `json:"to"` // the first moment at which it no longer holds
	Payload string       `json:"payload"`
	File    string       `json:"file,omitempty"` // the signed binding
	PGP     string       `json:"pgp,omitempty"`  // primary key that signed, where --keyring could tell
}

// bindFlags are the flags of the verb.
type bindFlags struct {
	party, from, to  string
	out, gpg, signer string
	keyring          string
}

func (a *app) claimKeyBindCmd() *cobra.Command {
	var f bindFlags
	c := &cobra.Command{
		Use:   "bind KEY.pub --party NAME --to DATE",
		Short: "Say with your PGP key that a claim key is yours",
		Long: `Bind makes the statement that a claim key belongs to a party for some time, and
lets gpg sign it with the PGP key that is known already. Without --out it prints
the statement, to be signed elsewhere with "gpg --sign". With --keyring (public
PGP keys) the signature is checked as others will check it.

--json prints one object: key, party, from, to, payload, file, pgp.`,
		Example: `  stagescope claim key bind claims.key.pub --party alice --to 2027-01-01 --out alice.bind --pgp 0xABCD…
  stagescope claim key bind claims.key.pub --party alice --to 2027-01-01 | gpg --sign > alice.bind`,
		Args: oneArg("KEY.pub"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.bindKey(cmd, args[0], f) },
	}
	c.Flags().StringVar(&f.party, "party", "", "`NAME` of the party")
	c.Flags().StringVar(&f.from, "from", "", "first `DATE`, YYYY-MM-DD (default: today)")
	c.Flags().StringVar(&f.to, "to", "", "`DATE` from which it no longer holds")
	c.Flags().StringVar(&f.out, "out", "", "let gpg sign it into `FILE`")
	c.Flags().StringVar(&f.signer, "pgp", "", "PGP `KEY` to sign with (default: gpg's)")
	c.Flags().StringVar(&f.gpg, "gpg", "gpg", "`COMMAND` that is gpg")
	c.Flags().StringVar(&f.keyring, "keyring", "", "`FILE` of public PGP keys to check the signature with")
	return c
}

func (a *app) bindKey(cmd *cobra.Command, file string, f bindFlags) error {
	b, payload, err := f.binding(file)
	if err != nil {
		return err
	}
	doc := bindDocument{Key: b.Key, Party: b.Party, From: b.From, To: b.To, Payload: string(payload)}
	if f.out == "" {
		if a.json {
			return a.printJSON(doc)
		}
		_, err := a.out.Write(payload)
		return err
	}
	args := append(strings.Fields(f.gpg), "--sign")
	if f.signer != "" {
		args = append(args, "--local-user", f.signer)
	}
	if len(args) < 2 {
		return withHint(errors.New("--gpg names no command"), "leave it out for gpg")
	}
	gpg := exec.CommandContext(cmd.Context(), args[0], args[1:]...)
	var signed bytes.Buffer
	gpg.Stdin, gpg.Stdout, gpg.Stderr = bytes.NewReader(payload), &signed, a.err
	if err := gpg.Run(); err != nil {
		return withHint(fmt.Errorf("signing with %q: %w", args[0], err), "leave out --out to print what is to be signed")
	}
	doc.File = f.out
	if f.keyring != "" {
		if doc.PGP, err = f.check(signed.Bytes(), b); err != nil {
			return err
		}
	}
	if err := writeNewFile(f.out, signed.Bytes()); err != nil {
		return err
	}
	if a.json {
		return a.printJSON(doc)
	}
	a.sayTo(a.out, "%s: key %s is %s's from %s to %s%s", f.out, b.Key, b.Party, b.From.Format(time.DateOnly), b.To.Format(time.DateOnly), signedBy(doc.PGP))
	return nil
}

func signedBy(pgp string) string {
	if pgp == "" {
		return "; the signature was not checked (--keyring)"
	}
	return "; signed by PGP key " + pgp
}

func (f *bindFlags) binding(file string) (pgp.Binding, []byte, error) {
	data, err := readSmallFile(file)
	if err != nil {
		return pgp.Binding{}, nil, err
	}
	pub, err := statement.ParsePublicKey(data)
	if err != nil {
		return pgp.Binding{}, nil, withHint(err, "name the public key, FILE.pub")
	}
	b := pgp.Binding{Party: f.party, From: time.Now().UTC().Truncate(24 * time.Hour)}
	if b.Key, err = statement.Fingerprint(pub); err != nil {
		return b, nil, err
	}
	for text, to := range map[string]*time.Time{f.from: &b.From, f.to: &b.To} {
		if text == "" {
			continue
		}
		if *to, err = time.Parse(time.DateOnly, text); err != nil {
			return b, nil, withHint(fmt.Errorf("%q is no date", text), "write YYYY-MM-DD")
		}
	}
	payload, err := b.Payload()
	return b, payload, withHint(err, "give --party NAME and --to DATE, after --from")
}

var fullFingerprint = regexp.MustCompile(`^(0x)?[0-9A-Fa-f]{40}$`)

// check checks a signature as others do, and gives the key that signed.
func (f *bindFlags) check(signed []byte, want pgp.Binding) (string, error) {
	if !fullFingerprint.MatchString(f.signer) {
		return "", withHint(fmt.Errorf("--keyring checks that one key signed, and --pgp %q names none", f.signer), "give --pgp the whole fingerprint, 40 hex digits")
	}
	data, err := readSmallFile(f.keyring)
	if err != nil {
		return "", err
	}
	fpr := strings.ToUpper(strings.TrimPrefix(f.signer, "0x"))
	ring, err := pgp.ReadKeyring(bytes.NewReader(data), map[string]string{fpr: want.Party})
	if err != nil {
		return "", err
	}
	v := pgp.Verifier{Keyring: ring}
	s, got := v.Binding(f.out, signed)
	if s.State != claim.Verified {
		return "", fmt.Errorf("checking the signed binding: %s: %s", s.State, s.Reason)
	}
	if got.Key != want.Key || got.Party != want.Party || !got.From.Equal(want.From) || !got.To.Equal(want.To) {
		return "", errors.New("checking the signed binding: something else was signed")
	}
	return fpr, nil
}

// writeNewFile writes a file that must not exist.
func writeNewFile(name string, data []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, os.ErrExist) {
		return withHint(err, "name another file; nothing is overwritten")
	}
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}
