package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/diff/expect"
	"github.com/stagescope/stagescope/diff/render"
)

// diffFlags are what the verb diff is asked for.
type diffFlags struct {
	format  string
	out     string
	stat    bool
	only    []string
	exclude []string
	fold    []string
	expect  string
	limit   time.Duration
	rehash  bool
	full    bool
	schema  bool
	tui     bool

	maxDepth, maxMembers, maxNodes, maxLines int
	maxDecoded, maxKept, maxDebug, maxReport string
}

var diffFormats = []string{"text", "markdown", "html", "json"}

const diffLong = `Diff compares from the outside in: index, manifest, config, layers, entries with
all of their properties, content, parts of content. Every byte of both sides is
read and hashed, but for layers whose entries the store knows by their diff ID:
the report then says "from the store's index", and --rehash reads them again.
Equal things are counted, not listed.

It ends with 0 when the two are the same, 1 when a difference is proven, and 2
when neither is: something could not be read, or a limit was hit.

--expect names a TOML file of differences that somebody answers for:

  [[expect]]
  path = "usr/share/doc/**"   # ** stands for any number of directories
  kind = "text"               # may be left out
  cause = "D1a"               # may be left out, but D7 (what could be an attack) must be named
  reason = "the manual carries its date until tool 3.1"
  owner = "alice@example.org"
  until = 2027-01-31          # the last day on which it counts

They are shown like all others, and the two are not called the same. Only with
--expect, 0 also means: they differ, all was seen, and every difference is
expected. Entries that have expired or cover nothing are named.`

func (a *app) diffCmd() *cobra.Command {
	f := diffFlags{}
	c := &cobra.Command{
		Use:   "diff A B",
		Short: "Show where two images, files or directories part, and why",
		Long: diffLong + `

` + referenceHelp + `

Two paths that are no images are compared as files or as directories. Archives
that are named by their paths alone, and hold the same image, are compared as
files as well: they may have other tags, or files that are no part of it.

An image, a directory and an archive (tar, zip, cpio, ar, squashfs, what is compressed,
the files of a deb, rpm, apk or jmod) are compared with one another as trees of files:
equal ones are "same tree, other container", which is a difference, and what one side
does not record is counted. What is cut off or damaged is compared as far as it can
be read. "-" is standard input, and <(command) is read to its end.

A list of files (files --list) stands for an image without its contents: which files
differ is said, by type, mode, owner, links, attributes and digest. For the image of a
claim:PARTY/ID that nobody published, the list that goes with the claim is taken, once
it gives the tree root that the party signed; the report says so.`,
		Example: `  stagescope diff trial:zoo-date/1 trial:zoo-date/2
  stagescope diff out/core-zlib docker.io/stagex/core-zlib:latest
  stagescope diff --tui old.deb new.deb
  stagescope diff --format json old.tar new.tar
  stagescope diff --format markdown --out report.md stage:hello oci:hello.tar`,
		Args: func(cmd *cobra.Command, args []string) error {
			if f.schema {
				return cobra.NoArgs(cmd, args)
			}
			if len(args) != 2 {
				return withHint(fmt.Errorf("diff compares two things, and %d are named", len(args)), "stagescope diff A B, each an image, a file or a directory; --help lists their forms")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.schema {
				_, err := a.out.Write(render.Schema)
				return err
			}
			if f.tui {
				return a.openDiff(cmd, args[0], args[1], f)
			}
			return a.runDiff(cmd.Context(), args[0], args[1], f)
		},
	}
	f.define(c.Flags())
	c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		if strings.Contains(err.Error(), "--time-limit") {
			return withHint(err, "write a time with its unit: 30s, 5m, 1h")
		}
		return err
	})
	return c
}

