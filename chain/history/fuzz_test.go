package history

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzObjects reads a repository whose tag, commit and tree hold any bytes.
func FuzzObjects(f *testing.F) {
	tag, commit, tree, blob := strings.Repeat("1", 40), strings.Repeat("2", 40), strings.Repeat("3", 40), strings.Repeat("4", 40)
	f.Add([]byte("object "+commit+"\ntype commit\ntag x\ntagger a <a@b> 1 +0000\n\nx\n"),
		[]byte("tree "+tree+"\nauthor a <a@b> 1 +0000\ncommitter a <a@b> 1 +0000\n\nx\n"),
		append([]byte("100644 digests.txt\x00"), bytes.Repeat([]byte{0x44}, 20)...), []byte(hexOf("a")+" ssl\n"))
	f.Add([]byte("object "+tag+"\ntype tag\n"), []byte("tree \n"), []byte("40000 digests\x00"), []byte{0})
	f.Fuzz(func(t *testing.T, tagBytes, commitBytes, treeBytes, blobBytes []byte) {
		dir := t.TempDir()
		put := func(hash, kind string, data []byte) {
			var b bytes.Buffer
			w := zlib.NewWriter(&b)
			fmt.Fprintf(w, "%s %d\x00%s", kind, len(data), data)
			name := filepath.Join(dir, "objects", hash[:2], hash[2:])
			if err := errors.Join(w.Close(), os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, b.Bytes(), 0o644)); err != nil {
				t.Fatal(err)
			}
		}
		put(tag, "tag", tagBytes)
		put(commit, "commit", commitBytes)
		put(tree, "tree", treeBytes)
		put(blob, "blob", blobBytes)
		err := errors.Join(os.MkdirAll(filepath.Join(dir, "refs", "tags"), 0o755), os.WriteFile(filepath.Join(dir, "HEAD"), []byte("ref: refs/heads/main\n"), 0o644))
		for name, h := range map[string]string{"a": tag, "b": commit, "c": tree} {
			err = errors.Join(err, os.WriteFile(filepath.Join(dir, "refs", "tags", name), []byte(h+"\n"), 0o644))
		}
		if err != nil {
			t.Fatal(err)
		}
		r, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		h, err := r.Load(t.Context(), nil)
		if err == nil {
			h.Find(digestOf("a"))
		}
	})
}
