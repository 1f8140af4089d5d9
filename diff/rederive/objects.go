package rederive

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/image"
)

// idle are the members of a config that say when and how it was built, and
// nothing of what is run.
var idle = []string{"created", "history", "author", "docker_version", "container", "container_config", "id", "parent", "throwaway", "comment", "moby.buildkit.buildinfo.v1", "moby.buildkit.cache.v0"}

const evidenceUndone = "taken out of both, what is left is equal, hashed"

// config compares what the two configs say.
func (p *pairing) config(context.Context) error {
	dx, dy := p.x.ConfigDigest(), p.y.ConfigDigest()
	if dx == dy {
		return nil
	}
	for _, c := range p.configs[1:] {
		if p.a.Tried++; c.digest == dy {
			p.proved("A4", c.text, string(dx), string(dy), "written again so, it has the other's digest", fixBuilder)
			return nil
		}
	}
	a, err := parseFields(p.x.RawConfig(), "config of side A")
	if err != nil {
		return err
	}
	b, err := parseFields(p.y.RawConfig(), "config of side B")
	if err != nil {
		return err
	}
	p.rootfs(a, b)
	var changed []string
	for _, k := range idle {
		if va, vb := take(a, b, k); va != vb {
			changed = append(changed, k)
		}
	}
	if p.labels(a, b) {
		changed = append(changed, "labels")
	}
	if at := equalFields(a, b, ""); at != "" {
		p.a.against("the configs differ in %s", strings.TrimPrefix(at, "/"))
		return nil
	}
	text := "config: " + strings.Join(changed, ", ")
	switch {
	case len(changed) == 0 && p.cut:
		text = "config: the layers that it lists"
	case len(changed) == 0:
		text = "config spelled otherwise"
	}
	p.proved("A4", text, string(dx), string(dy), evidenceUndone, "SOURCE_DATE_EPOCH, and "+fixBuilder)
	return nil
}

// rootfs takes out what two configs say of their layers. The diff IDs were compared
// with these; what else stands there has to be equal.
func (p *pairing) rootfs(a, b fields) {
	ra, errA := a.object("rootfs")
	rb, errB := b.object("rootfs")
	if errA != nil || errB != nil {
		return // the comparison of the rest says that they differ, if they do
	}
	delete(a, "rootfs")
	delete(b, "rootfs")
	take(ra, rb, "diff_ids")
	if at := equalFields(ra, rb, "rootfs"); at != "" {
		p.a.against("the configs differ in %s", at)
	}
}

// labels compares the runtime settings of two configs but for their labels,
// which nothing runs, and reports whether those differ.
func (p *pairing) labels(a, b fields) bool {
	ra, errA := a.object("config")
	rb, errB := b.object("config")
	if errA != nil && len(a["config"]) > 0 || errB != nil && len(b["config"]) > 0 {
		return false // the comparison of the rest says that they differ, if they do
	}
	delete(a, "config")
	delete(b, "config")
	la, lb := take(ra, rb, "Labels")
	if at := equalFields(ra, rb, "config"); at != "" {
		p.a.against("the configs differ in %s, which says what is run", at)
	}
	return la != lb
}

// manifests compares the manifests but for what was explained already.
func (p *pairing) manifests(ctx context.Context) error {
	if p.x.Manifest() == nil || p.y.Manifest() == nil {
		p.proved("A3", "an archive of docker save keeps neither manifest nor compressed layers", "", "", "config and archives inside are equal, hashed", "compare diff IDs")
		return nil
	}
	a, err := parseFields(p.x.RawManifest(), "manifest of side A")
	if err != nil {
		return err
	}
	b, err := parseFields(p.y.RawManifest(), "manifest of side B")
	if err != nil {
		return err
	}
	m := &descriptors{p: p}
	m.mediaType(a, b, "manifest", "manifest")
	p.annotations(a, b, "")
	if err := m.config(a, b); err != nil {
		return err
	}
	if err := m.layers(a, b); err != nil {
		return err
	}
	if at := equalFields(a, b, "manifest"); at != "" {
		p.a.against("the manifests differ in %s", at)
	}
	if m.from != m.to {
		p.proved("A3", fmt.Sprintf("media types %s → %s", m.from, m.to), m.from, m.to, evidenceUndone, fixBuilder)
	}
	if m.stated {
		p.proved("A3", "the platform stated beside the config", "", "", "it is the config's own", fixBuilder)
	}
	return p.spelled(ctx)
}

// annotations takes two objects' annotations out and adds what became of them.
func (p *pairing) annotations(a, b fields, of string) {
	ma, mb := a.annotations(), b.annotations()
	va, vb := take(a, b, "annotations")
	if text := annotationText(ma, mb); text != "" {
		p.proved("A2", of+text, listed(ma), listed(mb), evidenceUndone, fixExporter)
	} else if va != vb && (len(ma)+len(mb) > 0 || !nothing(va) || !nothing(vb)) {
		p.a.against("the annotations of %scannot be read", of)
	}
}

// nothing reports whether a member that holds annotations holds nothing.
func nothing(flat string) bool { return flat == "" || flat == "null" || flat == "{}" }

// descriptors compares the descriptors of two manifests.
type descriptors struct {
	p        *pairing
	from, to string // families
	stated   bool   // one side states the platform beside the config
}

