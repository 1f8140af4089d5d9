package bzip2

import (
	"bytes"
	stdbzip2 "compress/bzip2"
	"crypto/sha256"
	"fmt"
	"io"
	"os/exec"
	"testing"

	"github.com/stagescope/stagescope/diff/compressed/internal/sample"
	"github.com/stagescope/stagescope/diff/internal/realtool"
)

// inputs are contents that blocks, sorts and tables treat differently. They are
// the same on every machine.
func inputs() map[string][]byte {
	r := sample.Rand()
	noise := sample.Noise(r, 250_000)
	text := sample.Text(r, 450_000)
	few := sample.Few(r, 120_000)
	skewed := sample.Skewed(r, 160_000, 60)
	runs := bytes.Buffer{}
	for runs.Len() < 300_000 {
		runs.Write(bytes.Repeat([]byte{byte(r.IntN(4))}, 1+r.IntN(600)))
	}
	cycle := make([]byte, 10_240)
	for i := range cycle {
		cycle[i] = byte(255 - i%256)
	}
	return map[string][]byte{
		"empty": nil, "one": {'x'}, "four": []byte("aaaa"), "short": []byte("hello hello hello hello"), "repeats": bytes.Repeat([]byte("abc"), 3000),
		"repeats longer": bytes.Repeat([]byte("abcde"), 3000), "cycle": cycle, "cycle of noise": bytes.Repeat(noise[:5200], 2), "zeros": make([]byte, 1_200_000),
		"block to the byte": text[:99_981], "and one more": text[:99_982], "run over the block's end": append(bytes.Clone(noise[:99_978]), make([]byte, 700)...),
		"noise": noise, "text": text, "few": few, "skewed": skewed, "runs": runs.Bytes(),
		"mixed": bytes.Join([][]byte{noise[:40_000], text[:90_000], make([]byte, 70_000), noise[:50_000], text}, nil),
	}
}

func compressed(t testing.TB, p []byte, level, chunk int) []byte {
	t.Helper()
	return sample.Compressed(t, func(w io.Writer) (io.WriteCloser, error) { return NewWriter(w, level) }, p, chunk)
}

func TestRoundTrip(t *testing.T) {
	for name, p := range inputs() {
		for _, level := range []int{1, 9} {
			z := compressed(t, p, level, 1<<20)
			got, err := io.ReadAll(stdbzip2.NewReader(bytes.NewReader(z)))
			if err != nil || !bytes.Equal(got, p) {
				t.Fatalf("%s, level %d: %d bytes, %v", name, level, len(got), err)
			}
			if !bytes.Equal(z, compressed(t, p, level, 777)) {
				t.Fatalf("%s, level %d: other bytes when it comes in pieces", name, level)
			}
		}
	}
	for _, level := range []int{0, 10} {
		if _, err := NewWriter(io.Discard, level); err == nil {
			t.Errorf("level %d", level)
		}
	}
}

