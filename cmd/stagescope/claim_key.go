package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim/statement"
)

// keyDocument is what "claim key make|import|show --json" prints.
type keyDocument struct {
	File        string       `json:"file"`
	Type        string       `json:"type"`
	Fingerprint chain.Digest `json:"fingerprint"` // SHA-256 of the DER SubjectPublicKeyInfo
	Private     bool         `json:"private"`     // whether the file holds the private key
	Encrypted   bool         `json:"encrypted"`   // whether a passphrase guards it
	Public      string       `json:"public"`      // PEM
}

func (a *app) claimKeyCmd() *cobra.Command {
	c := &cobra.Command{
		Use:   "key",
		Short: "Make, import and show claim keys; bind a PGP key to one",
		Long: `Claims are signed with Ed25519 or ECDSA P-256 keys. A private key lies in a file
of mode 0600, in the form that cosign reads and writes, perhaps with a
passphrase; one that others can read is refused. Keys in tokens and agents sign
through an external program: claim push --signer.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(a.claimKeyMakeCmd(), a.claimKeyImportCmd(), a.claimKeyShowCmd(), a.claimKeyBindCmd())
	return c
}

func (a *app) claimKeyMakeCmd() *cobra.Command {
	var typ string
	var encrypt bool
	c := &cobra.Command{
		Use:   "make FILE",
		Short: "Make a key: FILE, and FILE.pub to give away",
		Long: `Make writes a new private key to FILE, with mode 0600, and its public key to
FILE.pub. Neither may exist. With --encrypt a passphrase guards the key; it is
asked for on the terminal, or taken from $STAGESCOPE_PASSPHRASE.`,
		Example: `  stagescope claim key make ~/.config/stagescope/claims.key --encrypt
  stagescope claim key make ci.key --type ecdsa-p256`,
		Args: oneArg("FILE"),
		RunE: func(_ *cobra.Command, args []string) error {
			k, err := statement.Generate(statement.KeyType(typ))
			if err != nil {
				return withHint(err, "--type is %s or %s", statement.Ed25519, statement.ECDSAP256)
			}
			return a.writeKey(args[0], k, encrypt)
		},
	}
	c.Flags().StringVar(&typ, "type", string(statement.Ed25519), "ed25519 or ecdsa-p256")
	c.Flags().BoolVar(&encrypt, "encrypt", false, "guard it with a passphrase")
	return c
}

func (a *app) claimKeyImportCmd() *cobra.Command {
	var encrypt bool
	c := &cobra.Command{
		Use:   "import KEY FILE",
		Short: "Take over a key of cosign's, or in PKCS #8, into FILE",
		Long: `Import reads the private key KEY (PKCS #8 in PEM, or what "cosign
generate-key-pair" wrote) and writes it to FILE, with mode 0600, and its public
key to FILE.pub. Neither may exist.`,
		Example: `  stagescope claim key import cosign.key claims.key --encrypt`,
		Args:    cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			k, err := a.readKey(args[0])
			if err != nil {
				return err
			}
			return a.writeKey(args[1], k, encrypt)
		},
	}
	c.Flags().BoolVar(&encrypt, "encrypt", false, "guard it with a passphrase")
	return c
}

func (a *app) claimKeyShowCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "show FILE",
		Short: "The type and fingerprint of a key, private or public",
		Long: `Show prints what others need of a key: its type, its fingerprint and the public
key. FILE is a private or a public key.

--json prints one object: file, type, fingerprint, private, encrypted, public.`,
		Example: `  stagescope claim key show claims.key.pub`,
		Args:    oneArg("FILE"),
		RunE: func(_ *cobra.Command, args []string) error {
			data, err := readSmallFile(args[0])
			if err != nil {
				return err
			}
			if pub, err := statement.ParsePublicKey(data); err == nil {
				return a.showKey(keyDocument{File: args[0]}, pub)
			}
			k, err := a.readKey(args[0])
			if err != nil {
				return err
			}
			return a.showKey(keyDocument{File: args[0], Private: true, Encrypted: encrypted(data)}, k.Public())
		},
	}
}

func oneArg(name string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return withHint(fmt.Errorf("it takes one argument, not %d", len(args)), "name one %s", name)
		}
		return nil
	}
}

func encrypted(pem []byte) bool {
	_, err := statement.ParsePrivateKey(pem, nil)
	return errors.Is(err, statement.ErrPassphrase)
}

func (a *app) writeKey(file string, k *statement.PrivateKey, encrypt bool) error {
	var passphrase []byte
	if encrypt {
		var err error
		if passphrase, err = a.newPassphrase(); err != nil {
			return err
		}
	}
	err := statement.WriteKeyFile(file, k, passphrase)
	if errors.Is(err, os.ErrExist) {
		return withHint(err, "a key is never overwritten: name another file")
	}
	if err != nil {
		return err
	}
	return a.showKey(keyDocument{File: file, Private: true, Encrypted: encrypt}, k.Public())
}

func (a *app) showKey(d keyDocument, pub any) error {
	var err error
	if d.Fingerprint, err = statement.Fingerprint(pub); err != nil {
		return err
	}
	pem, err := statement.MarshalPublicKey(pub)
	if err != nil {
		return err
	}
	d.Public, d.Type = string(pem), cmp.Or(string(statement.TypeOf(pub)), "of another type, which signs no claims")
	if a.json {
		return a.printJSON(d)
	}
	kind := "public key"
	if d.Private {
		kind = "private key, and its public key beside it"
		if d.Encrypted {
			kind = "encrypted " + kind
		}
	}
	a.sayTo(a.out, "%s: %s, %s", d.File, d.Type, kind)
	fmt.Fprintf(a.out, "fingerprint %s\n%s", d.Fingerprint, d.Public)
	return nil
}

// readKey reads a private key, and asks for its passphrase when it has one.
func (a *app) readKey(file string) (*statement.PrivateKey, error) {
	k, err := statement.ReadKeyFile(file, func() ([]byte, error) { return a.passphrase("passphrase of " + file + ": ") })
	switch {
	case errors.Is(err, statement.ErrKeyMode):
		return nil, withHint(err, "chmod 600 %s, and think who may have read it", file)
	case errors.Is(err, fs.ErrNotExist):
		return nil, withHint(err, "stagescope claim key make %s makes one", file)
	case errors.Is(err, statement.ErrKey):
		return nil, withHint(err, "claims are signed with Ed25519 or ECDSA P-256, in PKCS #8 or as cosign writes them")
	}
	return k, err
}

// passphraseVariable is where a passphrase is looked for before a person is asked.
const passphraseVariable = "STAGESCOPE_PASSPHRASE"

func (a *app) passphrase(prompt string) ([]byte, error) {
	if p, ok := os.LookupEnv(passphraseVariable); ok {
		return []byte(p), nil
	}
	f, ok := a.in.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil, withHint(errors.New("a passphrase is wanted, and there is no terminal to ask on"), "set %s", passphraseVariable)
	}
	a.sayTo(a.err, "%s", prompt)
	return term.ReadPassword(int(f.Fd()))
}

func (a *app) newPassphrase() ([]byte, error) {
	p, err := a.passphrase("new passphrase: ")
	if err != nil {
		return nil, err
	}
	if len(p) == 0 {
		return nil, withHint(errors.New("the passphrase is empty"), "leave out --encrypt for a key without one")
	}
	if _, given := os.LookupEnv(passphraseVariable); given {
		return p, nil
	}
	again, err := a.passphrase("once more: ")
	if err == nil && string(again) != string(p) {
		err = errors.New("the two passphrases differ")
	}
	return p, err
}

// maxSmallFile bounds keys and other small files that a user names, in bytes.
const maxSmallFile = 1 << 20

func readSmallFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSmallFile+1))
	if err != nil {
		return nil, fmt.Errorf("reading %q: %w", name, err)
	}
	if len(data) > maxSmallFile {
		return nil, fmt.Errorf("reading %q: it has more than %d bytes", name, maxSmallFile)
	}
	return data, nil
}
