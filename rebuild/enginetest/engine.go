package enginetest

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/rebuild"
)

// Engine is a fake engine. Its fields are read at each build and must not be
// changed meanwhile; the zero value behaves well.
type Engine struct {
	Address string        // "" means "fake"
	Delay   time.Duration // of each build

	// Salt changes the image of a build; nil or "" leave it as it is. N counts
	// the builds of that stage on this engine from 1.
	Salt func(stage string, n int) string
	// Fail makes a build fail; nil means that none does.
	Fail func(stage string, n int) error
	// Down makes the engine unreachable from that moment on.
	Down func() bool

	mu     sync.Mutex
	builds map[string]int
	order  []string
}

var _ rebuild.Engine = (*Engine)(nil)

// errDown is the error of an engine that is not there.
var errDown = errors.New("dial unix /fake.sock: connection refused")

// Builds says how often a stage was built here.
func (e *Engine) Builds(stage string) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.builds[stage]
}

// Order lists the stages in the order in which their builds began.
func (e *Engine) Order() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.order)
}

func (e *Engine) begin(stage string) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.builds == nil {
		e.builds = map[string]int{}
	}
	e.builds[stage]++
	e.order = append(e.order, stage)
	return e.builds[stage]
}

func (e *Engine) down() bool { return e.Down != nil && e.Down() }

// Describe describes the engine.
func (e *Engine) Describe(context.Context) (rebuild.EngineInfo, error) {
	info := rebuild.EngineInfo{Address: e.Address, BuildKit: "v0.0.0-fake", Snapshotter: "none", Platforms: []string{"linux/amd64"}}
	if info.Address == "" {
		info.Address = "fake"
	}
	if e.down() {
		return info, errDown
	}
	return info, nil
}

// Close does nothing.
func (e *Engine) Close() error { return nil }

// Build writes an image whose only layer holds a hash over recipe, context and
// inputs.
func (e *Engine) Build(ctx context.Context, r *rebuild.Request, p rebuild.Progress) (*rebuild.Built, error) {
	began, n := time.Now(), e.begin(r.Stage)
	if e.down() {
		return nil, errDown
	}
	for i, s := range r.Steps {
		event := rebuild.Event{Vertex: fmt.Sprint("step", i), Name: s.Name, Step: i, Time: time.Now()}
		p(event)
		event.Kind, event.Stream, event.Data = rebuild.EventLog, 1, []byte("running "+s.Name+"\n")
		p(event)
		event.Kind, event.Data = rebuild.EventDone, nil
		p(event)
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(e.Delay):
	}
	if e.Fail != nil {
		if err := e.Fail(r.Stage, n); err != nil {
			return nil, err
		}
	}
	if e.down() {
		return nil, errDown
	}
	text, err := content(r)
	if err != nil {
		return nil, err
	}
	if e.Salt != nil {
		text += e.Salt(r.Stage, n)
	}
	data, index := Image(r.Stage, text)
	if _, err := r.Output.Write(data); err != nil {
		return nil, fmt.Errorf("exporting: %w", err)
	}
	info, _ := e.Describe(ctx)
	return &rebuild.Built{Index: index, Engine: info, Started: began, Finished: time.Now()}, nil
}

// content sums up all that reaches an image.
func content(r *rebuild.Request) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s %v %v %+v\n", r.Stage, r.Containerfile, r.Target, r.Platforms, r.BuildArgs, r.Variation)
	for _, in := range r.Images {
		fmt.Fprintf(&b, "%s %s\n", in.Name, in.Digest)
	}
	trees := map[string]fs.FS{"context": r.Context}
	maps.Copy(trees, r.Contexts)
	for _, name := range slices.Sorted(maps.Keys(trees)) {
		err := fs.WalkDir(trees[name], ".", func(p string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			f, err := trees[name].Open(p)
			if err != nil {
				return err
			}
			defer f.Close()
			sum, err := chain.HashReader(f)
			fmt.Fprintf(&b, "%s/%s %s\n", name, p, sum)
			return err
		})
		if err != nil {
			return "", err
		}
	}
	return b.String(), nil
}

// Image makes an OCI layout in a tar archive: an index, a manifest, a config
// and a layer with one file that holds text. It gives the index's digest too.
func Image(title, text string) ([]byte, chain.Digest) {
	var layer bytes.Buffer
	w := tar.NewWriter(&layer)
	must(w.WriteHeader(&tar.Header{Name: "content", Mode: 0o644, Size: int64(len(text)), ModTime: time.Unix(1, 0)}))
	_, err := io.WriteString(w, text)
	must(err)
	must(w.Close())

	var out bytes.Buffer
	archive := tar.NewWriter(&out)
	put := func(mediaType string, data []byte) ocispec.Descriptor {
		d := chain.SHA256(sha256.Sum256(data))
		file(archive, "blobs/sha256/"+d.Hex(), data)
		return ocispec.Descriptor{MediaType: mediaType, Digest: digest.Digest(d), Size: int64(len(data))}
	}
	putJSON := func(mediaType string, v any) ocispec.Descriptor {
		data, err := json.Marshal(v)
		must(err)
		return put(mediaType, data)
	}
	two := specs.Versioned{SchemaVersion: 2}
	blob := put(ocispec.MediaTypeImageLayer, layer.Bytes())
	platform := ocispec.Platform{OS: "linux", Architecture: "amd64"}
	config := putJSON(ocispec.MediaTypeImageConfig, ocispec.Image{Platform: platform, RootFS: ocispec.RootFS{Type: "layers", DiffIDs: []digest.Digest{blob.Digest}}})
	manifest := putJSON(ocispec.MediaTypeImageManifest, ocispec.Manifest{Versioned: two, MediaType: ocispec.MediaTypeImageManifest,
		Config: config, Layers: []ocispec.Descriptor{blob}, Annotations: map[string]string{ocispec.AnnotationTitle: title}})
	manifest.Platform = &platform
	index := putJSON(ocispec.MediaTypeImageIndex, ocispec.Index{Versioned: two, MediaType: ocispec.MediaTypeImageIndex, Manifests: []ocispec.Descriptor{manifest}})
	top, err := json.Marshal(ocispec.Index{Versioned: two, Manifests: []ocispec.Descriptor{index}})
	must(err)
	file(archive, ocispec.ImageIndexFile, top)
	file(archive, ocispec.ImageLayoutFile, []byte(`{"imageLayoutVersion":"1.0.0"}`))
	must(archive.Close())
	return out.Bytes(), chain.Digest(index.Digest)
}

func file(w *tar.Writer, name string, data []byte) {
	must(w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(data))}))
	_, err := w.Write(data)
	must(err)
}

// must is for writes to memory, which cannot fail.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
