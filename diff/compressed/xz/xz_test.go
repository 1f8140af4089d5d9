package xz

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"testing"

	"github.com/stagescope/stagescope/diff/compressed/internal/sample"
	"github.com/stagescope/stagescope/diff/internal/realtool"
	"github.com/therootcompany/xz"
)

// inputs are contents that matches, prices and chunks treat differently. They
// are the same on every machine.
func inputs() map[string][]byte {
	r := sample.Rand()
	noise := sample.Noise(r, 200_000)
	text := sample.Text(r, 150_000)
	few := sample.Few(r, 40_000)
	// Records with fields that stay, count or are noise, as in tables of programs.
	var records bytes.Buffer
	for i := range 5_000 {
		records.Write([]byte{byte(i), byte(i >> 8), 0, 0, byte(r.IntN(4)), 0x48, 0x8b, byte(r.IntN(40)), 0xff, byte(r.Uint32() & r.Uint32()), 0, 7})
	}
	incompressible := make([]byte, 1_150_000) // more than a block, whose room it outgrows
	for i := range incompressible {
		incompressible[i] = byte(r.Uint32())
	}
	return map[string][]byte{
		"empty": nil, "one": {'x'}, "two": []byte("ab"), "five": []byte("aaaaa"), "short": []byte("hello hello hello hello"), "zeros": make([]byte, 2_200_000), "incompressible": incompressible,
		"noise": noise, "text": text, "few": few, "records": records.Bytes(), "repeats": bytes.Repeat(text[:300], 700),
		"mixed": bytes.Join([][]byte{noise[:40_000], text[:90_000], make([]byte, 70_000), noise[:120_001], text, noise[:77], records.Bytes()}, nil),
	}
}

func compressed(t testing.TB, p []byte, o Options, chunk int) []byte {
	t.Helper()
	return sample.Compressed(t, func(w io.Writer) (io.WriteCloser, error) { return NewWriter(w, o) }, p, chunk)
}

// settings are those that are tried of each input.
func settings() map[string]Options {
	out := map[string]Options{
		"-1": {Preset: 1, Check: CheckCRC64}, "-6": {Preset: 6, Check: CheckCRC64},
		"-0 -T2": {Check: CheckCRC64, Sized: true, Block: 1 << 20}, "-6 -C sha256": {Preset: 6, Check: CheckSHA256}, "-6 -C none": {Preset: 6},
		"-6 -C crc32 --lzma2=preset=6,dict=1MiB": {Preset: 6, Dict: 1 << 20, Check: CheckCRC32},
		"-6 -T2 --block-size=100000":             {Preset: 6, Check: CheckCRC64, Sized: true, Block: 100_000},
	}
	for p := range 10 {
		out[fmt.Sprintf("-%d", p)] = Options{Preset: p, Check: CheckCRC64}
		out[fmt.Sprintf("-%de", p)] = Options{Preset: p, Extreme: true, Check: CheckCRC64}
	}
	return out
}

// each tries every input at the usual settings, and one input at all of them.
func each(f func(name, setting string, p []byte, o Options)) {
	all := settings()
	for name, p := range inputs() {
		for s, o := range all {
			if name == "mixed" || s == "-6" || s == "-1" || s == "-0 -T2" && name == "incompressible" {
				f(name, s, p, o)
			}
		}
	}
}

func TestRoundTrip(t *testing.T) {
	each(func(name, s string, p []byte, o Options) {
		z := compressed(t, p, o, 1<<20)
		r, err := xz.NewReader(bytes.NewReader(z), 0)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, p) {
			t.Fatalf("%s %s: %d bytes, %v", name, s, len(got), err)
		}
		if s == "-6" && !bytes.Equal(z, compressed(t, p, o, 4321)) {
			t.Errorf("%s: other bytes when it comes in pieces", name)
		}
	})
	for _, o := range []Options{{Preset: 10}, {Preset: -1}, {Check: 3}, {Dict: 5}, {Dict: 1 << 40}} {
		if _, err := NewWriter(io.Discard, o); err == nil {
			t.Errorf("%+v", o)
		}
	}
}

