package store

import (
	"bytes"
	"os"
	"testing"
)

func FuzzImport(f *testing.F) {
	data, _ := layoutTar(f, "text", nil)
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		s := open(t)
		root, err := s.ImportOCITar(t.Context(), bytes.NewReader(data))
		if err == nil && s.Complete(root) != nil {
			t.Error("an import without an error is not complete")
		}
		if faults, err := s.Verify(t.Context(), nil); err != nil || len(faults) > 0 {
			t.Errorf("after an import: %v, %v", faults, err)
		}
	})
}

func FuzzIndex(f *testing.F) {
	f.Add([]byte(`{"schemaVersion":2,"manifests":[{"digest":"sha256:aa","size":3,"annotations":{"org.opencontainers.image.ref.name":"x"}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s := open(t)
		d := importImage(t, s, "x")
		if err := s.Tag(t.Context(), "kept", d); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(s.indexPath(), data, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Tags(); err != nil {
			t.Error(err)
		}
		if _, err := s.GC(t.Context(), Policy{DryRun: true}); err != nil {
			t.Error(err)
		}
	})
}
