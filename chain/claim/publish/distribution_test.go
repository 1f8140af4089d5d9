package publish

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim"
)

// TestDistribution: the registry that Debian packages, which knows no referrers
// and keeps its blobs on disk.
func TestDistribution(t *testing.T) {
	bin, err := exec.LookPath("docker-registry")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("docker-registry is not installed")
		}
		t.Skip("docker-registry is not installed")
	}
	reg := repository(t, "http://"+runDistribution(t, bin), Options{})
	alice, bob := newParty(t, "alice"), newParty(t, "bob")
	a, b := alice.claim(t, "core-bash", "D"), bob.claim(t, "core-bash", "E")
	b.Files = []File{DataFile("log.txt", "text/plain", []byte("a log"))}
	receipts := put(t, reg, a, b)
	for _, r := range receipts {
		if len(r.Notes) > 0 {
			t.Errorf("notes: %q", r.Notes)
		}
	}
	first, err := AddToBook(t.Context(), reg, "2026.03.0", "", receipts[:1])
	if err != nil {
		t.Fatal(err)
	}
	book, err := AddToBook(t.Context(), reg, "2026.03.0", first.Digest, receipts)
	if err != nil {
		t.Fatal(err)
	}
	if book.Prev != first.Digest || len(book.Entries) != 2 {
		t.Errorf("%+v", book)
	}
	second := again(t, reg)
	if got := find(t, Query{Recipe: recipe("core-bash")}, second); !slices.Equal(bundles(got), digests(a, b)) {
		t.Errorf("by the recipe: %d bundles", len(got))
	}
	got := Claims(verifier(t, alice, bob), find(t, Query{Outputs: outputsOf("E")}, second))
	if len(got) != 1 || got[0].Party != "bob" || got[0].Verification.State != claim.Verified {
		t.Errorf("by the output: %+v", got)
	}
	into := NewStore(emptyStore(t))
	if n, missed := Copy(t.Context(), into, find(t, Query{Recipe: recipe("core-bash")}, second)); len(missed) > 0 || n != 2 {
		t.Errorf("%d copied; %v", n, missed)
	}
	if got := find(t, Query{Recipe: recipe("core-bash")}, into); !slices.Equal(bundles(got), digests(a, b)) {
		t.Errorf("in the second machine's store: %d bundles", len(got))
	}
}

// runDistribution starts it on loopback and gives its address.
func runDistribution(t *testing.T, bin string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close() // it wants to open the port itself
	dir := t.TempDir()
	config := filepath.Join(dir, "config.yml")
	text := fmt.Sprintf("version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\nstorage: {filesystem: {rootdirectory: %q}, delete: {enabled: true}}\nhttp: {addr: %q}\n", filepath.Join(dir, "data"), addr)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, bin, "serve", config)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait() // killed
	})
	for range 400 {
		if resp, err := http.Get("http://" + addr + "/v2/"); err == nil {
			resp.Body.Close()
			return addr
		}
		select {
		case <-time.After(25 * time.Millisecond):
		case <-t.Context().Done():
		}
	}
	t.Fatal("docker-registry does not answer")
	return ""
}

// TestCredentials: those of Docker's and Podman's configuration, and of the
// helpers that it names.
func TestCredentials(t *testing.T) {
	var url string
	reg := serve(t, true, func(next http.Handler) http.Handler {
		return guard{next: next, url: func() string { return url }}
	})
	host := reg.repo.RegistryStr()
	helper := "#!/bin/sh\ncase $(cat) in " + host + "*) printf '{\"Username\":\"alice\",\"Secret\":\"s3cr3t\"}';; esac\n"
	for name, files := range map[string]map[string]string{
		"docker": {".docker/config.json": `{"auths":{"` + host + `":{"auth":"YWxpY2U6czNjcjN0"}}}`},
		"podman": {".config/containers/auth.json": `{"auths":{"` + host + `":{"auth":"YWxpY2U6czNjcjN0"}}}`},
		"helper": {".docker/config.json": `{"credHelpers":{"` + host + `":"test"}}`, "bin/docker-credential-test": helper},
		"none":   {},
	} {
		t.Run(name, func(t *testing.T) {
			home := t.TempDir()
			for k, v := range map[string]string{"HOME": home, "DOCKER_CONFIG": home + "/.docker", "XDG_CONFIG_HOME": "", "XDG_RUNTIME_DIR": "", "REGISTRY_AUTH_FILE": "", "PATH": home + "/bin:" + os.Getenv("PATH")} {
				t.Setenv(k, v)
			}
			for path, text := range files {
				path = filepath.Join(home, path)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			own, err := NewRegistry(reg.Name(), Options{})
			if err != nil {
				t.Fatal(err)
			}
			pub := newParty(t, "alice").claim(t, "core-bash", name)
			_, err = Put(t.Context(), own, pub)
			if (err == nil) != (name != "none") {
				t.Errorf("error = %v", err)
			}
			if _, missed := own.Referrers(t.Context(), chain.Digest(digestOf(name))); (len(missed) == 0) != (name != "none") {
				t.Errorf("unread: %v", missed)
			}
		})
	}
}