// sums are those of what xz 5.4.1 writes of the inputs.
var sums = map[string]string{
	"empty -1":              "0040f94d11d0039505328a90b2ff48968db873e9e7967307631bf40ef5679275",
	"empty -6":              "0040f94d11d0039505328a90b2ff48968db873e9e7967307631bf40ef5679275",
	"few -1":                "1e18ae829db50b35bb657ff82a6e1edd61ccc2db0dbb24055780bc9f7b295847",
	"few -6":                "7817b64d3936edd9090f7920a3a6a46388aa130a5a17d2615559d04c72a466a2",
	"five -1":               "74aade94e791ed52a25aba6e57ea6796fdcaf885274d4f40fb4a50c4644ae615",
	"five -6":               "3ba997ebc1c89b460f6ab35aed167e7cb6dfac716bf029b7543cba0c1ece3285",
	"incompressible -0 -T2": "0b206c7f56f87f6bdf14e61ebafab44a996440e1243b2f9f1f0565a61114d83f",
	"incompressible -1":     "252f43cfc6e2ae8221964b83f1686c25abf08a0997af2a53824e6fd43f57a1cf",
	"incompressible -6":     "df40120bc637e34ff535fa079970e7eea3e00598cb5e9c957508ee4494825a72",
	"mixed -0 -T2":          "f6bfe3d84b2cb8b75557d4eb94f30943eb8d76e31156f333f4607e07a95597a2",
	"mixed -0":              "64a70f8b88f55695895a7734fa3cbe7b4aea071e60d9fe60a3a819be35563d55",
	"mixed -0e":             "ba13c503e48c6cc286de15c1d22e8c353e19ec37a12dabdf3ee41960ae9a0135",
	"mixed -1":              "fe393c3f5fdeca44eac75bf5c53da2435087c063df7a2e106f1a972913c13d1f",
	"mixed -1e":             "786a79f28b730deacf7bb5c2d75b353a8a81c0b4ac8999f076cf6cc2fd5f19e7",
	"mixed -2":              "5c8274192ea6166c6493391c9a274d974beb122d04e4c33d461896385b60bdf2",
	"mixed -2e":             "62ae00ef886b159b372562b02a87f97a4d34ac71d68c101b5be5a6bd206c6ee5",
	"mixed -3":              "a7a4c382d51cfa273f6c176dd6f4ca00046c3330a355847f0113d814077056ab",
	"mixed -3e":             "7863f4fe0ebc2e8aa96a830cc22c6a518db48cee0bb4893dfb894942b04d24d3",
	"mixed -4":              "5442ab794a13edc565082c31e5a040e89ba14d758607194a1d01fa09500f571d",
	"mixed -4e":             "16ad426d9545169ebeb92544687ddfa0b8610c85c27d61a6ed8c1784345fc3fb",
	"mixed -5":              "207567492dd1055b4d81106eb8bf7add6ea398c683635b77ce7451c21f298bd9",
	"mixed -5e":             "841547b2f788da5f940269f5d84c2825f9e512dcf1c60bd95a2f0dae22b5ecde",
	"mixed -6 -C crc32 --lzma2=preset=6,dict=1MiB": "8fbe834fed66b9443334447742882bb5e9535e8b9cd3ea2de2db476b978d9ae2",
	"mixed -6 -C none":                 "e780407b3fc14b93815f2564a3c4b3aec5a13bd3bcae9843bbd434121eac2d4d",
	"mixed -6 -C sha256":               "7ea929e9fcfee18a5a022dd01ca454dceecd74e307660d48cb3752808e5505b7",
	"mixed -6 -T2 --block-size=100000": "a764c2490b0ea0cb632f2c93a442ebae74093077848b3dc14d547c501aea4741",
	"mixed -6":                         "efa7c232e23a0f7cd1ef629998267bedba409815a4d6f83157ca760e476b5d76",
	"mixed -6e":                        "3d47673cb8138d128a1d7f207ac9a329272dc91194889bc14e97d921ed7cd835",
	"mixed -7":                         "0e53c065505c89aad376da86415e89aa5538bf3a62a4f139e38768bea39dc1e2",
	"mixed -7e":                        "f4de4a790bb93a400b0e1f3272008dbc7ce846a0a33ef7f02b908619b8b82b47",
	"mixed -8":                         "c85ef82285e926e073a4c7b402f1484724d0538f2b686faedba97e80fbd663c7",
	"mixed -8e":                        "d2f556cce0817655a3db1232a389b59a5fdaf87d72f2041a275e67793cba1ff1",
	"mixed -9":                         "19f05a48f76bb36555baaafce4d29c37cbcdeece08d9260f399ffaaf808b31c6",
	"mixed -9e":                        "f39c8fd6265704f2e3753e8cea17152bd5dd4f73da5870ffd0f14d121186a3be",
	"noise -1":                         "f00bd514f4fd460f63d1491616444c6a8c537c2755b318646ee350dc845ec2f9",
	"noise -6":                         "036061bd110f3497cacb264c0394e5f636c9afc936192e7ee52c57e4088da4fc",
	"one -1":                           "d8d7ed265c2b4bffeff302d43a8adfc873de86ca96ec8ed1994cf9baa31c86a3",
	"one -6":                           "d73419ccaf5d8b98dbe02dc6518131260c7cb917f512e7d9ea49b9df03f0d7fc",
	"records -1":                       "33b93812bf3d8ad8b7a83b88fe0a3a1d0622388b6d5b7e2eb065a841df6e035b",
	"records -6":                       "d997a28d6bcaaefa443ad832b7c81dbe860e3af834f44f2a30eb33158cf21323",
	"repeats -1":                       "9caff95cf2bb32b7a2b26ccc61a0e9dedfb15fce51b241f0f46df4579531a4c8",
	"repeats -6":                       "c0a81dc80c26918c30776e6f8c53bbe3a07ede4dbe45d50ef8ee68424c524f6e",
	"short -1":                         "6d02428343dc078f15a6592f99d090559f75ee4ca2fd6a5a7dbc101dd6563745",
	"short -6":                         "52b73132f9846d5e942b074082a51b142b1c6da10f33436009528c12a6855611",
	"text -1":                          "4ae15aeb68df3231151d7eacdc4337e0322a35b8b8b0e3013088898f37cc2b5a",
	"text -6":                          "cca5bbf3bf015c576dbb8fd5d411c1ff9ab71f6980b3f35f5b205c5df6dc2818",
	"two -1":                           "17560fd69575441c463c1a92f80833005a6fa9a4e246e4907c2fc0680795e7e7",
	"two -6":                           "74985a42404dd5a7283911f7bf1cac0c85a014bde3497ef78d1a2594f788e9c8",
	"zeros -1":                         "7cce7c391d4f90606a125ee63ec93217c94b4a6a257bda4579d217e540f01ffe",
	"zeros -6":                         "807dfe3cca8c1c5eefce5b5d032c4d6abf8f31d7b44809f703495170d3b1ab5a",
}

