package lz4

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pierrec/lz4/v4"
)

// inputs are contents that the search treats differently. They are the same on
// every machine.
func inputs() map[string][]byte {
	r := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 200_000)
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	var text bytes.Buffer
	for text.Len() < 450_000 {
		fmt.Fprintf(&text, "line %d of %x: %s\n", r.IntN(5000), r.IntN(1<<20), []string{"alpha", "beta", "gamma", "delta"}[r.IntN(4)])
	}
	few := make([]byte, 70_000)
	for i := range few {
		few[i] = byte(r.IntN(3))
	}
	hardly := bytes.Clone(noise[:65_000]) // compresses by a few bytes, or not
	copy(hardly[60_000:], hardly[:40])
	return map[string][]byte{
		"one": {'x'}, "twelve": []byte("aaaaaaaaaaaa"), "thirteen": []byte("aaaaaaaaaaaaa"), "short": []byte("hello hello hello hello"), "zeros": make([]byte, 300_000),
		"noise": noise, "text": text.Bytes(), "few": few, "hardly": hardly, "edge": text.Bytes()[:65_546], "edge and one": text.Bytes()[:65_547], "block": text.Bytes()[:262_144],
		"mixed": bytes.Join([][]byte{noise[:40_000], text.Bytes()[:90_000], make([]byte, 70_000), noise[:50_000], text.Bytes()}, nil),
	}
}

// settings are the tool's options and what they mean here. A file that fits a
// block says smaller blocks; that is left out with -B4.
func settings() map[string]Options {
	return map[string]Options{
		"-1 -B4": {BlockID: 4, Sum: true, Size: -1}, "-2 -B4 --no-frame-crc": {BlockID: 4, Size: -1}, "-1 -B4 -BX": {BlockID: 4, BlockSum: true, Sum: true, Size: -1},
		"-1 -l": {Legacy: true},
	}
}

