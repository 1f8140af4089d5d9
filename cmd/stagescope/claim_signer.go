package main

import (
	"bytes"
	"context"
	"crypto"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"

	"github.com/stagescope/stagescope/chain/claim/statement"
)

// signer gives what signs claims: a key file, or with a command the public key
// in a file and the program that has the private one.
func (a *app) signer(keyFile, command string) (statement.Signer, error) {
	if keyFile == "" {
		return nil, withHint(errors.New("no key to sign with"), "give --key FILE; stagescope claim key make FILE makes one")
	}
	if command == "" {
		k, err := a.readKey(keyFile)
		if err != nil {
			return nil, err
		}
		return k, nil
	}
	words := strings.Fields(command)
	if len(words) == 0 {
		return nil, withHint(errors.New("--signer names no command"), "leave it out for a key in a file")
	}
	data, err := readSmallFile(keyFile)
	if err != nil {
		return nil, err
	}
	pub, err := statement.ParsePublicKey(data)
	if err != nil {
		return nil, withHint(err, "with --signer, --key takes the public key, FILE.pub")
	}
	return &commandSigner{pub, words, a.err}, nil
}

// commandSigner is a program that signs what it reads from standard input and
// prints the signature, raw or in base64: for keys in tokens and agents. What
// it gives is verified before anyone sees it.
type commandSigner struct {
	pub   crypto.PublicKey
	words []string
	err   io.Writer
}

var _ statement.Signer = (*commandSigner)(nil)

// Public implements statement.Signer.
func (s *commandSigner) Public() crypto.PublicKey { return s.pub }

// Sign implements statement.Signer.
func (s *commandSigner) Sign(ctx context.Context, pae []byte) ([]byte, error) {
	cmd := exec.CommandContext(ctx, s.words[0], s.words[1:]...)
	var out bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(pae), &out, s.err
	if err := cmd.Run(); err != nil {
		return nil, withHint(fmt.Errorf("the signer %q: %w", s.words[0], err), "it gets what is to be signed on standard input, and prints the signature, raw or in base64")
	}
	if raw, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(out.Bytes()))); err == nil {
		return raw, nil
	}
	return out.Bytes(), nil
}