// TestSums compares with what xz wrote elsewhere.
func TestSums(t *testing.T) {
	each(func(name, s string, p []byte, o Options) {
		if got := fmt.Sprintf("%x", sha256.Sum256(compressed(t, p, o, 1<<20))); got != sums[name+" "+s] {
			t.Errorf("%s %s: %s", name, s, got)
		}
	})
}

// TestTool compares with xz itself.
func TestTool(t *testing.T) {
	tool := realtool.Find(t, "xz", "nothing to compare with but the sums of what it wrote elsewhere")
	each(func(name, s string, p []byte, o Options) {
		args := strings.Fields(s)
		if !o.Sized {
			args = append(args, "-T1") // several threads are usual since 5.6
		}
		c := exec.Command(tool, append(args, "-c")...)
		c.Stdin = bytes.NewReader(p)
		want, err := c.Output()
		if err != nil {
			t.Fatal(err)
		}
		if got := compressed(t, p, o, 1<<20); !bytes.Equal(got, want) {
			k := 0
			for k < min(len(got), len(want)) && got[k] == want[k] {
				k++
			}
			t.Errorf("%s %s: %d bytes instead of %d, equal up to %d", name, s, len(got), len(want), k)
		}
	})
}

func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte("hello hello hello"), uint(6), false)
	f.Add(bytes.Repeat([]byte("ab"), 40_000), uint(1), true)
	f.Fuzz(func(t *testing.T, p []byte, preset uint, extreme bool) {
		z := compressed(t, p, Options{Preset: int(preset % 7), Extreme: extreme, Dict: minDict, Check: CheckCRC32}, 1000)
		r, err := xz.NewReader(bytes.NewReader(z), 0)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, p) {
			t.Fatal(err)
		}
	})
}