func compressed(t testing.TB, p []byte, o Options, chunk int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := NewWriter(&b, o)
	if err != nil {
		t.Fatal(err)
	}
	for q := p; len(q) > 0; {
		n := min(chunk, len(q))
		if _, err := w.Write(q[:n]); err != nil {
			t.Fatal(err)
		}
		q = q[n:]
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestRoundTrip(t *testing.T) {
	for name, p := range inputs() {
		for s, o := range settings() {
			for _, id := range []int{4, 5, 7} {
				o.BlockID = id
				if o.Size >= 0 {
					o.Size = int64(len(p))
				}
				z := compressed(t, p, o, 1<<20)
				got, err := io.ReadAll(lz4.NewReader(bytes.NewReader(z)))
				if err != nil || !bytes.Equal(got, p) {
					t.Fatalf("%s %s: %d bytes, %v", name, s, len(got), err)
				}
				if !bytes.Equal(z, compressed(t, p, o, 777)) {
					t.Errorf("%s %s: other bytes when it comes in pieces", name, s)
				}
			}
		}
	}
	if _, err := NewWriter(io.Discard, Options{BlockID: 3}); err == nil {
		t.Error("blocks of no size")
	}
}

// sums are those of what lz4 1.9.4 writes of the inputs.
var sums = map[string]string{
	"block -1 -B4 -BX":                   "7f5e80032e24b443cfe15378766645ec2d8221fd875c6db7e4a49720f2489095",
	"block -1 -B4":                       "4f126115fa742c1d13721c551d1e2fda325665df169bada2eb42fde92098fa5f",
	"block -1 -l":                        "2620afb171f0933e9e3b2c64dea7fe5592bbfaa3eebfb05191e1dd24ddb8fd35",
	"block -2 -B4 --no-frame-crc":        "e88cd49bf9cc01a6911265d53e32a9533af4b7b9be55f149cf0daa24208f4363",
	"edge -1 -B4 -BX":                    "f2dacd36200805f26d34324007f82fd4dd0d5ed3c74646a0ad77f6765559d887",
	"edge -1 -B4":                        "465f4d277c38f376ea7c78d32607d2533f8067ed267638eafb11d417f4224970",
	"edge -1 -l":                         "0cc3e6960c7158a3076754fcd7e4c456f749b0a38a21aa8b1bb3a1099572141d",
	"edge -2 -B4 --no-frame-crc":         "fbcb370f2b02ece9c53350d9c1a5949213d151e0b05204f1303286fb1057fc8f",
	"edge and one -1 -B4 -BX":            "34f3de18a75891dc226b1081f1a91dc6ba4d97a231f74afa42b8dccf2287f725",
	"edge and one -1 -B4":                "4571cc9938b0cb406f3368c330b819e1246e8f9eab935b2a45fbfa64f85c778a",
	"edge and one -1 -l":                 "68dcba98498645a0372b239100bc75bd3ea863e6f809b7fe9f5be7f36a49a94e",
	"edge and one -2 -B4 --no-frame-crc": "32421868fd89e15ec6b70eb1c69ebd7e798100004871e17ebdc420abe46c8e40",
	"few -1 -B4 -BX":                     "1e9f903aa0fce2287fcf666b21c3b4eede898c0c03f52f08e5c541796902fb40",
	"few -1 -B4":                         "b1bcf80a67ecb3907ef6d14a87f66fb4f642bfd981b5f547a434dcf0d99d3482",
	"few -1 -l":                          "9aeecd77e76a013a70f287e7b2d9e5580d73c18906a791a35c1ab3a0afbe20e8",
	"few -2 -B4 --no-frame-crc":          "85c5bb73616415b727fe24fdd4b649468f0b56bd0841bc406030d4354fe56b56",
	"hardly -1 -B4 -BX":                  "caa77a1d7632e25668eecd1b68f63fa4d1ce8b71f98c81ca603d3c52d25d47d2",
	"hardly -1 -B4":                      "568627f915667b27489ae82f1e9c2588478e2e2e5a554e1f394b6523833dc2e8",
	"hardly -1 -l":                       "41223313c21c7edfeed3a45278ca4ec984612f67333b766a2d9dd7aab2e5ea55",
	"hardly -2 -B4 --no-frame-crc":       "886c217d0fc8b3fbe05c154aa34faca06a6af410cb4d3bfd893ef197becdc134",
	"mixed -1 -B4 -BX":                   "f1afc3656c5a9875f0057ee75412ff8e4358d9f11178c25435980ea9bb31be45",
	"mixed -1 -B4":                       "9c162f268149f07f0a3153991c9b870ad55cbba953cbd7bf1328c7321b4ebb49",
	"mixed -1 -l":                        "080f78dd8234d48764cfd9799660eb2c19f2d1249b755b38b662e073b34d1db5",
	"mixed -2 -B4 --no-frame-crc":        "85d0293448709384938491f085fa95212e233d15b7999bceb1966fc2005d557c",
	"noise -1 -B4 -BX":                   "d64b57337365186c653b3f2b3ba8bfc90e600fca712e8b76267feb443f7a1aaf",
	"noise -1 -B4":                       "de97ab9223f2f6612625c205f7f6e5aac5ee54c65aa2efc3ac561a55c21ee7de",
	"noise -1 -l":                        "9627d753f2a621e877767d08c39790d6c04896740dc28ce69fbcf4c084455ca1",
	"noise -2 -B4 --no-frame-crc":        "2a47ebce4e68d82e5a2bc0c23732302f2b7eba98ef43068e7bce9ac8372b3f13",
	"one -1 -B4 -BX":                     "1d7e528e2af7cf4d205f3b85bffd1ca01244bec7672ccfa21b737c4f83a04317",
	"one -1 -B4":                         "cad28fb4d7ad00a68cb0ed67553a2aabd8b618be363dd45cb320996830ec2c99",
	"one -1 -l":                          "4d5a08ac5f733a7044be7f8ab51baa1fc258e13e3edd3d33b18fd2f50712f914",
	"one -2 -B4 --no-frame-crc":          "2494b927d8bffdf488ca5f8c6b3664260dd67847a364872ded366caa6c412c63",
	"short -1 -B4 -BX":                   "65c4f618307b5b4ff7e4cbd1bb469f65c0f038760f6c02c7b06d994a67e44418",
	"short -1 -B4":                       "302dc05e86ad817dca5228d522a5a0331c4479c10ec513e589f803c55a5b8e39",
	"short -1 -l":                        "4627affef35f53625dc65add97206c7bf1e695d9bccb93738d9f4f313aeda03f",
	"short -2 -B4 --no-frame-crc":        "17c8db4c753713e18b616f10cabce9cc608d485c5599c562acd8aa3bd4af51b6",
	"text -1 -B4 -BX":                    "b0f6b51e2faf1ca3f6c39ee3187d25be374803d2b15b37279947d0705bdc6790",
	"text -1 -B4":                        "6a74429c1b3d5a1c05d0adaf410941e5cba1e45a945727764f8ab649e6ad4faa",
	"text -1 -l":                         "fededfe1efef2671a7525cf4f44d566226f599771edbc47998df0588f3a3be37",
	"text -2 -B4 --no-frame-crc":         "ea513634c2bcfe5464f3571f023eb46a8e4399f6652482862fe6c2082ae07fa8",
	"thirteen -1 -B4 -BX":                "677c7d8a5c65a82012a665c7120ec437276bf0032604fff79694eecf0d70f053",
	"thirteen -1 -B4":                    "3a1bc80631632fff882431dd976e75aff5747c372371b34f3c4ee627dbcbacc6",
	"thirteen -1 -l":                     "bf2018b3bfe250170a82e52239beba2662482e0853e87de859bcd7f6095d7de9",
	"thirteen -2 -B4 --no-frame-crc":     "0c19419e0563af444a577f32c332d0634b97bd8e48e4070cda784db7ba0f20c1",
	"twelve -1 -B4 -BX":                  "e1d74a29d41152097c4f20a158c51f468a9ba147d448f6da6130e6c436f3e434",
	"twelve -1 -B4":                      "7cf196acd32a08aff8018569a337d6a011555b61c05602bbce37c5fd83c7e889",
	"twelve -1 -l":                       "eb403d85847eb5568993b38866b660aaa15323a25f8c95d01189a6dfd38e591a",
	"twelve -2 -B4 --no-frame-crc":       "f3fc2cd86c3625346403020084ce06a42c05864e8a1b689d02bbc724d4204aea",
	"zeros -1 -B4 -BX":                   "3e3a5284f57d89e33796cfc4932ab526f17e6fda11906f084e4f6a3624e2bc3d",
	"zeros -1 -B4":                       "07682e82cba93e25b3ef6917edde3affca1f76f9095e7d38aed6df4cb25e1f57",
	"zeros -1 -l":                        "7f4460a790f428546da3fd6560d56d2f4febeaf2ba7a8f200ec63a6d88c35ac9",
	"zeros -2 -B4 --no-frame-crc":        "9baac89366506a47b55f91d4aab75de4948d5d0eb17ff11035c2f1abec669e77",
}

// TestSums compares with what lz4 wrote elsewhere.
func TestSums(t *testing.T) {
	for name, p := range inputs() {
		for s, o := range settings() {
			if got := fmt.Sprintf("%x", sha256.Sum256(compressed(t, p, o, 1<<20))); got != sums[name+" "+s] {
				t.Errorf("%s %s: %s", name, s, got)
			}
		}
	}
}

// TestTool compares with lz4 itself.
func TestTool(t *testing.T) {
	tool, err := exec.LookPath("lz4")
	if err != nil {
		t.Skip("lz4 is missing: nothing to compare with but the sums of what it wrote elsewhere")
	}
	f := filepath.Join(t.TempDir(), "f")
	for name, p := range inputs() {
		if err := os.WriteFile(f, p, 0o600); err != nil {
			t.Fatal(err)
		}
		for s, o := range settings() {
			want, err := exec.Command(tool, append(strings.Fields(s), "-c", f)...).Output()
			if err != nil {
				t.Fatal(err)
			}
			if got := compressed(t, p, o, 1<<20); !bytes.Equal(got, want) {
				t.Errorf("%s %s: %d bytes instead of %d", name, s, len(got), len(want))
			}
		}
	}
}

func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte("hello hello hello"), false)
	f.Add(bytes.Repeat([]byte("ab"), 40_000), true)
	f.Fuzz(func(t *testing.T, p []byte, legacy bool) {
		if legacy && len(p) == 0 {
			return
		}
		z := compressed(t, p, Options{Legacy: legacy, BlockID: 4, Sum: true, BlockSum: true, Size: int64(len(p))}, 1000)
		got, err := io.ReadAll(lz4.NewReader(bytes.NewReader(z)))
		if err != nil || !bytes.Equal(got, p) {
			t.Fatal(err)
		}
	})
}