func (f *diffFlags) define(fl *pflag.FlagSet) {
	fl.StringVar(&f.format, "format", "text", "text, markdown, html or json; --json is short for json")
	fl.StringVar(&f.out, "out", "", "write to this file, which appears only when it is complete")
	fl.BoolVar(&f.stat, "stat", false, "the summary only")
	fl.StringSliceVar(&f.only, "only", nil, "show only these paths (globs) or kinds, with all that is in them; what is left out is counted")
	fl.StringSliceVar(&f.exclude, "exclude", nil, "do not look at members whose path matches; they are counted, and never called same")
	fl.StringSliceVar(&f.fold, "fold", nil, "show one line instead of what differs for these `CAUSES` alone, e.g. B1")
	fl.StringVar(&f.expect, "expect", "", "`FILE` of permitted differences, each with a reason, an owner and a last day")
	fl.DurationVar(&f.limit, "time-limit", 0, "end after this time with what is known")
	fl.BoolVar(&f.rehash, "rehash", false, "read the bytes again where the store knows what a layer holds")
	fl.BoolVar(&f.full, "full", false, "show all content, however long")
	fl.IntVar(&f.maxDepth, "max-depth", 0, "containers within containers that are opened (default 24)")
	fl.IntVar(&f.maxMembers, "max-members", 0, "members of one container that are looked at (default 4194304)")
	fl.IntVar(&f.maxNodes, "max-nodes", 0, "differences that the tree holds (default 1048576)")
	fl.StringVar(&f.maxDecoded, "max-decoded", "", "`SIZE` that one compressed stream inside a file may become (default 8GiB)")
	fl.StringVar(&f.maxDebug, "max-debug", "", "`SIZE` of one program's debug information that is taken apart; more is compared byte by byte (default 512MiB)")
	fl.StringVar(&f.maxKept, "max-kept", "", "`SIZE` of content that is kept aside on disk (default 8GiB)")
	fl.IntVar(&f.maxLines, "max-lines", 0, "lines that are shown of one content (default 120; HTML shows all)")
	fl.StringVar(&f.maxReport, "max-report", "", "`SIZE` after which differences are counted instead of written")
	fl.BoolVar(&f.tui, "tui", false, "open the comparison in the workbench, where it is shown as it is found")
	fl.BoolVar(&f.schema, "schema", false, "print the JSON Schema of --json and end")
}

// check says what is wrong with the flags before anything is read.
func (f *diffFlags) check() error {
	if !slices.Contains(diffFormats, f.format) {
		return withHint(fmt.Errorf("unknown format %q", f.format), "the formats are %s", strings.Join(diffFormats, ", "))
	}
	for _, g := range slices.Concat(f.only, f.exclude) {
		if err := diff.CheckGlob(g); err != nil {
			return withHint(err, "a pattern is a path with * for part of a name and ** for directories")
		}
	}
	for name, n := range map[string]int{"max-depth": f.maxDepth, "max-members": f.maxMembers, "max-nodes": f.maxNodes, "max-lines": f.maxLines} {
		if n < 0 {
			return withHint(fmt.Errorf("--%s %d is negative", name, n), "give a number above 0, or leave it out")
		}
	}
	return nil
}

// limits are the bounds of comparing and of the report's size.
func (f *diffFlags) limits() (l diff.Limits, report int64, err error) {
	l = diff.Limits{Depth: f.maxDepth, Members: f.maxMembers, Nodes: f.maxNodes}
	for _, s := range []struct {
		name, text string
		to         *int64
	}{{"max-decoded", f.maxDecoded, &l.Decoded}, {"max-kept", f.maxKept, &l.Spool}, {"max-debug", f.maxDebug, &l.Debug}, {"max-report", f.maxReport, &report}} {
		if s.text == "" {
			continue
		}
		n, e := parseSize(s.text)
		if e == nil && n <= 0 {
			e = errors.New("it must be above 0")
		}
		if e != nil {
			return l, 0, withHint(fmt.Errorf("reading --%s: %w", s.name, e), "write it as 500M or 2GiB")
		}
		*s.to = n
	}
	return l, report, nil
}

// tooShort says that the time limit ended the comparison before it proved anything.
func (f *diffFlags) tooShort() error {
	return withHint(fmt.Errorf("the time limit of %s was over before anything was proven", f.limit), "give it more with --time-limit")
}

// permits reads the file of --expect; nil without one.
func (f *diffFlags) permits() (*expect.File, error) {
	if f.expect == "" {
		return nil, nil
	}
	data, err := os.ReadFile(f.expect)
	if err != nil {
		return nil, fmt.Errorf("reading the permitted differences: %w", err)
	}
	p, err := expect.Parse(f.expect, data)
	return p, withHint(err, "stagescope diff --help shows what an entry looks like")
}
