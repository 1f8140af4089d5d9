package engine

import (
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/plugins/content/local"
	"github.com/containerd/log"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/identity"
	"github.com/tonistiigi/fsutil"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/rebuild"
)

const frontendName = "dockerfile.v0"

// quiet keeps the client's libraries from writing to standard error, which is
// the workbench's screen. What they have to say of a build is in its error.
var quiet = sync.OnceFunc(func() { log.L.Logger.SetOutput(io.Discard) })

// options turns a request into what BuildKit's client wants.
func options(r *rebuild.Request) (client.SolveOpt, error) {
	quiet()
	attrs := map[string]string{"filename": r.Containerfile}
	if r.Target != "" {
		attrs["target"] = r.Target
	}
	if len(r.Platforms) > 0 {
		attrs["platform"] = strings.Join(r.Platforms, ",")
	}
	if r.NoCache {
		attrs["no-cache"] = ""
	}
	for _, a := range r.BuildArgs {
		attrs["build-arg:"+a.Name] = a.Value
	}
	if e := r.Exporter; e.NofileSoft > 0 {
		attrs["ulimit"] = fmt.Sprintf("nofile=%d:%d", e.NofileSoft, e.NofileHard)
	}
	main := contextFS{r.Context}
	so := client.SolveOpt{
		LocalMounts: map[string]fsutil.FS{"context": main, "dockerfile": main},
		OCIStores:   map[string]content.Store{},
		// A builder keeps what it was sent under this key and compares only
		// size, mode and time the next time. With a key of its own no build
		// can be given another's stale file.
		SharedKey: identity.NewID(),
	}
	for i, name := range names(r.Contexts) {
		id := fmt.Sprintf("context%d", i)
		so.LocalMounts[id] = contextFS{r.Contexts[name]}
		attrs["context:"+name] = "local:" + id
	}
	stores := map[string]string{}
	for _, image := range r.Images {
		id, ok := stores[image.Layout]
		if !ok {
			store, err := local.NewStore(image.Layout)
			if err != nil {
				return so, fmt.Errorf("opening the layout of %q: %w", image.Name, err)
			}
			id = fmt.Sprintf("layout%d", len(stores))
			stores[image.Layout] = id
			so.OCIStores[id] = store
		}
		attrs["context:"+image.Name] = fmt.Sprintf("oci-layout://%s@%s", id, image.Digest)
	}
	so.Frontend, so.FrontendAttrs = frontendName, attrs
	so.Exports = []client.ExportEntry{{
		Type: client.ExporterOCI, Attrs: exportAttrs(r.Exporter),
		Output: func(map[string]string) (io.WriteCloser, error) { return keepOpen{r.Output}, nil },
	}}
	return so, nil
}

// exportAttrs are the exporter's attributes for an era's settings.
func exportAttrs(e chain.Exporter) map[string]string {
	attrs := map[string]string{"tar": "true"}
	if e.ImageName != "" {
		attrs["name"] = e.ImageName
	}
	if e.RewriteTimestamp {
		attrs["rewrite-timestamp"] = "true"
	}
	if e.ForceCompression {
		attrs["force-compression"] = "true"
	}
	for _, a := range e.Annotations {
		attrs["annotation."+a.Name] = a.Value
	}
	return attrs
}

// keepOpen lets the exporter close its output without closing the caller's.
type keepOpen struct{ io.Writer }

func (keepOpen) Close() error { return nil }
