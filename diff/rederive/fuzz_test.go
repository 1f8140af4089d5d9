package rederive

import (
	"encoding/json"
	"testing"

	"github.com/stagescope/stagescope/chain"
)

// FuzzFields holds that objects are compared whatever they say, and that equal
// bytes are never called different, nor the other way round once flat.
func FuzzFields(f *testing.F) {
	f.Add([]byte(`{"a":1,"annotations":{"k":"v"}}`), []byte(`{"annotations":{"k":"w"},"a":1.0}`))
	f.Add([]byte(`{"a":1,"a":2}`), []byte(`null`))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		fa, errA := parseFields(a, "a")
		fb, errB := parseFields(b, "b")
		if errA != nil || errB != nil {
			return
		}
		_ = annotationText(fa.annotations(), fb.annotations())
		if again, _ := parseFields(a, "a"); equalFields(fa, again, "") != "" {
			t.Fatalf("%q differs from itself", a)
		}
		var va, vb any
		if equalFields(fa, fb, "") == "" && json.Unmarshal(a, &va) == nil && json.Unmarshal(b, &vb) == nil {
			pa, _ := json.Marshal(va)
			pb, _ := json.Marshal(vb)
			if string(pa) != string(pb) {
				t.Fatalf("%q is taken for %q", a, b)
			}
		}
	})
}

// FuzzSpelling holds the fast writer to what encoding/json writes.
func FuzzSpelling(f *testing.F) {
	f.Add("plain", "sha256:00", int64(1))
	f.Add("<&>\u2028\"\\", "\xff", int64(-1))
	f.Fuzz(func(t *testing.T, k, v string, n int64) {
		m := manifest{family: familyOCI, annotations: map[string]string{k: v},
			config: entry{mediaType: v, digest: chain.Digest(k), size: n}, layers: []entry{{mediaType: k, annotations: map[string]string{v: k}, urls: []string{k}}, {}}}
		raw := spelling{}.write(m.object(orderOCI))
		if !json.Valid(raw) {
			t.Fatalf("%q is no JSON", raw)
		}
		var back struct {
			Annotations map[string]string `json:"annotations"`
		}
		if err := json.Unmarshal(raw, &back); err != nil {
			t.Fatal(err)
		}
		for _, indent := range []string{"  ", "   ", "\t"} {
			want, err := json.MarshalIndent(json.RawMessage(raw), "", indent)
			if err != nil {
				t.Fatal(err)
			}
			if got := (spelling{indent: indent}).write(m.object(orderOCI)); string(got) != string(want) {
				t.Fatalf("got %q, want %q", got, want)
			}
		}
	})
}
