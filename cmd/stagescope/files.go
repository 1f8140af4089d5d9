package main

import (
	"archive/tar"
	"bufio"
	"context"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/image"
	"github.com/stagescope/stagescope/chain/safe"
)

const referenceHelp = `An IMAGE is one of
  registry/name[:tag][@sha256:…]   an image in a registry
  oci:DIR_OR_TAR[:tag]             an OCI layout, such as StageX's out/ID
  docker-archive:FILE[:tag]        what docker save writes
  dir:DIR                          what skopeo copy writes to dir:DIR
  stage:ID, trial:ID/N             what the store holds of a stage, or one trial
  claim:PARTY/ID                   what a party claims that the stage is
  sha256:…                         an index or manifest in the store
  PATH                             a layout, archive or directory of these, recognised by content`

const filesHelp = `Files lists the entries of every layer of an image in the order of the
archive: mode, owner, size, time, path and where links lead. Every byte is
hashed while it is read; bytes that are not those of the manifest are an error.

--flat lists the effective file system instead: all layers applied, whiteouts
included. --hash adds the SHA-256 of every file, and with --flat the tree root,
one digest over all files (modification times left out).

--list writes the effective file system to a file as claim push publishes it: every
property but the times, and the SHA-256 of every file, in about 100 bytes each. Who
has such a list can compare an image with it (stagescope diff IMAGE FILE), and knows in
which files they differ without a byte of their contents.

A PATTERN is a path, a shell pattern of a path or of a base name, or a
directory, for all that is in it.

` + referenceHelp + `

--json prints one object: image, platform, index, manifest, config, rootfs,
notes, and layers (number, digest, diffId, mediaType, size, compression,
entries) or, with --flat, files, tree and problems. An entry or file has path, type, mode
(a number), uid, gid, size, modTime, layer, and where they apply link,
hardLink, major, minor, xattrs (base64), digest; an entry also kind and, where
the archive spells the path differently, name.`

// fileList is the document that "files --json" prints.
type fileList struct {
	Image    string       `json:"image"`
	Platform string       `json:"platform"`
	Index    chain.Digest `json:"index,omitempty"`    // "" when there is none
	Manifest chain.Digest `json:"manifest,omitempty"` // "" for an old docker archive
	Config   chain.Digest `json:"config"`
	Rootfs   chain.Digest `json:"rootfs"`
	Layers   []fileLayer  `json:"layers,omitempty"`
	Files    []image.File `json:"files,omitempty"` // with --flat
	Tree     chain.Digest `json:"tree,omitempty"`  // with --flat --hash
	Notes    []string     `json:"notes"`
	Problems []string     `json:"problems,omitempty"` // entries that could not be applied, with --flat
}

type fileLayer struct {
	Number      int               `json:"number"`           // from the lowest, 1-based
	Digest      chain.Digest      `json:"digest,omitempty"` // of the blob; "" where nothing states it
	DiffID      chain.Digest      `json:"diffId"`
	MediaType   string            `json:"mediaType"`
	Size        int64             `json:"size"` // of the blob
	Compression image.Compression `json:"compression"`
	Entries     []fileEntry       `json:"entries"`
}

// fileEntry is an entry of a layer as the archive has it.
type fileEntry struct {
	image.File
	Kind string `json:"kind"`           // the file's type, "hard link" or "whiteout"
	Raw  string `json:"name,omitempty"` // as the archive spells it, where that differs from path
}

func (a *app) filesCmd() *cobra.Command {
	f := filesFlags{}
	c := &cobra.Command{
		Use:   "files IMAGE [PATTERN…]",
		Short: "List what is in an image, layer by layer",
		Long:  filesHelp,
		Example: `  stagescope files stage:core-profile
  stagescope files out/core-bash --layer 1 '*.so'
  stagescope files docker.io/library/busybox:latest --flat etc
  stagescope files image.tar --flat --hash --json
  stagescope files image.tar --list image.files`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			img, err := a.openImage(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			defer img.Close()
			f.patterns = args[1:]
			for _, p := range f.patterns {
				if _, err := path.Match(p, ""); err != nil {
					return fmt.Errorf("pattern %q: %w", p, err)
				}
			}
			if f.layer < 0 || f.layer > len(img.Layers()) {
				return fmt.Errorf("there is no layer %d: %q has %d", f.layer, args[0], len(img.Layers()))
			}
			if f.flat && f.layer > 0 {
				return withHint(fmt.Errorf("--flat and --layer exclude each other"), "--flat applies all layers")
			}
			if f.list != "" {
				return a.writeList(cmd.Context(), img, f)
			}
			return a.files(cmd.Context(), img, f)
		},
	}
	c.Flags().IntVar(&f.layer, "layer", 0, "only layer `N`, counted from 1 at the bottom")
	c.Flags().BoolVar(&f.flat, "flat", false, "the effective file system, all layers applied")
	c.Flags().BoolVar(&f.hash, "hash", false, "add the SHA-256 of every file")
	c.Flags().StringVar(&f.list, "list", "", "write the list of all files to `FILE`, to compare other images with")
	return c
}

