package audit

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/containerfile"
	"github.com/stagescope/stagescope/chain/stagex"
)

var (
	hexA = strings.Repeat("a", 64)
	hexB = strings.Repeat("b", 64)
)

// program is a small x86 program: an ELF header, one segment, and code.
func program(wide bool, code []byte) []byte {
	var b bytes.Buffer
	put := func(vs ...any) {
		for _, v := range vs {
			if err := binary.Write(&b, binary.LittleEndian, v); err != nil {
				panic(err)
			}
		}
	}
	b.WriteString("\x7fELF")
	if wide {
		b.Write([]byte{2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0})
		put(uint16(2), uint16(62), uint32(1), uint64(0x400078), uint64(64), uint64(0), uint32(0), uint16(64), uint16(56), uint16(1), uint16(64), uint16(0), uint16(0))
		put(uint32(1), uint32(5), uint64(0), uint64(0x400000), uint64(0x400000), uint64(120+len(code)), uint64(120+len(code)), uint64(4096))
	} else { // the program header overlays the end of the ELF header
		b.Write([]byte{1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0})
		put(uint16(2), uint16(3), uint32(1), uint32(0x804804c), uint32(44), uint32(0), uint32(0), uint16(52), uint16(32))
		put(uint32(1), uint32(0), uint32(0x8048000), uint32(0x8048000), uint32(76+len(code)), uint32(76+len(code)), uint32(1), uint32(1))
	}
	b.Write(code)
	return b.Bytes()
}

func TestLook(t *testing.T) {
	for _, c := range []struct {
		name, bytes, want string
		class             Class
	}{
		{"empty", "", "empty", Text}, {"ascii", "int main;\n\t", "ASCII text", Text}, {"utf-8", "größer 日本\n", "UTF-8 text", Text},
		{"latin-1", "gr\xf6\xdfer als der Rest des Textes\n", "8-bit text", Text},
		{"elf", string(program(true, nil)), "ELF 64-bit", Code}, {"gzip", "\x1f\x8b\x08", "gzip", Archive}, {"zero", "a\x00b", "data", Data},
		{"noise", "\xd5\x91\x83\xe2\xb1\xf0", "data", Data}, {"png", "\x89PNG\r\n\x1a\n", "PNG", Data},
		{"a long run of base64", "x = \"" + strings.Repeat("QUJD", 200) + "\"\n", "ASCII text with encoded data", Encoded},
		{"base64 in lines", "begin\n" + strings.Repeat(strings.Repeat("QUJD", 19)+"\n", 12), "ASCII text with encoded data", Encoded},
		{"a binary patch", "diff\nGIT binary patch\nliteral 5\n", "ASCII text with encoded data", Encoded},
		{"digests", strings.Repeat(hexA+" core-a\n", 50), "ASCII text", Text},
		{"dos stub only", "MZ" + strings.Repeat("x", 100), "ASCII text", Text},
		{"pe", "MZ" + strings.Repeat("\x00", 0x3a) + "\x40\x00\x00\x00PE\x00\x00", "PE", Code},
		{"utf-16", "\xff\xfea\x00", "UTF-16", Data},
	} {
		if got := Look([]byte(c.bytes)); got.Class != c.class || got.Format != c.want {
			t.Errorf("%s: %+v, want %v %q", c.name, got, c.class, c.want)
		}
	}
	if (Content{}).Class.String() == "text" {
		t.Error("what was not looked at is text")
	}
	if e := Look([]byte{0, 1, 2, 3}).Entropy; e != 2 {
		t.Errorf("entropy = %v, want 2 bits per byte", e)
	}
}