// sums are those of what bzip2 1.0.8 writes of the inputs, by level.
var sums = map[string]string{
	"and one more 1":             "f0fd4f3b864ebb387e3769b241ea0f8508f862849875b66aed43b4a01dd9ec47",
	"and one more 9":             "5e5fd0f1142d0595e63db152a38a5e0177a9af5221e7bf9be12d1a4b74f4da4a",
	"block to the byte 1":        "609db5a35b946b807e655907397e239308fc9e6375db1c73483f7c973423d9b2",
	"block to the byte 9":        "780e562b4811ca48e55ffa9ef1a58473d21b0515cde13e224b1e35be8fdf9c9d",
	"cycle 1":                    "b80dc06f77791325af952b41a0caa4321a0812cbaf9bdae70b67a889b1e9a493",
	"cycle 9":                    "a4e786282cfdd2ac7daac3ed5b17d5121a8673e5d2076ffa7c5fe0b327fa53a5",
	"cycle of noise 1":           "bc68a1631fa75739844f99d7bf9989d22fd2c21d7ab8de7ec59cb5ae824f56d5",
	"cycle of noise 9":           "fc11146d5c4ace46ad3bda48dfbbfd970aa57231e55b5bfa28090c775db3ab67",
	"empty 1":                    "c82685296a2d914c9acd6f6f6db1d1ad364f502b26af5e6ca8874c09880d5cf9",
	"empty 9":                    "d3dda84eb03b9738d118eb2be78e246106900493c0ae07819ad60815134a8058",
	"few 1":                      "4e9342748844c8dcb8f30179ee10c8eacb658f8168556383f133c383fcda83b7",
	"few 9":                      "74b78ef3fc6674132d4c74feb80a0c993346810601ea44a532ac13cc1c311ef2",
	"four 1":                     "ef5ba3dea38d13c7ddd2444ffcd7ed7c5d4eee1d07c44ab7e80fe94950ffeaae",
	"four 9":                     "f9db681f1eaa4fc14334aead81be5fad3cc16f7a2ddeb831bef7d4592f1d34ed",
	"mixed 1":                    "f04375b35e57a581df5eb2c17f4c6efd76172ece7b2acefab9dcaa2cf93451e6",
	"mixed 9":                    "c129716c8b27d2f1ce5dc342c7ea18b07ffe6c4930c997ae88efe290ee165c34",
	"noise 1":                    "6f6d06921db1a4f2882cb21f7e63aa82c3bffe8b832b697195ab59a0190c4341",
	"noise 9":                    "94dcd5a595d5ca647400315e99870add771a446ddacc02d4a483cb353646919f",
	"one 1":                      "b669cce2c3a7a5b4036c21520b1c68f398b34f5a0357ee0f6726f9a62055959f",
	"one 9":                      "f8ea353d2321ffb9f2c50a971924afb6de53221ef68eaf6ccddb2aae60bc9d41",
	"repeats 1":                  "8f724d6d941ec5183286ff2df01510a5641a1e71d3bc9c704f4888a2e0184cae",
	"repeats 9":                  "775f8a907508bb0c7b5966d517e4a29ab30a25822099e322a58a166aabb1be9f",
	"repeats longer 1":           "6f691dafa796f9d024ebfc2c58d85c1de7daf9c831541f7f1c756dd6c50b0a60",
	"repeats longer 9":           "956282dbafaa84e71fd0adb0c10df55288098abca5bb75d9f22c5817da671176",
	"run over the block's end 1": "d3494341ad68bf209ce858c71f0f9e091bdfa96c84e169b3065ecc2aa558c7c5",
	"run over the block's end 9": "86712b86072a4f9e0bc729ddae31b004493dd5d59caacf3273315a2b7bef5e22",
	"runs 1":                     "4878dcc96c83ee49f3e4802bb68d299044b473eccd5ae7c3e12aade108ee4788",
	"runs 9":                     "3f0239b2e9e54dc4385802c91797fc79352c7fb598b9295770c512d12c649fd1",
	"short 1":                    "c0b90fbfcbf0d0f8ce21350e9dd54e9bd7bac3c9acb93e8a1f5d2be3309e6ec6",
	"short 9":                    "10575a16e0734b4e48b7bd951e4b0b9cb4595cf8523de1ad1800fafe3f1c890b",
	"skewed 1":                   "38ff7d7d240f2db52d52a97145207e5e222ff2cff025b58c7784b3171966f8c5",
	"skewed 9":                   "78826c4e185bb8d2fab7f045f595c097d3d1e9e623b77d0d55569722e9eb77de",
	"text 1":                     "b0e4466249214c1eef5b614942615c46b12d346f138194145a0630c6b51f3316",
	"text 9":                     "c5b74baeb8df89dcbc18679f24aeadaa5d1c412f084d921dc1e420006e3db1e8",
	"zeros 1":                    "ca01f06fb9d924188284df1596362ab1f5013a4c47c3dbdea8528d7e59ffe05d",
	"zeros 9":                    "8d63e6cbac02347a335d0ad7b49071fdbb356a0943ca86511ca39f4eb3f81115",
}

// TestSums compares with what bzip2 wrote elsewhere.
func TestSums(t *testing.T) {
	for name, p := range inputs() {
		for _, level := range []int{1, 9} {
			if got := fmt.Sprintf("%x", sha256.Sum256(compressed(t, p, level, 1<<20))); got != sums[fmt.Sprintf("%s %d", name, level)] {
				t.Errorf("%s, level %d: %s", name, level, got)
			}
		}
	}
}

// TestTool compares with bzip2 itself.
func TestTool(t *testing.T) {
	tool := realtool.Find(t, "bzip2", "nothing to compare with but the sums of what it wrote elsewhere")
	for name, p := range inputs() {
		for level := 1; level <= 9; level++ {
			if level > 1 && level < 9 && name != "mixed" && name != "text" {
				continue
			}
			c := exec.Command(tool, "-c", fmt.Sprintf("-%d", level))
			c.Stdin = bytes.NewReader(p)
			want, err := c.Output()
			if err != nil {
				t.Fatal(err)
			}
			if got := compressed(t, p, level, 1<<20); !bytes.Equal(got, want) {
				t.Errorf("%s, level %d: %d bytes instead of %d", name, level, len(got), len(want))
			}
		}
	}
}

func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte("hello hello hello"), uint(6))
	f.Add(bytes.Repeat([]byte("ab"), 40_000), uint(1))
	f.Fuzz(func(t *testing.T, p []byte, level uint) {
		z := compressed(t, p, 1+int(level%9), 1000)
		got, err := io.ReadAll(stdbzip2.NewReader(bytes.NewReader(z)))
		if err != nil || !bytes.Equal(got, p) {
			t.Fatal(err)
		}
	})
}
