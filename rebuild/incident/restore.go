package incident

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/klauspost/compress/zstd"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/store"
	"github.com/stagescope/stagescope/rebuild"
)

// ErrRecording is wrapped by errors about a recording that cannot be used.
var ErrRecording = errors.New("the recording cannot be used")

// restoredName is written when all of a recording has been taken.
const restoredName = "restored"

// restore makes the builds of a recording, each blob hashed.
func (s *Stager) restore(ctx context.Context) error {
	root, err := s.version()
	if err != nil {
		return err
	}
	done := filepath.Join(root, restoredName)
	if _, err := os.Stat(done); err == nil {
		return nil
	}
	s.say(Event{Text: "taking the recorded builds, and hashing them"})
	if err := os.RemoveAll(filepath.Join(root, buildsDir)); err != nil {
		return err
	}
	z, err := zstd.NewReader(bytes.NewReader(s.Recording), zstd.WithDecoderMaxMemory(maxRecording))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRecording, err)
	}
	defer z.Close()
	rec, blobs, err := readRecording(z)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRecording, err)
	}
	for i := range rec.Trees {
		if err := s.restoreTree(ctx, &rec.Trees[i], blobs); err != nil {
			return fmt.Errorf("taking the recorded tree %s: %w", rec.Trees[i].Tree, err)
		}
	}
	return os.WriteFile(done, nil, 0o644)
}

func readRecording(r io.Reader) (*recording, map[chain.Digest][]byte, error) {
	rec, blobs := &recording{}, map[chain.Digest][]byte{}
	tr := tar.NewReader(io.LimitReader(r, maxRecording))
	for {
		h, err := tr.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, nil, err
		}
		data, err := io.ReadAll(tr)
		if err != nil {
			return nil, nil, err
		}
		if h.Name == recordingName {
			if err := json.Unmarshal(data, rec); err != nil {
				return nil, nil, err
			}
			continue
		}
		d, err := chain.ParseDigest(path.Base(h.Name))
		if err != nil {
			return nil, nil, err
		}
		blobs[d] = data
	}
	if rec.V != form || len(rec.Trees) != len(trees) {
		return nil, nil, fmt.Errorf("it has form %d with %d trees, not %d with %d", rec.V, len(rec.Trees), form, len(trees))
	}
	return rec, blobs, nil
}

// restoreTree writes what was recorded of a tree into a store.
func (s *Stager) restoreTree(ctx context.Context, t *recordedTree, blobs map[chain.Digest][]byte) error {
	root, err := s.version()
	if err != nil {
		return err
	}
	dir := filepath.Join(root, buildsDir, string(t.Tree))
	st, err := store.Open(filepath.Join(dir, "store"))
	if err != nil {
		return err
	}
	read := func(d chain.Digest) ([]byte, error) {
		data, ok := blobs[d]
		if !ok {
			return nil, fmt.Errorf("%w: it lacks %s", ErrRecording, d)
		}
		_, _, err := st.PutBlob(ctx, bytes.NewReader(data), d)
		return data, err
	}
	taken := map[chain.Digest][]byte{}
	for _, name := range slices.Sorted(maps.Keys(t.Tags)) {
		if err := reach(read, t.Tags[name], taken); err != nil {
			return err
		}
		if err := st.Tag(ctx, name, t.Tags[name]); err != nil {
			return err
		}
	}
	for _, r := range t.Results {
		if err := putResult(ctx, st, &r); err != nil {
			return err
		}
	}
	if t.DDC == nil {
		return nil
	}
	data, err := json.Marshal(t.DDC)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, ddcName), data, 0o644)
}

// putResult keeps a result in the form in which rebuilding leaves it.
func putResult(ctx context.Context, st *store.Store, r *recordedResult) error {
	subject, err := st.Describe(r.Result.Digests.Manifest)
	if err != nil {
		return err
	}
	subject.Annotations = nil
	data, err := json.Marshal(r.Result)
	if err != nil {
		return err
	}
	_, err = st.PutArtifact(ctx, store.Artifact{
		Type: rebuild.ResultType, Subject: &subject,
		Annotations: map[string]string{rebuild.AnnotationStage: r.Result.Stage, "dev.stagescope.recorded": "true"},
		Files: []store.ArtifactFile{
			{Name: rebuild.ResultFile, MediaType: rebuild.ResultType, Data: data},
			{Name: rebuild.RecipeFile, MediaType: rebuild.RecipeType, Data: r.Recipe},
		},
	})
	return err
}
