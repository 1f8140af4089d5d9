package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/image"
	"github.com/stagescope/stagescope/chain/safe"
)

// maxJSONContent bounds the content that "cat --json" puts into a document.
const maxJSONContent = 64 << 20

// catDocument is what "cat --json" prints.
type catDocument struct {
	Image string `json:"image"`
	image.File
	Encoding string `json:"encoding"` // "utf-8" or "base64"
	Content  string `json:"content"`
}

func (a *app) catCmd() *cobra.Command {
	var raw bool
	c := &cobra.Command{
		Use:   "cat IMAGE PATH",
		Short: "Print one file of an image",
		Long: `Cat prints the file at PATH of the effective file system: all layers applied,
symlinks followed inside the image. The whole layer that holds the file is
verified before cat ends well; when it does not, what was printed proves
nothing.

On a terminal a file that is not plain text is refused, since it could command
the terminal; --raw prints it all the same. Into a pipe or a file the bytes go
as they are.

` + referenceHelp + `

--json prints one object: image, path, type, mode, uid, gid, size, digest,
modTime, layer, encoding (utf-8 or base64) and content; files of more than
64 MiB are refused.`,
		Example: `  stagescope cat stage:core-profile etc/profile
  stagescope cat docker.io/library/busybox:latest /etc/passwd
  stagescope cat out/bootstrap-stage0 usr/bin/hex2 | sha256sum`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			img, err := a.openImage(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			defer img.Close()
			fs, err := img.FS(cmd.Context(), false)
			if err != nil {
				return err
			}
			f, err := fs.Find(args[1])
			if err != nil {
				return withHint(err, "stagescope files %s --flat lists what is there", args[0])
			}
			if f.Type != image.TypeRegular {
				return withHint(fmt.Errorf("%q in %q is a %s", args[1], args[0], f.Type), "stagescope files %s --flat %s lists it", args[0], args[1])
			}
			r, err := fs.Open(cmd.Context(), f)
			if err != nil {
				return err
			}
			defer r.Close()
			if a.json {
				return a.catJSON(args[0], f, r)
			}
			if isTerminal(a.out) && !raw {
				return copyText(a.out, r)
			}
			_, err = io.Copy(a.out, r)
			return err
		},
	}
	c.Flags().BoolVar(&raw, "raw", false, "write the bytes as they are, even to a terminal")
	return c
}

func (a *app) catJSON(ref string, f *image.File, r io.Reader) error {
	data, err := io.ReadAll(io.LimitReader(r, maxJSONContent+1))
	if err != nil {
		return err
	}
	if len(data) > maxJSONContent {
		return withHint(fmt.Errorf("%q has more than %s", f.Path, sizeText(maxJSONContent)), "leave out --json")
	}
	doc := catDocument{Image: ref, File: *f, Encoding: "utf-8", Content: string(data)}
	if doc.Digest, err = chain.HashReader(bytes.NewReader(data)); err != nil {
		return err
	}
	if !utf8.Valid(data) {
		doc.Encoding, doc.Content = "base64", base64.StdEncoding.EncodeToString(data)
	}
	return a.printJSON(doc)
}

// errNotText ends a copy to a terminal.
var errNotText = errors.New("the file is not plain text, so it is not written to a terminal")

// copyText copies lines that a terminal shows as they are, and stops before the
// first other one.
func copyText(w io.Writer, r io.Reader) error {
	in := bufio.NewReaderSize(r, 1<<20)
	for {
		line, err := in.ReadSlice('\n')
		if err != nil && err != io.EOF && !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
		if errors.Is(err, bufio.ErrBufferFull) || !plain(string(line)) {
			return withHint(errNotText, "--raw writes it all the same; or send it into a pipe: | xxd | less")
		}
		if _, err := w.Write(line); err != nil {
			return err
		}
		if err == io.EOF {
			return nil
		}
	}
}

// plain reports a line that safe.Text would leave alone, tabs and the line's
// end aside.
func plain(line string) bool {
	line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
	line = strings.ReplaceAll(line, "\t", "")
	return safe.Text(line) == line
}
