package rederive

import (
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/image"
	"github.com/stagescope/stagescope/diff"
)

// indexes compares the indexes around the manifests, from the innermost out.
func (p *pairing) indexes() error {
	ix, iy := p.x.Indexes(), p.y.Indexes()
	const fix = "compare at the manifest"
	why := "the object inside is the same"
	if !p.same {
		why = "the object inside is explained"
	}
	for _, o := range slices.Concat(ix[:max(0, len(ix)-len(iy))], iy[:max(0, len(iy)-len(ix))]) {
		if err := oneReading(o.Raw); err != nil {
			return err
		}
	}
	switch {
	case len(ix) > len(iy):
		p.proved("A1", "the index around it dropped", string(ix[0].Digest()), "", why, fix)
	case len(ix) < len(iy):
		p.proved("A1", "an index put around it", "", string(iy[0].Digest()), why, fix)
		others := slices.DeleteFunc(p.y.Others(), attested)
		if n := len(others); n > 0 {
			p.notLooked(fmt.Sprintf("it lists %d other images, which nobody looked at", n))
		}
	}
	for k := 1; k <= min(len(ix), len(iy)); k++ {
		a, b := ix[len(ix)-k], iy[len(iy)-k]
		if a.Digest() == b.Digest() {
			continue
		}
		if err := p.index(k, a, b); err != nil {
			return err
		}
	}
	return nil
}

// oneReading gives an error when readers of an index may find other images in it: a
// key comes twice, or in capitals.
func oneReading(raw []byte) error {
	f, err := parseFields(raw, "index")
	if err != nil {
		return err
	}
	for k := range f {
		if k != "manifests" && strings.EqualFold(k, "manifests") {
			return fmt.Errorf("reading the index: it has %q", k)
		}
	}
	return nil
}

// index compares two indexes that lead to the same or an explained object.
func (p *pairing) index(k int, oa, ob *image.Object) error {
	a, err := parseFields(oa.Raw, "index of side A")
	if err != nil {
		return err
	}
	b, err := parseFields(ob.Raw, "index of side B")
	if err != nil {
		return err
	}
	before := len(p.a.Steps)
	ta, tb := a.text("mediaType"), b.text("mediaType")
	if da, db := ta == dockerList, tb == dockerList; da != db || (ta == "") != (tb == "") {
		p.proved("A3", fmt.Sprintf("media type of the index %s → %s", listType(ta), listType(tb)), ta, tb, evidenceUndone, fixBuilder)
	}
	take(a, b, "mediaType")
	for _, t := range []string{ta, tb} {
		if t != "" && mediaTypes[t] != "index" {
			p.a.against("the index is %q", t)
		}
	}
	p.annotations(a, b, "index's ")
	ea, err := a.list("manifests")
	if err != nil {
		return err
	}
	eb, err := b.list("manifests")
	if err != nil {
		return err
	}
	delete(a, "manifests")
	delete(b, "manifests")
	p.entries(k, ea, eb)
	if at := equalFields(a, b, "index"); at != "" {
		p.a.against("the indexes differ in %s", at)
	}
	if p.same && len(p.a.Steps) == before && len(p.a.Against) == 0 {
		p.proved("A3", "index spelled otherwise", "", "", evidenceUndone, fixBuilder)
	}
	return nil
}

func listType(t string) string {
	switch t {
	case dockerList:
		return "Docker"
	case "":
		return "unnamed"
	}
	return "OCI"
}

// entries compares what two indexes list: the image's own entry, attestations,
// and what is for others.
func (p *pairing) entries(k int, ea, eb []fields) {
	inside := func(im *image.Image) chain.Digest {
		if all := im.Indexes(); k > 1 {
			return all[len(all)-k+1].Digest()
		}
		return im.ManifestDigest()
	}
	ownA, attestA, otherA := split(ea, inside(p.x))
	ownB, attestB, otherB := split(eb, inside(p.y))
	if ownA != nil && ownB != nil {
		ta, tb := ownA.text("mediaType"), ownB.text("mediaType")
		if ta != tb && (ta == "" || tb == "" || mediaTypes[ta] == "" || mediaTypes[ta] != mediaTypes[tb]) {
			p.a.against("the image's entry in the index is %q on one side and %q on the other", ta, tb)
		}
		for _, key := range []string{"digest", "size", "mediaType"} {
			take(ownA, ownB, key)
		}
		p.annotations(ownA, ownB, "entry's ")
		m := &descriptors{p: p}
		if m.platform(ownA, ownB) {
			p.proved("A3", "the platform stated in the index", "", "", "it is the config's own", fixBuilder)
		}
		if at := equalFields(ownA, ownB, "manifests"); at != "" {
			p.a.against("the indexes differ in %s of the image's entry", at)
		}
	}
	if ownA == nil || ownB == nil {
		p.a.against("an index does not list what was read from it")
	}
	const fix = "compare at the manifest"
	if text := listChange(attestA, attestB); text != "" {
		p.proved("A6", "attestations in the index "+text, "", "", "the entries of the image itself are equal", "--provenance=false --sbom=false, or "+fix)
	}
	if text := listChange(otherA, otherB); text != "" {
		p.proved("A1", "other images in the index "+text, "", "", "the entries of the image itself are equal", fix)
		if len(otherB) > 0 {
			p.notLooked("nobody looked at the other images")
		}
	}
	p.order(ea, eb)
}

// order says that entries which both indexes have come in another order, which may
// decide what is taken where several are for one platform.
func (p *pairing) order(ea, eb []fields) {
	listed := func(es, in []fields) (out []chain.Digest) {
		has := map[chain.Digest]bool{}
		for _, e := range in {
			has[digestOf(e)] = true
		}
		for _, e := range es {
			if d := digestOf(e); has[d] {
				out = append(out, d)
			}
		}
		return out
	}
	if !slices.Equal(listed(ea, eb), listed(eb, ea)) {
		p.proved("A1", "entries of the index in another order", "", "", "the entries of both are equal", "compare at the manifest")
		p.notLooked("the first that is for a platform is taken, and nobody looked at the others")
	}
}

// notLooked takes the proof back from the last step: tools that copy one image
// drop the others of an index, but none puts others in.
func (p *pairing) notLooked(why string) {
	s := &p.a.Steps[len(p.a.Steps)-1]
	s.Confidence = diff.Likely
	s.Evidence += "; " + why
}

// split sorts an index's entries: the one that leads on, attestations, others.
func split(es []fields, own chain.Digest) (one fields, attestations, others []string) {
	for _, e := range es {
		var d ocispec.Descriptor
		_ = json.Unmarshal(e.value(), &d)
		switch {
		case digestOf(e) == own && one == nil:
			one = e
		case attested(d):
			attestations = append(attestations, flat(e.value()))
		default:
			others = append(others, flat(e.value()))
		}
	}
	return one, attestations, others
}

// listChange says how two lists differ; "" when they do not.
func listChange(a, b []string) string {
	slices.Sort(a)
	slices.Sort(b)
	switch {
	case slices.Equal(a, b):
		return ""
	case len(b) == 0:
		return "dropped"
	case len(a) == 0:
		return "added"
	}
	return fmt.Sprintf("changed (%d → %d)", len(a), len(b))
}
