package rebuild

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/cyberphone/json-canonicalization/go/src/webpki.org/jsoncanonicalizer"

	"github.com/stagescope/stagescope/chain"
)

// recipe is what is asked of a build, as any party computes it from the tree
// alone. The tree's commit is not part of it, so that an unchanged recipe has
// one digest in every release.
type recipe struct {
	V         int                     `json:"v"`
	Distro    string                  `json:"distro"`
	Package   string                  `json:"package"`
	Platform  string                  `json:"platform"`
	Files     chain.Digest            `json:"files"`
	Target    string                  `json:"target"`
	BuildArgs map[string]string       `json:"buildArgs"`
	Sources   map[string]chain.Digest `json:"sources"`
	Deps      []string                `json:"deps"`
	Exporter  string                  `json:"exporter"`
}

// The file modes of a recipe, as git keeps them.
const (
	gitFile = 0o100644
	gitExec = 0o100755
	gitLink = 0o120000
)

// depPrefix stands before a stage's ID in FROM and COPY --from.
const depPrefix = "stagex/"

// RecipeDigest is R, the digest of the stage's recipe on a platform
// ("os/arch"), with the canonical JSON (RFC 8785) that it is the SHA-256 of.
// A platform that the recipe itself fixes goes before the one given.
func RecipeDigest(c *chain.Chain, s *chain.Stage, platform string) (chain.Digest, []byte, error) {
	files, err := filesDigest(c, s)
	if err != nil {
		return "", nil, fmt.Errorf("computing the recipe digest of %q: %w", s.ID, err)
	}
	r := recipe{
		V: 1, Distro: "stagex", Package: s.ID,
		Platform:  strings.Join(platformsOf(s, platform), ","),
		Files:     files,
		Target:    s.Target,
		BuildArgs: map[string]string{},
		Sources:   map[string]chain.Digest{},
		Deps:      []string{},
		Exporter:  s.Exporter.Era,
	}
	for _, a := range s.BuildArgs {
		r.BuildArgs[a.Name] = a.Value
	}
	for _, src := range s.Sources {
		r.Sources[src.File] = src.Digest
	}
	for _, n := range s.Needs {
		r.Deps = append(r.Deps, depPrefix+n.ID+n.Pin)
	}
	slices.Sort(r.Deps)
	d, data, err := canonical(r)
	if err != nil {
		return "", nil, fmt.Errorf("computing the recipe digest of %q: %w", s.ID, err)
	}
	return d, data, nil
}

// Input is an image that a build really used.
type Input struct {
	ID       string       `json:"id"`
	Index    chain.Digest `json:"index,omitempty"`
	Manifest chain.Digest `json:"manifest"`
	Rootfs   chain.Digest `json:"rootfs"`
	Origin   string       `json:"origin"` // "own", or where a published one was found
}

// InputDigest is I: the digest of a recipe together with the images that its
// dependencies were when it ran. Two builds with equal I and different outputs
// diverge by themselves; with different I the difference may be inherited.
func InputDigest(recipe chain.Digest, inputs []Input) (chain.Digest, error) {
	type used struct {
		Manifest chain.Digest `json:"manifest"`
		Rootfs   chain.Digest `json:"rootfs"`
	}
	doc := struct {
		V      int             `json:"v"`
		Recipe chain.Digest    `json:"recipe"`
		Inputs map[string]used `json:"inputs"`
	}{1, recipe, map[string]used{}}
	for _, in := range inputs {
		if in.Manifest == "" || in.Rootfs == "" {
			return "", fmt.Errorf("computing an input digest: %q has no known digest", in.ID)
		}
		doc.Inputs[depPrefix+in.ID] = used{in.Manifest, in.Rootfs}
	}
	d, _, err := canonical(doc)
	return d, err
}

func canonical(v any) (chain.Digest, []byte, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return "", nil, err
	}
	if data, err = jsoncanonicalizer.Transform(data); err != nil {
		return "", nil, err
	}
	return chain.SHA256(sha256.Sum256(data)), data, nil
}

// filesDigest covers every file of the package's directory except its fetch/,
// whose pinned sources the recipe names. It is the SHA-256 of
//
//	u32 number of files
//	for each, in byte order of the paths: u32 length and bytes of the path,
//	  u32 mode as git keeps it, 32 bytes SHA-256 of the content or link target
//
// with 32-bit little-endian integers.
func filesDigest(c *chain.Chain, s *chain.Stage) (chain.Digest, error) {
	fsys, err := s.ContextFS(c)
	if err != nil {
		return "", err
	}
	type entry struct {
		mode uint32
		sum  chain.Digest
	}
	files := map[string]entry{}
	err = fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && p == fetchDir:
			return fs.SkipDir
		case d.IsDir():
			return nil
		}
		mode, sum, err := fileDigest(fsys, p, d)
		files[p] = entry{mode, sum}
		return err
	})
	if err != nil {
		return "", err
	}
	names := make([]string, 0, len(files))
	for p := range files {
		names = append(names, p)
	}
	slices.Sort(names)
	out := binary.LittleEndian.AppendUint32(nil, uint32(len(names)))
	for _, p := range names {
		out = binary.LittleEndian.AppendUint32(out, uint32(len(p)))
		out = append(out, p...)
		out = binary.LittleEndian.AppendUint32(out, files[p].mode)
		out = append(out, rawDigest(files[p].sum)...)
	}
	return chain.SHA256(sha256.Sum256(out)), nil
}

func fileDigest(fsys fs.FS, p string, d fs.DirEntry) (mode uint32, sum chain.Digest, err error) {
	if d.Type() == fs.ModeSymlink {
		target, err := fs.ReadLink(fsys, p)
		return gitLink, chain.SHA256(sha256.Sum256([]byte(target))), err
	}
	if !d.Type().IsRegular() {
		return 0, "", fmt.Errorf("%s is neither a file, a directory nor a symlink", path.Clean(p))
	}
	info, err := d.Info()
	if err != nil {
		return 0, "", err
	}
	f, err := fsys.Open(p)
	if err != nil {
		return 0, "", err
	}
	defer f.Close()
	mode = gitFile
	if info.Mode()&0o100 != 0 {
		mode = gitExec
	}
	sum, err = chain.HashReader(f)
	return mode, sum, err
}

// rawDigest gives the 32 bytes of a digest that this package computed.
func rawDigest(d chain.Digest) []byte {
	raw, _ := hex.DecodeString(d.Hex())
	return raw
}

// platformsOf gives the platforms that a stage is built for.
func platformsOf(s *chain.Stage, platform string) []string {
	if len(s.Platforms) > 0 {
		return s.Platforms
	}
	if platform == "" {
		platform = "linux/amd64"
	}
	return []string{platform}
}
