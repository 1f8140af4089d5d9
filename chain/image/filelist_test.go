package image

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagescope/stagescope/chain"
)

func listed() []File {
	d := chain.SHA256([32]byte{1})
	return []File{
		{Type: TypeDir, Mode: 0o755},
		{Path: "bin", Type: TypeDir, Mode: 0o755},
		{Path: "bin/\xff\x1b[31m", Type: TypeRegular, Mode: 0o4755, UID: 1, GID: 1 << 33, Size: 7, Digest: d, HardLink: "bin/\xff\x1b[31m",
			Xattrs: map[string][]byte{"security.capability": {0, 1}, "user.empty": {}}},
		{Path: "bin/sh", Type: TypeSymlink, Mode: 0o777, Link: "\xff"},
		{Path: "null", Type: TypeChar, Mode: 0o666, Major: 1, Minor: 3},
	}
}

func encodeList(t testing.TB, files []File) []byte {
	t.Helper()
	var b bytes.Buffer
	all := func(yield func(*File) bool) {
		for i := range files {
			if !yield(&files[i]) {
				return
			}
		}
	}
	if err := WriteFileList(&b, all); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestFileList: a list that was read gives the tree root of the files that were
// written.
func TestFileList(t *testing.T) {
	data := encodeList(t, listed())
	got, err := ReadFileList(bytes.NewReader(data), 10)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(listed(), got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	want, err := TreeOf(listed())
	if err != nil {
		t.Fatal(err)
	}
	if root, err := TreeOf(got); err != nil || root.Digest != want.Digest {
		t.Errorf("root %v, %v; want %s", root, err, want.Digest)
	}
	if none, err := ReadFileList(bytes.NewReader([]byte(fileListMagic)), 10); err != nil || len(none) != 0 {
		t.Errorf("an empty list: %v %v", none, err)
	}
	ends := []int{len(fileListMagic)}
	for i := range listed() {
		ends = append(ends, len(encodeList(t, listed()[:i+1])))
	}
	for n := range data {
		if _, err := ReadFileList(bytes.NewReader(data[:n]), 10); (err == nil) != slices.Contains(ends, n) {
			t.Errorf("cut after %d bytes: %v", n, err)
		}
	}
}

// TestAttackHugeFileList: a list of more files than wanted is not read on.
func TestAttackHugeFileList(t *testing.T) {
	var l *LimitError
	if _, err := ReadFileList(bytes.NewReader(encodeList(t, listed())), 4); !errors.As(err, &l) {
		t.Errorf("error = %v", err)
	}
	huge := append([]byte(fileListMagic), 0xff, 0xff, 0xff, 0x7f) // a path of 2 GiB
	if _, err := ReadFileList(bytes.NewReader(huge), 4); !errors.Is(err, ErrFileList) {
		t.Errorf("error = %v", err)
	}
}

func FuzzFileList(f *testing.F) {
	f.Add(encodeList(f, listed()))
	f.Add([]byte(fileListMagic))
	f.Fuzz(func(t *testing.T, data []byte) {
		files, err := ReadFileList(bytes.NewReader(data), 1000)
		if err != nil {
			return
		}
		again, err := ReadFileList(bytes.NewReader(encodeList(t, files)), 1000)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(files, again); d != "" {
			t.Error(d)
		}
	})
}
