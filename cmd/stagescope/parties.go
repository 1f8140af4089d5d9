package main

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/stagescope/stagescope/chain/claim/party"
	"github.com/stagescope/stagescope/chain/claim/pgp"
)

// partyFlags are the flags that say whose claims are known.
type partyFlags struct {
	file     string
	keyrings []string
}

func (f *partyFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.file, "parties", "", "`FILE` of who makes claims, with which keys, published where (default: parties.toml in stagescope's configuration directory, if it is there)")
	c.Flags().StringArrayVar(&f.keyrings, "keyring", nil, "`FILE` of public PGP keys, beside those that the parties file names (repeatable)")
}

// load reads the parties file, and checks the bindings of keys in it with the
// keyrings. Without a file there are no parties: nil.
func (f *partyFlags) load(a *app) (*party.Parties, error) {
	file := f.file
	if file == "" {
		dir, err := os.UserConfigDir()
		if err != nil {
			return nil, nil // no home: nobody is known, and what nobody signed is unverified
		}
		file = filepath.Join(dir, "stagescope", "parties.toml")
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
	}
	p, err := party.Load(file, time.Now())
	if err != nil {
		return nil, withHint(err, "--parties takes a TOML file of parties with their keys")
	}
	ring, err := f.ring(p)
	if err != nil {
		return nil, err
	}
	found := append(p.Findings, p.Bind(&pgp.Verifier{Keyring: ring})...)
	for _, x := range found {
		a.sayTo(a.err, "%s: %s:%d: %s", x.Severity, x.File, x.Line, x.Text)
	}
	return p, nil
}

// keyring reads all keyrings as one, also where no parties are known: then every
// key is nobody's.
func (f *partyFlags) keyring(p *party.Parties) (*pgp.Keyring, error) {
	if p == nil {
		p = &party.Parties{}
	}
	return f.ring(p)
}

// ring reads all keyrings as one; nil when there is none.
func (f *partyFlags) ring(p *party.Parties) (*pgp.Keyring, error) {
	var all []byte
	for _, name := range append(p.Keyrings[:len(p.Keyrings):len(p.Keyrings)], f.keyrings...) {
		data, err := readSmallFile(name)
		if err != nil {
			return nil, withHint(err, "--keyring takes public PGP keys, as gpg --export writes them")
		}
		all = append(all, data...)
	}
	if all == nil {
		return nil, nil
	}
	k, err := pgp.ReadKeyring(bytes.NewReader(all), p.Persons())
	return k, withHint(err, "--keyring takes public PGP keys, as gpg --export writes them")
}
