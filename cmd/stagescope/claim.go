package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stagescope/stagescope/chain/claim/party"
	"github.com/stagescope/stagescope/chain/claim/publish"
	"github.com/stagescope/stagescope/chain/claim/statement"
	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/chain/store"
	"github.com/stagescope/stagescope/chain/web"
)

func (a *app) claimCmd() *cobra.Command {
	c := &cobra.Command{
		Use:   "claim",
		Short: "Signed claims about rebuilds: keys, push, pull, list",
		Long: `A claim is what somebody who rebuilt a stage signs: from this recipe and these
inputs, on such a machine, this image came out. Claims are published in any
repository of any registry, or in a directory, and found by the recipe, so that
whoever disagrees is found as well.

Claims are in-toto statements with SLSA provenance in sigstore bundles; cosign
verifies them too. Places are REGISTRY/REPOSITORY, or a directory (./DIR, /DIR,
oci:DIR): an OCI layout that can be carried over an air gap.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(a.claimKeyCmd(), a.claimPushCmd(), a.claimPullCmd(), a.claimListCmd())
	return c
}

// placeFlags are the flags by which places are named and reached.
type placeFlags struct {
	names   []string
	caFile  string
	trust   []string
	parties partyFlags
	known   *party.Parties // set by load
}

// load reads the parties file, for places and keys.
func (f *placeFlags) load(a *app) (err error) {
	f.known, err = f.parties.load(a)
	return err
}

// repositories adds the places where parties publish to those that were named:
// when none was, or when the parties file was.
func (f *placeFlags) repositories() {
	if f.known == nil || len(f.names) > 0 && f.parties.file == "" {
		return
	}
	for _, p := range f.known.List {
		f.names = append(f.names, p.Repositories...)
	}
}

// open opens the places in the order given, each once.
func (f *placeFlags) open(a *app) ([]publish.Place, error) {
	transport, err := f.transport()
	if err != nil {
		return nil, err
	}
	var out []publish.Place
	seen := map[string]bool{}
	for _, n := range f.names {
		p, err := publish.Open(n, publish.Options{Offline: a.offline, Transport: transport})
		if err != nil {
			return nil, withHint(err, "a place is REGISTRY/REPOSITORY, or a directory as ./DIR, /DIR or oci:DIR")
		}
		if !seen[p.Name()] {
			seen[p.Name()] = true
			out = append(out, p)
		}
	}
	return out, nil
}

func (f *placeFlags) transport() (http.RoundTripper, error) {
	if f.caFile == "" {
		return nil, nil
	}
	pool, err := web.Authorities(f.caFile)
	if err != nil {
		return nil, withHint(err, "--ca-file takes certificates in PEM, of the authorities to trust beside the system's")
	}
	return web.NewTransport(web.Options{RootCAs: pool}), nil
}

// verifier makes the verifier of all keys that are known.
func (f *placeFlags) verifier() (*statement.Verifier, error) {
	keys := f.known.StatementKeys()
	for _, t := range f.trust {
		party, file, ok := strings.Cut(t, "=")
		if !ok || party == "" {
			return nil, withHint(fmt.Errorf("--trust %q names no party", t), "write --trust NAME=FILE, with a public key in the file")
		}
		data, err := readSmallFile(file)
		if err != nil {
			return nil, err
		}
		pub, err := statement.ParsePublicKey(data)
		if err != nil {
			return nil, withHint(fmt.Errorf("%q: %w", file, err), "stagescope claim key make writes one, as FILE.pub")
		}
		keys = append(keys, statement.Key{Public: pub, Party: party})
	}
	v, err := statement.NewVerifier(keys, nil)
	return v, withHint(err, "a key is one party's; leave out --trust for a key of the parties file")
}

// unreadDocument is an element of "unread" in what claim verbs print.
type unreadDocument struct {
	Origin string `json:"origin"`
	Error  string `json:"error"`
}

func unreadOf(list []publish.Unread) []unreadDocument {
	out := []unreadDocument{}
	for _, u := range list {
		out = append(out, unreadDocument{u.Origin, u.Err.Error()})
	}
	return out
}

// printUnread says what is unknown, and why.
func (a *app) printUnread(list []publish.Unread) {
	for _, u := range list {
		a.sayTo(a.out, "unknown  %s: %v", u.Origin, u.Err)
	}
}

// sayTo prints one line of text that may come from anywhere.
func (a *app) sayTo(w io.Writer, format string, args ...any) {
	fmt.Fprintln(w, safe.Line(fmt.Sprintf(format, args...)))
}

// unreadError is the error of a verb that could not read everything.
func unreadError(list []publish.Unread) error {
	if len(list) == 0 {
		return nil
	}
	err := fmt.Errorf("%d places or entries could not be read, so what they say is unknown; first %s: %w", len(list), list[0].Origin, list[0].Err)
	return placeHint(err)
}

// placeHint says what can be done when a place does not answer.
func placeHint(err error) error {
	var status *publish.StatusError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, publish.ErrOffline):
		return withHint(err, "leave out --offline, or name a directory that was copied")
	case errors.As(err, &status) && (status.Code == http.StatusUnauthorized || status.Code == http.StatusForbidden):
		return withHint(err, "log in with docker login or podman login: their credentials and helpers are used")
	case errors.As(err, &status) && status.Code == http.StatusTooManyRequests:
		return withHint(err, "wait a while, or log in: registries let in more of those whom they know")
	case errors.Is(err, publish.ErrRewound):
		return withHint(err, "ask its party why: claims may have been taken back, or others are shown other ones")
	case strings.Contains(err.Error(), "certificate"):
		return withHint(err, "--ca-file takes the certificates of your own authorities")
	}
	return err
}

// openStoreAsPlace opens the store, also as the place that it is.
func (a *app) openStoreAsPlace() (*store.Store, *publish.Store, error) {
	st, err := a.openStore()
	if err != nil {
		return nil, nil, err
	}
	return st, publish.NewStore(st), nil
}