// load makes a chain of files below packages/; toml files are added.
func load(t *testing.T, files map[string]string) *chain.Chain {
	t.Helper()
	m := fstest.MapFS{}
	for name, text := range files {
		if parts := strings.Split(name, "/"); len(parts) == 3 && parts[2] == "Containerfile" {
			toml := strings.Join(parts[:2], "/") + "/package.toml"
			if _, ok := files[toml]; !ok {
				m["packages/"+toml] = &fstest.MapFile{Data: fmt.Appendf(nil, "[package]\nname = %q\n", parts[1])}
			}
		}
		if !strings.HasPrefix(name, "digests/") && !strings.HasPrefix(name, "/") {
			name = "packages/" + name
		}
		m[strings.TrimPrefix(name, "/")] = &fstest.MapFile{Data: []byte(text)}
	}
	c, err := stagex.Load(m, "test")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// sample is a chain from a seed, with an opaque root beside it.
func sample(t *testing.T) *chain.Chain {
	seed := string(program(true, []byte{0x6a, 0x3c, 0x58, 0x0f, 0x05}))
	return load(t, map[string]string{
		"bootstrap/stage0/Containerfile": "FROM scratch\nADD seed /\nRUN --network=none [\"/seed\"]\n",
		"bootstrap/stage0/seed":          seed,
		"bootstrap/stage0/seed.hex0":     "# the seed\n" + spelled(seed),
		"bootstrap/stage0/near.hex0":     spelled(seed + "x"),
		"core/cc/Containerfile":          "FROM stagex/bootstrap-stage0\nRUN cc\n",
		"core/cc/helper.bin":             "\x00\x01",
		"core/cc/package.toml":           "[package]\nname = \"cc\"\nversion = \"1\"\n[sources.cc]\nhash = \"" + hexA + "\"\nmirrors = [\"https://example.org/cc.tar\"]\n",
		"user/app/Containerfile":         "FROM stagex/core-cc AS build\nRUN --network=none make\nFROM alpine:3 AS unused\nFROM scratch\nCOPY --from=build /a /a\n",
		"user/bad/Containerfile":         "FROM alpine@sha256:" + hexB + "\nCOPY --from=stagex/core-cc / /\nADD https://example.org/x /x\n",
		"user/over/Containerfile":        "FROM stagex/user-bad\n",
		"/README":                        "text\n", "/logo.png": "\x89PNG\r\n\x1a\n", "/out/x/blob": "\x00", "/.git/objects/x": "\x00",
		"digests/core.txt": hexA + " core-cc\n",
	})
}

// spelled writes bytes in hex with comments.
func spelled(b string) string {
	var out strings.Builder
	for i := range len(b) {
		fmt.Fprintf(&out, "%02x ; byte %d, not ff\n", b[i], i)
	}
	return out.String()
}

func TestSpell(t *testing.T) {
	for text, want := range map[string]string{"7f 45 # x\n4C;46\n4 6\n": "\x7fELF", "": "", "7": "", "7f 4g": "", "int": ""} {
		if got := string(spell([]byte(text))); got != want {
			t.Errorf("spell(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestStages(t *testing.T) {
	r, err := Stages(sample(t), nil, Options{Listing: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Seeds) != 1 || r.Seeds[0].File != "packages/bootstrap/stage0/seed" || r.Seeds[0].Above != 4 || r.Seeds[0].Content.Format != "ELF 64-bit" || r.Seeds[0].Size != 125 {
		t.Errorf("seeds = %+v", r.Seeds)
	}
	if r.Seeds[0].Spelled != "packages/bootstrap/stage0/seed.hex0" {
		t.Errorf("the seed is spelled by %q", r.Seeds[0].Spelled)
	}
	var binaries []string
	for _, b := range r.Binaries {
		binaries = append(binaries, b.File)
	}
	if d := cmp.Diff([]string{"logo.png", "packages/core/cc/helper.bin"}, binaries); d != "" {
		t.Error(d)
	}
	opaque := r.Opaque()
	if len(opaque) != 1 || opaque[0].By != "user-bad" || opaque[0].Line != 1 || opaque[0].Above != 2 || opaque[0].Digest.Hex() != hexB {
		t.Errorf("opaque roots = %+v", opaque)
	}
	if len(r.Network) != 1 || len(r.Unpinned) != 1 || r.Unpinned[0].What != "https://example.org/x" {
		t.Errorf("network %+v, unpinned %+v", r.Network, r.Unpinned)
	}
	if len(r.Steps) != 1 || r.Steps[0].File != "packages/core/cc/Containerfile" || r.Steps[0].Line != 2 {
		t.Errorf("steps = %+v", r.Steps)
	}
	if s := r.Sources; s.Total != 1 || s.Pinned != 1 || s.Opened != 0 || s.NotOpened != 1 || s.Answers[0].Known != SourcePinned {
		t.Errorf("sources = %+v", s)
	}
	if len(r.Outside) < 4 || !r.Complete() || len(r.Stages) != 5 {
		t.Errorf("outside %v, gaps %v, stages %v", r.Outside, r.Gaps, r.Stages)
	}
}

func TestStagesBelowOne(t *testing.T) {
	r, err := Stages(sample(t), []string{"user-app"}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"bootstrap-stage0", "core-cc", "user-app"}, r.Path); d != "" {
		t.Error(d)
	}
	if len(r.Opaque()) != 0 {
		t.Errorf("a build stage that is not reached is a root: %+v", r.Opaque())
	}
	if _, err := Stages(sample(t), []string{"nothing"}, Options{}); !errors.Is(err, chain.ErrNoStage) {
		t.Errorf("error = %v", err)
	}
}

func TestLadder(t *testing.T) {
	c := load(t, map[string]string{
		"bootstrap/stage0/Containerfile": "FROM scratch\nADD hex0-seed /seed\nCOPY <<E run\n./hex1 a b\n./catm c\n./hex2-0 d\n./hex2-1 e\nE\nRUN [\"/seed\", \"x\"]\nRUN [\"/hex0\", \"x\"]\n",
		"bootstrap/stage0/hex0-seed":     string(program(true, nil)),
		"bootstrap/stage1/Containerfile": "FROM stagex/bootstrap-stage0\nRUN --network=none [\"/bin/hex1\"]\nRUN [\"/bin/cc\"]\n",
		"bootstrap/stage2/Containerfile": "FROM stagex/bootstrap-stage1\nRUN build tcc-0.9.26\nRUN build make-3.82\nRUN build gcc-4.0.4 pass1\nRUN build gcc-4.0.4 pass2\nRUN uninstall gcc-3.0.0\n",
		"digests/bootstrap.txt":          hexA + " bootstrap-stage2\n",
	})
	r, err := Stages(c, []string{"bootstrap-stage2"}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, g := range r.Ladder {
		got = append(got, string(g.Kind)+" "+g.Name)
	}
	want := []string{"seed hex0-seed", "tool hex1", "tool hex2", "tool hex0", "stage bootstrap-stage0", "tool cc", "stage bootstrap-stage1",
		"step tcc-0.9.26", "step gcc-4.0.4", "stage bootstrap-stage2"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for _, g := range r.Ladder {
		if g.Built || g.Kind != RungSeed && g.Size != 0 || g.Kind == RungTool && g.Digest != "" {
			t.Errorf("nothing was built, and %+v", g)
		}
	}
	if last := r.Ladder[len(r.Ladder)-1]; last.Digest.Hex() != hexA || last.Source != SourcePinned || r.Ladder[0].Size != 120 {
		t.Errorf("%+v", r.Ladder)
	}
}

// What a rebuild made has its bytes on the ladder: the program that was there
// when it ran, not a later one of that name.
func TestLadderOfWhatWasBuilt(t *testing.T) {
	c := load(t, map[string]string{
		"bootstrap/stage0/Containerfile": "FROM scratch\nADD hex0-seed /seed\nRUN [\"/seed\", \"kaem\"]\nCOPY <<E script\n./hex1 a\n./gone b\nE\nRUN [\"/kaem\"]\nRUN [\"/hex1\"]\n",
		"bootstrap/stage0/hex0-seed":     string(program(true, nil)),
		"bootstrap/stage1/Containerfile": "FROM stagex/bootstrap-stage0\nRUN --network=none [\"/bin/cc\"]\nRUN [\"/bin/kaem\"]\nRUN [\"/bin/ld\"]\n",
		"bootstrap/stage2/Containerfile": "FROM stagex/bootstrap-stage1\nRUN build tcc-0.9.26\n",
	})
	d := func(x string) chain.Digest { return chain.Digest("sha256:" + strings.Repeat(x, 64)) }
	made := map[string]Made{
		"bootstrap-stage0": {Built: true, Size: 99, Programs: []Program{{3, "kaem", 10, d("1")}, {8, "hex1", 20, d("2")}, {8, "kaem", 11, d("3")}, {9, "cc", 30, d("4")}}},
		"bootstrap-stage1": {Programs: []Program{{4, "ld", 40, d("5")}}}, // it was written after it ran
		"bootstrap-stage2": {Built: true, Changes: map[int]chain.Digest{2: d("6")}},
	}
	r, err := Stages(c, []string{"bootstrap-stage2"}, Options{Made: func(id string) Made { return made[id] }})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, g := range r.Ladder {
		got = append(got, fmt.Sprintf("%s %s %d %.1s %s %v", g.Kind, g.Name, g.Size, strings.TrimPrefix(string(g.Digest), "sha256:"), g.Of, g.Built))
	}
	want := []string{
		"seed hex0-seed 120 " + got[0][19:20] + " file false", "tool kaem 10 1 file true", "tool hex1 20 2 file true", "tool gone 0   false",
		"stage bootstrap-stage0 99   true", "tool cc 30 4 file true", "tool ld 0   false", "stage bootstrap-stage1 0   false",
		"step tcc-0.9.26 0 6 change by a step true", "stage bootstrap-stage2 0   true",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// A recipe that cannot be read is a gap, never "no roots".
func TestUnreadableRecipe(t *testing.T) {
	r, err := Stages(load(t, map[string]string{"core/a/Containerfile": "BOGUS"}), nil, Options{})
	if err != nil || len(r.Gaps) != 1 || r.Complete() {
		t.Errorf("gaps = %+v, %v", r.Gaps, err)
	}
	if k := r.Answers[0].Own; k != SourceNotChecked {
		t.Errorf("its source is %v", k)
	}
}

func TestRecipe(t *testing.T) {
	c := sample(t)
	for _, test := range []struct {
		name, text string
		want       []string // kind name stage
		complete   bool
	}{
		{"StageX-shaped and pinned", "FROM stagex/core-cc@sha256:" + hexA + " AS b\nRUN --network=none x\nFROM scratch\nCOPY --from=b / /\n",
			[]string{"stage stagex/core-cc@sha256:" + hexA + " core-cc"}, true},
		{"by name", "FROM quay.io/stagex/core-cc:1\n", []string{"stage quay.io/stagex/core-cc:1 core-cc"}, true},
		{"Alpine", "FROM alpine:3\nRUN apk add x\n", []string{"opaque alpine:3 "}, true},
		{"Wolfi, pinned and attested", "FROM cgr.dev/chainguard/wolfi-base@sha256:" + hexB + "\n", []string{"opaque cgr.dev/chainguard/wolfi-base@sha256:" + hexB + " "}, true},
		{"mixed", "FROM stagex/core-cc AS b\nFROM debian:12\nCOPY --from=b / /\nRUN --mount=type=bind,from=busybox,target=/b x\n",
			[]string{"stage stagex/core-cc core-cc", "opaque debian:12 ", "opaque busybox "}, true},
		{"no such stage", "FROM stagex/core-gone\n", []string{"opaque stagex/core-gone "}, true},
		{"another pin", "FROM stagex/core-cc@sha256:" + hexB + "\n", []string{"not checked stagex/core-cc@sha256:" + hexB + " core-cc"}, false},
		{"open name", "ARG B\nFROM $B\n", []string{"not checked  "}, false},
		{"the stage below is opaque", "FROM stagex/user-over\n", []string{"stage stagex/user-over user-over", "opaque alpine@sha256:" + hexB + " "}, true},
		{"a frontend", "# syntax=x/y\nFROM scratch\n", []string{"opaque a frontend image "}, true},
		{"not reached", "FROM alpine AS a\nFROM scratch\n", nil, true},
		{"context not at hand", "FROM scratch\nCOPY . /\n", nil, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, err := Recipe(c, "Dockerfile", []byte(test.text), nil, Options{})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, root := range r.Roots {
				got = append(got, fmt.Sprintf("%s %s %s", root.Kind, root.Name, root.Stage))
				if root.Why == "" {
					t.Errorf("%s has no reason", root.Name)
				}
			}
			if d := cmp.Diff(test.want, got); d != "" {
				t.Error(d)
			}
			if r.Complete() != test.complete {
				t.Errorf("complete = %v, gaps %+v", r.Complete(), r.Gaps)
			}
		})
	}
	var syntax *containerfile.SyntaxError
	if _, err := Recipe(c, "Dockerfile", []byte("BOGUS"), nil, Options{}); !errors.As(err, &syntax) {
		t.Errorf("error = %v", err)
	}
}

// A pin to an index is told from a foreign image by asking for it.
func TestResolvePins(t *testing.T) {
	for _, test := range []struct {
		manifest string
		err      error
		want     RootKind
	}{{hexA, nil, RootStage}, {hexB, nil, RootOpaque}, {"", errors.New("no route"), RootNotChecked}} {
		asked := ""
		o := Options{Resolve: func(ref string) (chain.Digest, error) {
			asked = ref
			return chain.Digest("sha256:" + test.manifest), test.err
		}}
		pin := "stagex/core-cc@sha256:" + strings.Repeat("d", 64)
		r, err := Recipe(sample(t), "Dockerfile", []byte("FROM "+pin+"\n"), nil, o)
		if err != nil || r.Roots[0].Kind != test.want || asked != pin {
			t.Errorf("%+v, %v, asked for %q", r.Roots, err, asked)
		}
	}
}

// A Dockerfile's own context is looked at as far as it takes files from it.
func TestRecipeContext(t *testing.T) {
	files := fstest.MapFS{"app": {Data: program(true, nil)}, "other": {Data: []byte{0}}, "src/a.c": {Data: []byte("int x;\n")}}
	r, err := Recipe(sample(t), "Dockerfile", []byte("FROM scratch\nCOPY app src /\n"), files, Options{})
	if err != nil || len(r.Binaries) != 1 || r.Binaries[0].File != "app" || !r.Complete() {
		t.Errorf("binaries %+v, gaps %+v, %v", r.Binaries, r.Gaps, err)
	}
}

func TestImage(t *testing.T) {
	c := sample(t)
	for _, test := range []struct {
		name  string
		facts ImageFacts
		kind  RootKind
		seeds int
	}{
		{"a stage's", ImageFacts{Ref: "x", Manifest: chain.Digest("sha256:" + hexA)}, RootStage, 1},
		{"another's, attested", ImageFacts{Ref: "x", Manifest: chain.Digest("sha256:" + hexB), Attested: true, Base: "alpine"}, RootOpaque, 0},
		{"not reached", ImageFacts{Ref: "x", Err: errors.New("no route")}, RootNotChecked, 0},
	} {
		r, err := Image(c, test.facts, Options{})
		if err != nil || r.Roots[0].Kind != test.kind || len(r.Seeds) != test.seeds || r.Complete() != (test.kind != RootNotChecked) {
			t.Errorf("%s: %+v, %v", test.name, r.Roots, err)
		}
	}
}

// Every byte of a seed is listed once, in order.
func TestListCoversEveryByte(t *testing.T) {
	endbr := []byte{0xf3, 0x0f, 0x1e, 0xfa}
	for name, b := range map[string][]byte{
		"64-bit": program(true, append(endbr, 0x6a, 0x3c, 0x58, 0x0f, 0x05, 0xff, 0xff)), "32-bit, overlaid": program(false, []byte{0x6a, 0x05, 0x58, 0xcd, 0x80}),
		"no program": []byte("hello, this is no program at all"), "cut": program(true, nil)[:70], "empty": nil,
	} {
		at := 0
		for _, l := range List(b) {
			if l.Offset != at || !bytes.Equal(l.Bytes, b[at:at+len(l.Bytes)]) || len(l.Bytes) == 0 {
				t.Fatalf("%s: line %+v begins at %d, want %d", name, l, l.Offset, at)
			}
			at += len(l.Bytes)
		}
		if at != len(b) {
			t.Errorf("%s: %d of %d bytes listed", name, at, len(b))
		}
	}
	text := ""
	for _, l := range List(program(false, []byte{0x6a, 0x05, 0x58, 0xcd, 0x80})) {
		text += l.Text + "\n"
	}
	for _, want := range []string{"machine EM_386", "entry point = 0x804804c", "push 0x5", "system call 5, open"} {
		if !strings.Contains(text, want) {
			t.Errorf("the listing lacks %q:\n%s", want, text)
		}
	}
}

func FuzzList(f *testing.F) {
	f.Add(program(true, []byte{0x6a, 0x3c, 0x58, 0x0f, 0x05}))
	f.Add(program(false, []byte{0xcd, 0x80}))
	for _, at := range []int{24, 32, 64 + 8, 64 + 16} { // entry, program headers, a segment's offset and address
		for _, v := range []uint64{1<<64 - 12, 1 << 63, 1<<63 - 1} {
			b := program(true, []byte{0x6a, 0x3c})
			binary.LittleEndian.PutUint64(b[at:], v)
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		n := 0
		for _, l := range List(b) {
			if l.Offset != n {
				t.Fatalf("line at %d, want %d", l.Offset, n)
			}
			n += len(l.Bytes)
		}
		if n != len(b) {
			t.Fatalf("%d of %d bytes listed", n, len(b))
		}
	})
}
