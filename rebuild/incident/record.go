package incident

import (
	"archive/tar"
	"context"
	_ "embed" // the recording
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/incident"
	"github.com/stagescope/stagescope/rebuild"
	"github.com/stagescope/stagescope/rebuild/ddc"
)

// embeddedRecording is what Record wrote when this version was made.
//
//go:embed recording.tar.zst
var embeddedRecording []byte

// Recording is the recording that is in the program.
func Recording() []byte { return embeddedRecording }

// trees are those that incidents build, those first that others need.
var trees = []incident.Tree{incident.Honest, incident.Thompson, incident.Next, incident.Zoo, incident.Opaque, incident.Source}

// recording is the first entry of a recording; the blobs follow.
type recording struct {
	V     int            `json:"v"`
	Trees []recordedTree `json:"trees"`
}

type recordedTree struct {
	Tree    incident.Tree                 `json:"tree"`
	Results []recordedResult              `json:"results"` // the oldest first
	Tags    map[string]ocispec.Descriptor `json:"tags"`
	DDC     *ddc.Result                   `json:"ddc,omitempty"`
}

type recordedResult struct {
	Result *rebuild.Result `json:"result"`
	Recipe []byte          `json:"recipe"`
}

const (
	recordingName = "recording.json"
	ddcName       = "ddc.json"
	maxRecording  = 64 << 20 // bytes of all that a recording holds, unpacked
)

// Record stages every incident and writes the builds behind them: all that is
// needed to stage them where nothing can be built. Of the machine that built
// nothing is written.
func (s *Stager) Record(ctx context.Context, out io.Writer) error {
	for _, i := range incident.All() {
		if _, err := s.Prepare(ctx, i.Name); err != nil {
			return err
		}
	}
	rec := recording{V: form}
	blobs := map[chain.Digest][]byte{}
	for _, t := range trees {
		b, err := s.build(ctx, t)
		if err != nil {
			return fmt.Errorf("recording: %w", err)
		}
		r, err := b.record(blobs)
		if err != nil {
			return fmt.Errorf("recording the tree %s: %w", t, err)
		}
		rec.Trees = append(rec.Trees, *r)
	}
	data, err := json.Marshal(rec)
	if err != nil {
		return fmt.Errorf("recording: %w", err)
	}
	z, err := zstd.NewWriter(out, zstd.WithEncoderLevel(zstd.SpeedBestCompression))
	if err != nil {
		return err
	}
	w := tar.NewWriter(z)
	put := func(name string, data []byte) {
		h := tar.Header{Name: name, Mode: 0o644, Size: int64(len(data)), ModTime: time.Unix(1, 0), Format: tar.FormatUSTAR}
		err = errors.Join(err, w.WriteHeader(&h))
		_, werr := w.Write(data)
		err = errors.Join(err, werr)
	}
	put(recordingName, data)
	for _, d := range slices.Sorted(maps.Keys(blobs)) {
		put("blobs/sha256/"+d.Hex(), blobs[d])
	}
	return errors.Join(err, w.Close(), z.Close())
}

// record takes the results and images of a build.
func (b *build) record(blobs map[chain.Digest][]byte) (*recordedTree, error) {
	out := &recordedTree{Tree: b.tree, Tags: map[string]ocispec.Descriptor{}}
	keep := map[digest.Digest]bool{}
	for _, s := range b.chain.Stages {
		all, err := b.results(s.ID)
		if err != nil {
			return nil, err
		}
		slices.Reverse(all)
		for _, r := range all {
			recipe, err := r.RecipeJSON(b.store)
			if err != nil {
				return nil, err
			}
			keep[r.Output.Digest] = true
			out.Results = append(out.Results, recordedResult{plain(r), recipe})
		}
	}
	if data, err := os.ReadFile(filepath.Join(b.dir, ddcName)); err == nil {
		out.DDC = &ddc.Result{}
		if err := json.Unmarshal(data, out.DDC); err != nil {
			return nil, err
		}
		keep[digest.Digest(out.DDC.Image)] = true
	}
	tags, err := b.store.Tags()
	if err != nil {
		return nil, err
	}
	for name, d := range tags {
		if !keep[d.Digest] {
			continue
		}
		out.Tags[name] = ocispec.Descriptor{MediaType: d.MediaType, Digest: d.Digest, Size: d.Size}
		if err := reach(func(d chain.Digest) ([]byte, error) { return b.store.ReadBlob(d, maxFile) }, d, blobs); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// plain is a result without what tells of the machine, and without its log.
func plain(r *rebuild.Result) *rebuild.Result {
	p := *r
	p.Environment = rebuild.Environment{Engine: rebuild.EngineInfo{Address: r.Environment.Engine.Address, BuildKit: r.Environment.Engine.BuildKit, Executor: r.Environment.Engine.Executor}}
	p.Log, p.LogLines, p.Notes, p.Steps = "", 0, nil, nil
	p.Started, p.Finished = r.Started.Truncate(time.Second), r.Finished.Truncate(time.Second)
	return &p
}

// reach takes a blob and all that it leads to.
func reach(read func(chain.Digest) ([]byte, error), d ocispec.Descriptor, into map[chain.Digest][]byte) error {
	key := chain.Digest(d.Digest)
	if into[key] != nil {
		return nil
	}
	data, err := read(key)
	if err != nil {
		return err
	}
	into[key] = data
	if d.MediaType != ocispec.MediaTypeImageIndex && d.MediaType != ocispec.MediaTypeImageManifest {
		return nil
	}
	var m struct {
		Manifests []ocispec.Descriptor `json:"manifests"`
		Config    *ocispec.Descriptor  `json:"config"`
		Layers    []ocispec.Descriptor `json:"layers"`
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return err
	}
	all := slices.Concat(m.Manifests, m.Layers)
	if m.Config != nil {
		all = append(all, *m.Config)
	}
	for _, c := range all {
		if err := reach(read, c, into); err != nil {
			return err
		}
	}
	return nil
}
