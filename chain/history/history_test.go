package history

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagescope/stagescope/chain"
)

// work is a git work tree that a test fills.
type work struct {
	t   *testing.T
	dir string
	n   int
}

func newWork(t *testing.T) *work {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("git is not installed")
		}
		t.Skip("git is not installed, so that no repository can be made")
	}
	w := &work{t: t, dir: t.TempDir()}
	w.git("init", "-q", "-b", "main")
	return w
}

func (w *work) git(args ...string) string {
	w.t.Helper()
	c := exec.Command("git", args...)
	c.Dir = w.dir
	at := fmt.Sprintf("2025-01-%02dT00:00:00Z", w.n+1)
	c.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@b", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@b",
		"GIT_AUTHOR_DATE="+at, "GIT_COMMITTER_DATE="+at)
	out, err := c.CombinedOutput()
	if err != nil {
		w.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// release commits files and tags them; a file whose text is "" goes away.
func (w *work) release(name string, annotated bool, files map[string]string) {
	w.t.Helper()
	for p, text := range files {
		full := filepath.Join(w.dir, filepath.FromSlash(p))
		if text == "" {
			os.RemoveAll(full)
			continue
		}
		if err := errors.Join(os.MkdirAll(filepath.Dir(full), 0o755), os.WriteFile(full, []byte(text), 0o644)); err != nil {
			w.t.Fatal(err)
		}
	}
	w.git("add", "-A")
	w.git("commit", "-q", "--allow-empty", "-m", name)
	if annotated {
		w.git("tag", "-a", "-m", name, name)
	} else {
		w.git("tag", name)
	}
	w.n++
}

func hexOf(c string) string { return strings.Repeat(c, 64) }

func digestOf(c string) chain.Digest { return chain.Digest("sha256:" + hexOf(c)) }

func packageOf(version string) string {
	return fmt.Sprintf("[package]\nname = %q\nversion = %q\n", "ssl", version)
}

// stagexHistory makes five releases: a flat one, then four with tiers, the last but one
// of another level.
func stagexHistory(t *testing.T) *work {
	w := newWork(t)
	w.release("2024.09.0", true, map[string]string{"digests.txt": hexOf("1") + " ssl\n", "packages/ssl/Containerfile": "FROM scratch\nENV VERSION=3.0\n"})
	w.git("branch", "2024.09.0") // a branch of a release's name, which is another commit soon
	index := "index['manifests'][0]\n"
	w.release("2025.03.0", true, map[string]string{"digests.txt": "", "packages/ssl": "", "digests/core.txt": hexOf("2") + " core-ssl\n" + "what is this\n",
		"packages/core/ssl/package.toml": packageOf("3.1"), "packages/core/ssl/Containerfile": "FROM scratch\n",
		"src/targets.py": "--build-arg SOURCE_DATE_EPOCH --provenance=false distribution.source\n", "src/digests.py": index})
	w.release("2025.10.0", false, map[string]string{"digests/core.txt": hexOf("3") + " core-ssl\n" + hexOf("9") + " core-old\n", "src/digests.py": index + index, "packages/core/ssl/package.toml": packageOf("3.2")})
	w.release("2026.01.0", true, map[string]string{"digests/core.txt": hexOf("3") + " core-ssl\n"})
	w.release("2026.03.0", true, map[string]string{"digests/core.txt": hexOf("4") + " core-ssl\n", "packages/core/ssl/package.toml": packageOf("3.3")})
	w.release("unrelated", false, map[string]string{"digests": "", "README": "it publishes nothing"})
	return w
}

// memory is a cache.
type memory map[string][]byte

func (m memory) Cache(kind string, key chain.Digest) ([]byte, bool) {
	v, ok := m[kind+string(key)]
	return v, ok
}

func (m memory) PutCache(kind string, key chain.Digest, data []byte) error {
	m[kind+string(key)] = data
	return nil
}

func load(t *testing.T, dir string, c Cache) *History {
	t.Helper()
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	h, err := r.Load(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestFind(t *testing.T) {
	h := load(t, stagexHistory(t).dir, nil)
	if len(h.Releases) != 5 || len(h.Problems) != 1 || !strings.Contains(h.Problems[0], "digests/core.txt:2") {
		t.Fatalf("%d releases, problems %q", len(h.Releases), h.Problems)
	}
	for digit, want := range map[string]struct {
		sentence string
		level    chain.Level
	}{
		"1": {"ssl 3.0 of 2024.09.0, superseded 3 times", chain.LevelUnknown},
		"2": {"core-ssl 3.1 of 2025.03.0, superseded twice", chain.LevelIndex},
		"3": {"core-ssl 3.2 of 2025.10.0 to 2026.01.0, superseded once", chain.LevelManifest},
		"4": {"core-ssl 3.3 of 2026.03.0, the newest", chain.LevelManifest},
		"9": {"core-old of 2025.10.0, published no more since 2026.01.0", chain.LevelManifest},
	} {
		hits := h.Find(digestOf(digit))
		if len(hits) != 1 || hits[0].Sentence() != want.sentence || hits[0].Level != want.level {
			t.Errorf("%s: %+v", digit, hits)
		}
	}
	if hits := h.Find(digestOf("a")); len(hits) != 0 {
		t.Errorf("%+v", hits)
	}
	if got := h.Searched(); got != "5 releases, 2024.09.0 to 2026.03.0, 5 digests" {
		t.Error(got)
	}
}

// TestForms reads the same history from every form in which git keeps one.
func TestForms(t *testing.T) {
	w := stagexHistory(t)
	want := load(t, w.dir, nil)
	forms := map[string]string{"its own directory": filepath.Join(w.dir, ".git")}
	side := filepath.Join(t.TempDir(), "side")
	w.git("worktree", "add", "-q", side, "2025.03.0")
	forms["linked worktree"] = side
	for name, args := range map[string][]string{"bare": {"--bare"}, "clone": nil, "alternates": {"--shared"}} {
		dir := filepath.Join(t.TempDir(), "clone")
		w.git(append(append([]string{"clone", "-q"}, args...), w.dir, dir)...)
		forms[name] = dir
	}
	w.git("gc", "-q", "--aggressive", "--prune=now")
	w.git("pack-refs", "--all")
	forms["packed"] = w.dir
	for name, dir := range forms {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(want, load(t, dir, nil)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCache(t *testing.T) {
	w := stagexHistory(t)
	c := memory{}
	first := load(t, w.dir, c)
	second := load(t, w.dir, c)
	if first.Read != 5 || second.Read != 0 {
		t.Errorf("read %d, then %d", first.Read, second.Read)
	}
	second.Read = first.Read
	if diff := cmp.Diff(first, second); diff != "" {
		t.Error(diff)
	}
	w.git("tag", "-f", "2026.03.0", "2025.10.0") // a tag that was moved is read by its commit
	moved := load(t, w.dir, c)
	if hits := moved.Find(digestOf("4")); len(hits) != 0 || moved.Read != 0 {
		t.Errorf("%+v, read %d", hits, moved.Read)
	}
}

func TestNoRepository(t *testing.T) {
	dir := t.TempDir()
	pointing := filepath.Join(t.TempDir(), "w")
	lost := filepath.Join(t.TempDir(), "l")
	os.Mkdir(pointing, 0o755)
	os.Mkdir(lost, 0o755)
	os.WriteFile(filepath.Join(pointing, ".git"), []byte("what"), 0o644)
	os.WriteFile(filepath.Join(lost, ".git"), []byte("gitdir: ../nowhere\n"), 0o644)
	for _, d := range []string{dir, pointing, lost, filepath.Join(dir, "none")} {
		if _, err := Open(d); !errors.Is(err, ErrNoRepository) {
			t.Errorf("%s: %v", d, err)
		}
	}
}

// TestDamaged holds that a tag which cannot be read is said, and the others are
// still found.
func TestDamaged(t *testing.T) {
	w := stagexHistory(t)
	commit := w.git("rev-parse", "2025.10.0^{tree}:digests")
	name := filepath.Join(w.dir, ".git", "objects", commit[:2], commit[2:])
	if err := os.Chmod(name, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte("not an object"), 0o644); err != nil {
		t.Fatal(err)
	}
	h := load(t, w.dir, nil)
	if len(h.Problems) < 2 || len(h.Find(digestOf("4"))) != 1 {
		t.Errorf("%d releases, problems %q", len(h.Releases), h.Problems)
	}
}
