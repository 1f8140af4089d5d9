package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/rogpeppe/go-internal/testscript"
)

// makePGPKey makes a key for fakegpg: pgpkey NAME, whose fingerprint is then in
// $NAME and whose private key in the file NAME.
func makePGPKey(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: pgpkey NAME")
	}
	e, err := openpgp.NewEntity(args[0], "", args[0]+"@example.org", nil)
	ts.Check(err)
	f, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Check(e.SerializePrivate(f, nil))
	ts.Check(f.Close())
	ts.Setenv(args[0], fmt.Sprintf("%X", e.PrimaryKey.Fingerprint))
}

// fakeGPG is gpg as far as claims need it: "fakegpg KEYFILE --export FPR" and
// "fakegpg KEYFILE --sign …". With FAKEGPG=cleartext it signs in another form,
// with FAKEGPG=refuse not at all, and after every signature it counts one in the
// file KEYFILE.count.
func fakeGPG() {
	key, args := os.Args[1], os.Args[2:]
	f, err := os.Open(key)
	check(err)
	ring, err := openpgp.ReadKeyRing(f)
	check(err)
	if slices.Contains(args, "--export") {
		check(ring[0].Serialize(os.Stdout))
		return
	}
	if os.Getenv("FAKEGPG") == "refuse" {
		fmt.Fprintln(os.Stderr, "fakegpg: \x1b[31mno card")
		os.Exit(2)
	}
	text, err := io.ReadAll(os.Stdin)
	check(err)
	if os.Getenv("FAKEGPG") == "cleartext" {
		check(openpgp.ArmoredDetachSign(os.Stdout, ring[0], strings.NewReader(string(text)), nil))
		return
	}
	w, err := openpgp.Sign(os.Stdout, ring[0], nil, nil)
	check(err)
	_, err = w.Write(text)
	check(err)
	check(w.Close())
	count, err := os.OpenFile(key+".count", os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	check(err)
	fmt.Fprintln(count, "signed")
	check(count.Close())
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "fakegpg:", err)
		os.Exit(2)
	}
}