// mediaType takes the media types out when both stand for the same thing.
func (m *descriptors) mediaType(a, b fields, kind, what string) {
	ta, tb := a.text("mediaType"), b.text("mediaType")
	if what == "manifest" {
		m.from, m.to = familyOf(ta).String(), familyOf(tb).String()
	}
	if ta != tb && (mediaTypes[ta] != kind || mediaTypes[tb] != kind) {
		m.p.a.against("the %s is %q on one side and %q on the other", what, ta, tb)
	}
	take(a, b, "mediaType")
}

func (m *descriptors) config(a, b fields) error {
	ca, err := a.object("config")
	if err != nil {
		return err
	}
	cb, err := b.object("config")
	if err != nil {
		return err
	}
	delete(a, "config")
	delete(b, "config")
	take(ca, cb, "digest")
	take(ca, cb, "size")
	m.mediaType(ca, cb, "config", "config")
	m.p.annotations(ca, cb, "config's ")
	m.stated = m.platform(ca, cb)
	if at := equalFields(ca, cb, "config"); at != "" {
		m.p.a.against("the manifests differ in %s", at)
	}
	return nil
}

// platform takes out a platform that only one side states, when it is the
// config's own.
func (m *descriptors) platform(a, b fields) bool {
	if flat(a["platform"]) == flat(b["platform"]) {
		return false
	}
	for _, s := range []struct {
		f  fields
		im *image.Image
	}{{a, m.p.x}, {b, m.p.y}} {
		var stated ocispec.Platform
		if len(s.f["platform"]) == 0 {
			continue
		}
		own := s.im.Config().Platform
		if json.Unmarshal(s.f["platform"], &stated, json.RejectUnknownMembers(true)) != nil || stated.OS != own.OS || stated.Architecture != own.Architecture || stated.Variant != "" && stated.Variant != own.Variant ||
			stated.OSVersion != "" && stated.OSVersion != own.OSVersion || len(stated.OSFeatures) > 0 && !slices.Equal(stated.OSFeatures, own.OSFeatures) {
			return false
		}
	}
	take(a, b, "platform")
	return true
}

func (m *descriptors) layers(a, b fields) error {
	la, err := a.list("layers")
	if err != nil {
		return err
	}
	lb, err := b.list("layers")
	if err != nil {
		return err
	}
	delete(a, "layers")
	delete(b, "layers")
	if len(la) != len(lb) { // the trees were compared; what else a descriptor says was not
		for i, l := range slices.Concat(la, lb) {
			for _, key := range []string{"digest", "size", "mediaType", "annotations"} {
				delete(l, key)
			}
			if at := equalFields(l, fields{}, fmt.Sprintf("layers/%d", i%max(1, len(la)))); at != "" {
				m.p.a.against("the manifests list layers with %s", at)
			}
		}
		return nil
	}
	var seen []string
	for i := range la {
		take(la[i], lb[i], "digest")
		take(la[i], lb[i], "size")
		m.mediaType(la[i], lb[i], "layer", fmt.Sprintf("layer %d", i+1))
		if text := annotationText(la[i].annotations(), lb[i].annotations()); text != "" && !slices.Contains(seen, text) {
			seen = append(seen, text)
			m.p.proved("A2", "layers' "+text, listed(la[i].annotations()), listed(lb[i].annotations()), evidenceUndone, fixExporter)
		}
		if va, vb := take(la[i], lb[i], "annotations"); va != vb && la[i].annotations() == nil && lb[i].annotations() == nil && (!nothing(va) || !nothing(vb)) {
			m.p.a.against("the annotations of layer %d cannot be read", i+1)
		}
		if at := equalFields(la[i], lb[i], fmt.Sprintf("layers/%d", i)); at != "" {
			m.p.a.against("the manifests differ in %s", at)
		}
	}
	return nil
}

// spelled writes x's manifest again with all that was found, which gives y's
// bytes where a known tool wrote them.
func (p *pairing) spelled(ctx context.Context) error {
	if len(p.a.Against) > 0 || p.cut {
		return nil
	}
	c := coating{setting: -1}
	for i, l := range p.y.Layers() {
		e := entry{mediaType: compressionOf(l.Descriptor.MediaType), digest: chain.Digest(l.Descriptor.Digest), size: l.Descriptor.Size,
			annotations: l.Descriptor.Annotations, urls: l.Descriptor.URLs}
		for k, b := range p.made[i] {
			if b.digest == e.digest {
				c.setting = k
			}
		}
		c.layers = append(c.layers, e)
	}
	var own ocispec.Manifest
	if err := json.Unmarshal(p.y.RawManifest(), &own); err != nil {
		return fmt.Errorf("reading the manifest of side B: %w", err)
	}
	want, err := sumOf(p.y.ManifestDigest())
	if err != nil {
		return err
	}
	again := &search{x: p.y, o: p.o, a: &Answer{}, wants: map[[sha256.Size]byte]bool{want: true}, own: own, settings: p.settings,
		configs: []config{{raw: p.y.RawConfig(), digest: p.y.ConfigDigest()}}, eras: []era{{annotations: own.Annotations}}}
	_, err = again.coated(ctx, c)
	p.a.Tried += again.a.Tried
	if err != nil {
		return err
	}
	if again.hit == nil || again.hit.sh.as {
		if len(p.a.Steps) == 0 {
			p.proved("A3", "manifest spelled otherwise", "", "", evidenceUndone, fixBuilder)
		}
		return nil
	}
	p.a.Like = again.likeness(c, again.hit.sh)
	if sh := again.hit.sh; p.respelled(sh) {
		p.proved("A3", "manifest spelled otherwise: "+sh.spelling.String(), "", "", "written again so, it has the other's digest", fixBuilder)
	}
	return nil
}