type filesFlags struct {
	layer      int
	flat, hash bool
	list       string
	patterns   []string
}

func (f filesFlags) match(p string) bool {
	if len(f.patterns) == 0 {
		return true
	}
	for _, pattern := range f.patterns {
		pattern = strings.Trim(pattern, "/")
		whole, _ := path.Match(pattern, p)
		last, _ := path.Match(pattern, path.Base(p))
		if whole || last || strings.HasPrefix(p, pattern+"/") || pattern == "" {
			return true
		}
	}
	return false
}

func (a *app) files(ctx context.Context, img *image.Image, f filesFlags) error {
	doc := &fileList{
		Image: img.Ref().Text, Platform: img.Platform(), Index: img.IndexDigest(), Manifest: img.ManifestDigest(),
		Config: img.ConfigDigest(), Rootfs: img.Rootfs(), Notes: nonNil(img.Notes()),
	}
	w := bufio.NewWriter(a.out)
	if !a.json {
		printImage(w, img)
	}
	var err error
	if f.flat {
		err = a.filesFlat(ctx, w, img, doc, f)
	} else {
		err = a.filesLayers(ctx, w, img, doc, f)
	}
	if a.json && err == nil {
		return a.printJSON(doc)
	}
	if flushErr := w.Flush(); err == nil {
		err = flushErr
	}
	return err
}

func printImage(w io.Writer, img *image.Image) {
	fmt.Fprintf(w, "image     %s (%s)\n", safe.Text(img.Ref().Text), safe.Text(img.Platform()))
	for _, i := range img.Indexes() {
		fmt.Fprintf(w, "index     %s\n", i.Digest())
	}
	if d := img.ManifestDigest(); d != "" {
		fmt.Fprintf(w, "manifest  %s\n", d)
	}
	fmt.Fprintf(w, "config    %s\nrootfs    %s\n", img.ConfigDigest(), img.Rootfs())
	for _, d := range img.Attestations() {
		fmt.Fprintf(w, "attested  %s\n", d.Digest)
	}
	for _, n := range img.Notes() {
		fmt.Fprintf(w, "note      %s\n", safe.Text(n))
	}
}

func (a *app) filesLayers(ctx context.Context, w io.Writer, img *image.Image, doc *fileList, f filesFlags) error {
	for _, l := range img.Layers() {
		if f.layer > 0 && l.Number != f.layer {
			continue
		}
		compression, err := l.Compression(ctx)
		if err != nil {
			return err
		}
		out := fileLayer{
			Number: l.Number, Digest: chain.Digest(l.Descriptor.Digest), DiffID: l.DiffID, MediaType: l.Descriptor.MediaType,
			Size: l.Descriptor.Size, Compression: compression, Entries: []fileEntry{},
		}
		if declared := l.DeclaredCompression(); declared != compression {
			doc.Notes = append(doc.Notes, fmt.Sprintf("layer %d is declared as %s and is %s", l.Number, declared, compression))
		}
		if !a.json {
			fmt.Fprintf(w, "\nlayer %d   %s (%s, %s)\n  diff ID %s\n", l.Number, l.Descriptor.Digest, sizeText(l.Descriptor.Size), compression, l.DiffID)
			if declared := l.DeclaredCompression(); declared != compression {
				fmt.Fprintf(w, "  note    its media type says %s\n", declared)
			}
		}
		err = l.Walk(ctx, func(h *tar.Header, r io.Reader) error {
			e, err := entryOf(h, r, l.Number, f.hash)
			if err != nil || !f.match(e.Path) {
				return err
			}
			if a.json {
				out.Entries = append(out.Entries, e)
				return nil
			}
			printFile(w, &e.File, e.Kind, h.Linkname)
			return nil
		})
		if err != nil {
			return err
		}
		doc.Layers = append(doc.Layers, out)
	}
	return nil
}

