package rederive

import (
	"fmt"
	"maps"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/stagescope/stagescope/chain"
)

// fields are the members of a JSON object, each as it was written. A key that
// stands there twice is an error: which of the two counts depends on the reader.
type fields map[string]jsontext.Value

func parseFields(raw []byte, what string) (fields, error) {
	var f fields
	if err := json.Unmarshal(raw, &f); err != nil {
		return nil, fmt.Errorf("reading the %s: %w", what, err)
	}
	if f == nil {
		return nil, fmt.Errorf("reading the %s: it is null", what)
	}
	return f, nil
}

func (f fields) object(key string) (fields, error) { return parseFields(f[key], key) }

func (f fields) list(key string) ([]fields, error) {
	var out []fields
	if err := json.Unmarshal(f[key], &out); err != nil {
		return nil, fmt.Errorf("reading %s: %w", key, err)
	}
	return out, nil
}

// text is a member that is a string; "" where it is missing or something else.
func (f fields) text(key string) (s string) {
	if json.Unmarshal(f[key], &s) != nil {
		return ""
	}
	return s
}

// flat writes a value the same way whatever its spelling was; numbers keep
// their digits.
func flat(v jsontext.Value) string {
	if len(v) == 0 {
		return ""
	}
	c := v.Clone()
	if err := c.Format(jsontext.ReorderRawObjects(true), jsontext.Multiline(false)); err != nil {
		return string(v)
	}
	return string(c)
}

// equalFields compares what is left of two objects and names the first member
// that differs; "" means that they are equal.
func equalFields(a, b fields, at string) string {
	keys := slices.Collect(maps.Keys(a))
	for k := range b {
		if _, ok := a[k]; !ok {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	for _, k := range keys {
		if flat(a[k]) != flat(b[k]) {
			return at + "/" + k
		}
	}
	return ""
}

// take removes a member from both sides and gives what it was, flat.
func take(a, b fields, key string) (va, vb string) {
	va, vb = flat(a[key]), flat(b[key])
	delete(a, key)
	delete(b, key)
	return va, vb
}

// annotations are an object's, "" for none.
func (f fields) annotations() map[string]string {
	var m map[string]string
	if json.Unmarshal(f["annotations"], &m) != nil {
		return nil
	}
	return m
}

// value is the object as one value.
func (f fields) value() jsontext.Value {
	v, err := json.Marshal(f)
	if err != nil {
		return nil
	}
	return v
}

// mediaTypes are the media types that stand for one thing.
var mediaTypes = map[string]string{
	"": "manifest", dockerManifest: "manifest", "application/vnd.oci.image.manifest.v1+json": "manifest",
	dockerList: "index", "application/vnd.oci.image.index.v1+json": "index",
	dockerConfig: "config", "application/vnd.oci.image.config.v1+json": "config",
	dockerLayer: "layer", dockerLayer + ".gzip": "layer", dockerLayer + ".zstd": "layer",
	ociLayer: "layer", ociLayer + "+gzip": "layer", ociLayer + "+zstd": "layer",
}

// digestOf is a descriptor's digest.
func digestOf(f fields) chain.Digest { return chain.Digest(f.text("digest")) }
