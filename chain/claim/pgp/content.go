package pgp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/stagescope/stagescope/chain"
)

const (
	typeArray  = "pgp container image signature"
	typeObject = "atomic container signature"
	maxDepth   = 16
)

// ErrContent is wrapped when signed JSON is not of a form that StageX has used.
var ErrContent = errors.New("signed contents of no known form")

// content is the authenticated statement of a signature.
type content struct {
	form      Form
	reference string
	tag       string
	digest    chain.Digest
}

// parseContent reads the three forms, strictly (containers-signature(5)):
// exactly the known keys, none twice, exact types; the array form alone has
// "optional": null. Call it on authenticated bytes only.
func parseContent(b []byte) (*content, error) {
	v, err := strictJSON(b)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrContent, err)
	}
	c, typ := &content{form: FormObject}, typeObject
	if list, ok := v.([]any); ok {
		if len(list) != 1 {
			return nil, fmt.Errorf("%w: an array of %d", ErrContent, len(list))
		}
		c.form, typ, v = FormArray, typeArray, list[0]
	}
	d := &fields{}
	top := d.object(v, "", "critical", "optional")
	if _, ok := top["optional"].(map[string]any); !ok && d.err == nil && (c.form != FormArray || top["optional"] != nil) {
		d.err = errors.New("optional is no object")
	}
	critical := d.object(top["critical"], "critical", "identity", "image", "type")
	identity := d.object(critical["identity"], "identity", "docker-reference")
	image := d.object(critical["image"], "image", "docker-manifest-digest")
	got := d.text(critical, "type")
	c.reference = d.text(identity, "docker-reference")
	digest := d.text(image, "docker-manifest-digest")
	if d.err == nil && got != typ {
		d.err = fmt.Errorf("type %q, not %q", got, typ)
	}
	if d.err == nil && c.form == FormArray {
		if strings.Contains(digest, ":") {
			d.err = errors.New("the array form has a bare digest")
		}
		digest = "sha256:" + digest
	}
	if d.err == nil && !strings.HasPrefix(digest, "sha256:") {
		d.err = fmt.Errorf("digest %q names no algorithm", digest)
	}
	if d.err == nil {
		c.digest, d.err = chain.ParseDigest(digest)
	}
	if d.err == nil {
		_, c.tag, d.err = splitReference(c.reference)
	}
	if d.err == nil && c.tag != "" {
		if c.form == FormArray {
			d.err = errors.New("the array form has no tag")
		}
		c.form = FormTagged
	}
	if d.err != nil {
		return nil, fmt.Errorf("%w: %w", ErrContent, d.err)
	}
	return c, nil
}

// fields takes objects of exactly known keys apart and keeps the first error.
type fields struct{ err error }

func (d *fields) object(v any, name string, keys ...string) map[string]any {
	m, ok := v.(map[string]any)
	if d.err != nil {
		return nil
	}
	if !ok || len(m) != len(keys) {
		d.err = fmt.Errorf("%q is no object of exactly %q", name, keys)
		return nil
	}
	for _, k := range keys {
		if _, ok := m[k]; !ok {
			d.err = fmt.Errorf("%q has no %q", name, k)
			return nil
		}
	}
	return m
}

func (d *fields) text(m map[string]any, key string) string {
	s, ok := m[key].(string)
	if !ok && d.err == nil {
		d.err = fmt.Errorf("%q is no string", key)
	}
	return s
}

// strictJSON decodes one value; a key given twice, text after the value, bytes
// that are not UTF-8 and deep nesting are errors.
func strictJSON(b []byte) (any, error) {
	if !utf8.Valid(b) {
		return nil, errors.New("decoding JSON: not UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	v, err := strictValue(dec, 0)
	if err != nil {
		return nil, fmt.Errorf("decoding JSON: %w", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errors.New("decoding JSON: something follows the value")
	}
	return v, nil
}

func strictValue(dec *json.Decoder, depth int) (any, error) {
	if depth > maxDepth {
		return nil, errors.New("nested too deeply")
	}
	t, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch t {
	case json.Delim('['):
		list := []any{}
		for dec.More() {
			v, err := strictValue(dec, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err = dec.Token()
		return list, err
	case json.Delim('{'):
		m := map[string]any{}
		for dec.More() {
			t, err := dec.Token()
			if err != nil {
				return nil, err
			}
			k, _ := t.(string)
			if _, twice := m[k]; twice {
				return nil, fmt.Errorf("key %q twice", k)
			}
			if m[k], err = strictValue(dec, depth+1); err != nil {
				return nil, err
			}
		}
		_, err = dec.Token()
		return m, err
	}
	return t, nil
}

// splitReference gives the repository of a reference, normalised as Docker does
// it ("stagex/x" is "docker.io/stagex/x"), and its tag or "".
func splitReference(ref string) (repository, tag string, err error) {
	name := ref
	if i := strings.LastIndexByte(ref, ':'); i > strings.LastIndexByte(ref, '/') {
		name, tag = ref[:i], ref[i+1:]
		if !word(tag, "._-", true) {
			return "", "", fmt.Errorf("tag %q of reference %q", tag, ref)
		}
	}
	parts := strings.Split(name, "/")
	host := "docker.io"
	if h := parts[0]; len(parts) > 1 && (strings.ContainsAny(h, ".:") || h == "localhost") {
		host, parts = h, parts[1:]
		if host == "index.docker.io" {
			host = "docker.io"
		}
		if !word(host, ".:-", false) {
			return "", "", fmt.Errorf("host of reference %q", ref)
		}
	}
	if host == "docker.io" && len(parts) == 1 {
		parts = []string{"library", parts[0]}
	}
	for _, p := range parts {
		if !word(p, "._-", false) {
			return "", "", fmt.Errorf("no reference to an image: %q", ref)
		}
	}
	return host + "/" + strings.Join(parts, "/"), tag, nil
}

// word says whether s begins with a letter or digit and goes on with these or
// one of extra.
func word(s, extra string, upper bool) bool {
	for i := range len(s) {
		b := s[i]
		ok := b >= 'a' && b <= 'z' || b >= '0' && b <= '9' || upper && b >= 'A' && b <= 'Z' || upper && b == '_' ||
			i > 0 && strings.IndexByte(extra, b) >= 0
		if !ok {
			return false
		}
	}
	return s != "" && len(s) <= 255
}