func entryOf(h *tar.Header, r io.Reader, layer int, hash bool) (fileEntry, error) {
	e := fileEntry{File: image.FromHeader(h)}
	e.Layer = layer
	e.Kind = e.Type.String()
	if h.Name != e.Path {
		e.Raw = h.Name
	}
	switch {
	case strings.HasPrefix(path.Base(e.Path), ".wh."):
		e.Kind = "whiteout"
	case h.Typeflag == tar.TypeLink:
		e.Kind, e.HardLink = "hard link", h.Linkname
	case e.Type == 0:
		e.Kind = fmt.Sprintf("type %q", h.Typeflag)
	case e.Type == image.TypeRegular && hash:
		d, err := chain.HashReader(r)
		if err != nil {
			return e, err
		}
		e.Digest = d
	}
	return e, nil
}

func (a *app) filesFlat(ctx context.Context, w io.Writer, img *image.Image, doc *fileList, f filesFlags) error {
	fs, err := img.FS(ctx, f.hash)
	if err != nil {
		return err
	}
	doc.Files = []image.File{}
	doc.Problems = fs.Problems
	if f.hash && len(fs.Problems) == 0 {
		tree, err := fs.Tree()
		if err != nil {
			return err
		}
		doc.Tree = tree.Digest
	}
	if !a.json {
		if doc.Tree != "" {
			fmt.Fprintf(w, "tree      %s\n", doc.Tree)
		}
		fmt.Fprintln(w)
	}
	for file := range fs.Files() {
		switch {
		case !f.match(file.Path):
		case a.json:
			doc.Files = append(doc.Files, *file)
		default:
			printFile(w, file, file.Type.String(), file.Link)
		}
	}
	if !a.json {
		for _, p := range fs.Problems {
			fmt.Fprintf(w, "not applied: %s\n", safe.Text(p))
		}
		if fs.Dropped > 0 {
			fmt.Fprintf(w, "not applied: %d entries more\n", fs.Dropped)
		}
	}
	return nil
}

// printFile writes one line: mode, owner, size or device, time, path, link.
func printFile(w io.Writer, f *image.File, kind, link string) {
	size := fmt.Sprint(f.Size)
	if f.Type == image.TypeChar || f.Type == image.TypeBlock {
		size = fmt.Sprintf("%d,%d", f.Major, f.Minor)
	}
	name := safe.Text("/" + f.Path)
	switch {
	case kind == "hard link":
		name += " = " + safe.Text(link)
	case kind == "whiteout":
		name += "  (whiteout)"
	case f.Type == image.TypeSymlink:
		name += " -> " + safe.Text(f.Link)
	case f.HardLink != "" && f.HardLink != f.Path:
		name += " = " + safe.Text("/"+f.HardLink)
	}
	fmt.Fprintf(w, "%s %7s %11s  %s  ", modeText(f, kind), fmt.Sprintf("%d:%d", f.UID, f.GID), size, f.ModTime.UTC().Format("2006-01-02 15:04:05"))
	if f.Digest != "" {
		fmt.Fprintf(w, "%s  ", f.Digest.Hex())
	}
	fmt.Fprintln(w, name)
	for k, v := range f.Xattrs {
		fmt.Fprintf(w, "           xattr %s = %q\n", safe.Text(k), v)
	}
}

// modeText is a mode as ls writes it.
func modeText(f *image.File, kind string) string {
	letter := map[image.FileType]byte{
		image.TypeRegular: '-', image.TypeDir: 'd', image.TypeSymlink: 'l', image.TypeChar: 'c', image.TypeBlock: 'b', image.TypeFIFO: 'p',
	}[f.Type]
	switch {
	case kind == "hard link":
		letter = 'h'
	case letter == 0:
		letter = '?'
	}
	b := []byte("?rwxrwxrwx")
	b[0] = letter
	for i := range 9 {
		if f.Mode&(1<<(8-i)) == 0 {
			b[i+1] = '-'
		}
	}
	for bit, at := range map[uint32]int{0o4000: 3, 0o2000: 6, 0o1000: 9} {
		if f.Mode&bit == 0 {
			continue
		}
		set, unset := byte('s'), byte('S')
		if at == 9 {
			set, unset = 't', 'T'
		}
		if b[at] == 'x' {
			b[at] = set
		} else {
			b[at] = unset
		}
	}
	return string(b)
}
