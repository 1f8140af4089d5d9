package store

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/stagescope/stagescope/chain"
)

// age makes an image look as if it was used so long ago.
func age(t *testing.T, s *Store, d ocispec.Descriptor, by time.Duration) {
	t.Helper()
	at := time.Now().Add(-by)
	err := s.walk(d, func(c ocispec.Descriptor) bool {
		if err := os.Chtimes(s.BlobPath(chain.Digest(c.Digest)), at, at); err != nil {
			t.Fatal(err)
		}
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestGC(t *testing.T) {
	s := open(t)
	ctx := t.Context()
	matching := func(text string) ocispec.Descriptor {
		d := importImage(t, s, text)
		d.Annotations = map[string]string{AnnotationMatches: "digests/core.txt"}
		return d
	}
	old, fresh, evidence := matching(strings.Repeat("old", 1000)), matching(strings.Repeat("new", 1000)), importImage(t, s, strings.Repeat("bad", 1000))
	for name, d := range map[string]ocispec.Descriptor{"stage/old": old, "stage/new": fresh, "stage/evidence": evidence} {
		if err := s.Tag(ctx, name, d); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.PutArtifact(ctx, Artifact{Type: "test/log", Subject: &old, Files: []ArtifactFile{{Data: []byte("log of old")}}}); err != nil {
		t.Fatal(err)
	}
	stray, _, err := s.PutBlob(ctx, strings.NewReader("nothing leads here"), "")
	if err != nil {
		t.Fatal(err)
	}
	age(t, s, old, 48*time.Hour)
	age(t, s, fresh, 2*time.Hour)
	age(t, s, evidence, 72*time.Hour)

	dry, err := s.GC(ctx, Policy{DryRun: true})
	if err != nil || dry.Blobs != 1 || !s.Has(stray) {
		t.Fatalf("dry run = %+v, %v", dry, err)
	}
	if freed, err := s.GC(ctx, Policy{MinAge: time.Hour}); err != nil || freed.Blobs != 0 || !s.Has(stray) {
		t.Fatalf("young blobs: %+v, %v", freed, err)
	}
	if freed, err := s.GC(ctx, Policy{}); err != nil || freed.Blobs != 1 || s.Has(stray) {
		t.Fatalf("plain gc = %+v, %v", freed, err)
	}
	freed, err := s.GC(ctx, Policy{MaxBytes: 9000})
	if err != nil || !slices.Contains(freed.Roots, "stage/old") || slices.Contains(freed.Roots, "stage/new") {
		t.Fatalf("bounded gc = %+v, %v", freed, err)
	}
	if logs, _ := s.Artifacts("test/log", ""); len(logs) != 0 {
		t.Error("the log of an image that is gone is still there")
	}
	freed, err = s.GC(ctx, Policy{MaxBytes: 1})
	if err != nil || slices.Contains(freed.Roots, "stage/evidence") || !slices.Contains(freed.Blocked, "stage/evidence") || freed.Over == 0 {
		t.Fatalf("gc to nothing = %+v, %v", freed, err)
	}
	if err := s.Complete(evidence); err != nil {
		t.Errorf("evidence: %v", err)
	}
	if _, err := s.GC(ctx, Policy{Remove: []string{"stage/absent"}}); !errors.Is(err, ErrNotFound) {
		t.Errorf("removing what is not there: %v", err)
	}
	if freed, err := s.GC(ctx, Policy{Remove: []string{"stage/evidence"}, MinAge: time.Hour, Sweep: true}); err != nil || s.Complete(evidence) == nil {
		t.Errorf("removal by name = %+v, %v", freed, err)
	}
}

func TestVerify(t *testing.T) {
	s := open(t)
	ctx := t.Context()
	img := importImage(t, s, "layer text")
	if err := s.Tag(ctx, "stage/core-a", img); err != nil {
		t.Fatal(err)
	}
	var last VerifyProgress
	faults, err := s.Verify(ctx, func(p VerifyProgress) { last = p })
	if err != nil || len(faults) != 0 || last.Blobs != last.TotalBlobs || last.Bytes != last.TotalBytes || last.Blobs == 0 {
		t.Fatalf("a good store: %v, %v, %+v", faults, err, last)
	}

	layer := digestOf([]byte("layer text"))
	if err := os.WriteFile(s.BlobPath(layer), []byte("layer tex_"), 0o644); err != nil {
		t.Fatal(err)
	}
	faults, err = s.Verify(ctx, nil)
	if err != nil || len(faults) != 1 || faults[0].Digest != layer || faults[0].Found != digestOf([]byte("layer tex_")) || !slices.Contains(faults[0].Affected, "stage/core-a") {
		t.Fatalf("a damaged blob: %+v, %v", faults, err)
	}
	if kept, _ := os.ReadFile(faults[0].Kept); string(kept) != "layer tex_" {
		t.Errorf("kept %q", kept)
	}
	if s.Has(layer) || s.Complete(img) == nil {
		t.Error("the damaged blob still counts as there")
	}
	faults, err = s.Verify(ctx, nil)
	if err != nil || len(faults) != 1 || faults[0].Digest != layer || !strings.Contains(faults[0].Text, "missing") {
		t.Errorf("a missing blob: %+v, %v", faults, err)
	}
	importImage(t, s, "layer text") // rebuilt
	if faults, err := s.Verify(ctx, nil); err != nil || len(faults) != 0 {
		t.Errorf("after the rebuild: %+v, %v", faults, err)
	}

	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := s.Verify(cancelled, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// A record that is damaged cannot be made again: it is named by its digest, by
// which it can be let go, and then the store is whole.
func TestDamagedArtifactCanBeRemoved(t *testing.T) {
	s := open(t)
	ctx := t.Context()
	a, err := s.PutArtifact(ctx, Artifact{Type: "test/log", Files: []ArtifactFile{{Name: "log.txt", MediaType: "text/plain", Data: []byte("it was built\n")}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.BlobPath(digestOf([]byte("it was built\n"))), []byte("it was not\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	faults, err := s.Verify(ctx, nil)
	if want := "test/log " + string(a.Digest); err != nil || len(faults) != 1 || !slices.Contains(faults[0].Affected, want) {
		t.Fatalf("faults = %+v, %v; want one of %q", faults, err, want)
	}
	if _, err := s.GC(ctx, Policy{Remove: []string{string(a.Digest)}, Sweep: true}); err != nil {
		t.Fatal(err)
	}
	if faults, err := s.Verify(ctx, nil); err != nil || len(faults) != 0 {
		t.Errorf("after it was removed: %+v, %v", faults, err)
	}
}

func TestDamagedManifestIsNotRead(t *testing.T) {
	s := open(t)
	ctx := t.Context()
	a, err := s.PutArtifact(ctx, Artifact{Type: "test/log"})
	if err != nil {
		t.Fatal(err)
	}
	path := s.BlobPath(chain.Digest(a.Digest))
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(data, ' '), 0o644); err != nil {
		t.Fatal(err)
	}
	again, err := Open(s.Dir())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := again.Artifact(chain.Digest(a.Digest)); err == nil {
		t.Error("a damaged manifest was read")
	}
	if all, err := again.Artifacts("", ""); err != nil || len(all) != 0 {
		t.Errorf("listed: %v, %v", all, err)
	}
}

func TestEngineStateRemoved(t *testing.T) {
	s := open(t)
	if err := os.MkdirAll(s.EngineDir()+"/snapshots/1", 0o755); err != nil {
		t.Fatal(err)
	}
	asked := ""
	if err := s.RemoveEngineState(func(dir string) error { asked = dir; return nil }); err != nil || asked != s.EngineDir() {
		t.Errorf("asked to remove %q, %v", asked, err)
	}
	if left, err := os.ReadDir(s.EngineDir()); err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	if err := s.RemoveEngineState(func(string) error { return errors.New("held by 7") }); err == nil || !strings.Contains(err.Error(), "held by 7") {
		t.Errorf("error = %v", err)
	}
}
