package evidence

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/stagescope/stagescope/chain/claim/publish"
)

// How far a release is: each tag is what its bytes hash to, and who has still to
// rebuild what is named.
func TestRelease(t *testing.T) {
	c := twoStages(t)
	a, b, evil := someImage(t, "a"), someImage(t, "b"), someImage(t, "evil")
	good, _ := serve(t, map[string]v1.Image{"core-a:sx2026.03.0": a, "core-a:1": a, "core-a:latest": a,
		"user-b:sx2026.03.0": b, "user-b:1": b, "user-b:latest": b})
	half, _ := serve(t, map[string]v1.Image{"core-a:sx2026.03.0": a, "core-a:1": a, "core-a:latest": evil, "user-b:sx2026.03.0": b})
	p, dir := somePeople(t, "alice", "bob"), t.TempDir()
	p.push(t, dir, "alice", c, "core-a", digestOf(t, a))
	p.push(t, dir, "bob", c, "core-a", digestOf(t, a))
	p.push(t, dir, "alice", c, "user-b", digestOf(t, b))
	p.push(t, dir, "bob", c, "user-b", digestOf(t, evil)) // rebuilt, and something else came out
	check := func(registries ...string) []Released {
		t.Helper()
		o := Options{Parties: p.parties, Places: []publish.Place{publish.NewDirectory(dir)}, Registries: registries}
		list, err := Release(t.Context(), c, judged(t, c, o), o, "2026.03.0")
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	states := func(r *Released) (out []TagState) {
		for _, x := range r.Tags {
			out = append(out, x.State)
		}
		return out
	}

	list := check(good)
	if !list[0].Done() || list[1].Done() || list[1].Wrong() {
		t.Errorf("released: %+v", list)
	}
	if d := cmp.Diff([]string{"bob"}, list[1].Wait); d != "" {
		t.Errorf("who is waited for: %s", d)
	}
	list = check(good, half)
	if d := cmp.Diff([]TagState{TagRight, TagRight, TagRight, TagRight, TagRight, TagOther}, states(&list[0])); d != "" || !list[0].Wrong() {
		t.Error(d)
	}
	if d := cmp.Diff([]TagState{TagRight, TagRight, TagRight, TagRight, TagAbsent, TagAbsent}, states(&list[1])); d != "" {
		t.Error(d)
	}

	o := Options{Offline: true, Registries: []string{"docker.io/stagex"}}
	off, err := Release(t.Context(), c, judged(t, c, o), o, "2026.03.0")
	if err != nil {
		t.Fatal(err)
	}
	if s := off[0].Tags[0]; s.State != TagUnknown || s.Reason == "" || off[0].Done() {
		t.Errorf("offline a tag is %+v", s)
	}
	c.Stages[0].Published = nil
	if s := check(good)[0]; s.Done() || s.Tags[0].State != TagUnknown {
		t.Errorf("without a published digest: %+v", s)
	}
}
