package lz4

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pierrec/lz4/v4"
	"github.com/stagescope/stagescope/diff/compressed/internal/sample"
	"github.com/stagescope/stagescope/diff/internal/realtool"
)

// inputs are contents that the search treats differently. They are the same on
// every machine.
func inputs() map[string][]byte {
	r := sample.Rand()
	noise := sample.Noise(r, 200_000)
	text := sample.Text(r, 450_000)
	few := sample.Few(r, 70_000)
	hardly := bytes.Clone(noise[:65_000]) // compresses by a few bytes, or not
	copy(hardly[60_000:], hardly[:40])
	return map[string][]byte{
		"one": {'x'}, "twelve": []byte("aaaaaaaaaaaa"), "thirteen": []byte("aaaaaaaaaaaaa"), "short": []byte("hello hello hello hello"), "zeros": make([]byte, 300_000),
		"noise": noise, "text": text, "few": few, "hardly": hardly, "edge": text[:65_546], "edge and one": text[:65_547], "block": text[:262_144],
		"mixed": bytes.Join([][]byte{noise[:40_000], text[:90_000], make([]byte, 70_000), noise[:50_000], text}, nil),
	}
}

// settings are the tool's options and what they mean here. A file that fits a
// block says smaller blocks; that is left out with -B4.
func settings() map[string]Options {
	out := map[string]Options{
		"-1 -B4": {BlockID: 4, Sum: true, Size: -1}, "-2 -B4 --no-frame-crc": {BlockID: 4, Size: -1}, "-1 -B4 -BX": {BlockID: 4, BlockSum: true, Sum: true, Size: -1},
		"-1 -l": {Legacy: true}, "-9 -l": {Legacy: true, Level: 9},
	}
	for level := 3; level <= 9; level++ {
		out[fmt.Sprintf("-%d -B4", level)] = Options{Level: level, BlockID: 4, Sum: true, Size: -1}
	}
	for s, o := range out {
		o.Level = max(o.Level, 1)
		out[s] = o
	}
	return out
}

func compressed(t testing.TB, p []byte, o Options, chunk int) []byte {
	t.Helper()
	return sample.Compressed(t, func(w io.Writer) (io.WriteCloser, error) { return NewWriter(w, o) }, p, chunk)
}

func TestRoundTrip(t *testing.T) {
	for name, p := range inputs() {
		for s, o := range settings() {
			if o.Level > 3 && o.Level < 9 {
				continue // no other code than the levels beside
			}
			for _, id := range []int{4, 6} {
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
	if _, err := NewWriter(io.Discard, Options{Level: 1, BlockID: 3}); err == nil {
		t.Error("blocks of no size")
	}
}

// sums are those of what lz4 1.9.4 writes of the inputs.
var sums = map[string]string{
	"block -1 -B4 -BX":                   "7f5e80032e24b443cfe15378766645ec2d8221fd875c6db7e4a49720f2489095",
	"block -1 -B4":                       "4f126115fa742c1d13721c551d1e2fda325665df169bada2eb42fde92098fa5f",
	"block -1 -l":                        "2620afb171f0933e9e3b2c64dea7fe5592bbfaa3eebfb05191e1dd24ddb8fd35",
	"block -2 -B4 --no-frame-crc":        "e88cd49bf9cc01a6911265d53e32a9533af4b7b9be55f149cf0daa24208f4363",
	"block -3 -B4":                       "e7078b5c5396bb7c291451b285385fdda6f615d2fd5f3ba680ff94e0cede282e",
	"block -4 -B4":                       "6b56204abb94fd90d1f1b18ef955e55a9f7105d881ab5dd3661a24dfbb7d1c82",
	"block -5 -B4":                       "898200de7bcc92180718b7ed0d82b4364c464c5fd27c516c93b644f00ef38df2",
	"block -6 -B4":                       "93b629c326db7ab3eaa10f1bfc71473aa4c457692d1f2b5cc521736e7cb84426",
	"block -7 -B4":                       "f08dd8c219172bd60bbe1efc749c216c3d9ace53c2898bcb80ff55cf126fc6b9",
	"block -8 -B4":                       "e27e3c79e30815fd632ef2a4892be535e2f8ea353fd028cd6ec4d8bf68cf748f",
	"block -9 -B4":                       "94a239b13dca7bb1032e16be42bae2eef1eb9a52f2f0177486177a727bd2d975",
	"block -9 -l":                        "7385ee214e34f8a1d65fef56b995fff813aa03d22c1545e95e270f9990e2ead2",
	"edge -1 -B4 -BX":                    "f2dacd36200805f26d34324007f82fd4dd0d5ed3c74646a0ad77f6765559d887",
	"edge -1 -B4":                        "465f4d277c38f376ea7c78d32607d2533f8067ed267638eafb11d417f4224970",
	"edge -1 -l":                         "0cc3e6960c7158a3076754fcd7e4c456f749b0a38a21aa8b1bb3a1099572141d",
	"edge -2 -B4 --no-frame-crc":         "fbcb370f2b02ece9c53350d9c1a5949213d151e0b05204f1303286fb1057fc8f",
	"edge -3 -B4":                        "7eab247e32abdcdab95d9c32580d7b521d1d151e1e4a444c1ee3f7888b85c37b",
	"edge -4 -B4":                        "5e9010618fd64c722f7f67e4458f63b06560c5a1cfc0cfb5836000c584ec6b37",
	"edge -5 -B4":                        "a0134a128191df289f93eadc5cf6016f374a001cda9996739f9cb098d1e75110",
	"edge -6 -B4":                        "82b473d5e845385fe34a885955ce11b5e0c33a5033e05c9b2cdfa119aee96800",
	"edge -7 -B4":                        "36f8cfe892cf6a1b43a26c0366260920cda4220c2558ad660337e57b541faef5",
	"edge -8 -B4":                        "750d18c8b3c4e3f3ad8c56a86b0b14fd2b2fa319f02c1f8fa73b6f3221ed084a",
	"edge -9 -B4":                        "4760bbb0777ded4b1dc08b4280d4c4887cf8cf627f67c49083a11fb7abba36a2",
	"edge -9 -l":                         "ed591a1259af4f399c354a96a7b70f40d3e973db0f201806cfb5f6efe8956d8f",
	"edge and one -1 -B4 -BX":            "34f3de18a75891dc226b1081f1a91dc6ba4d97a231f74afa42b8dccf2287f725",
	"edge and one -1 -B4":                "4571cc9938b0cb406f3368c330b819e1246e8f9eab935b2a45fbfa64f85c778a",
	"edge and one -1 -l":                 "68dcba98498645a0372b239100bc75bd3ea863e6f809b7fe9f5be7f36a49a94e",
	"edge and one -2 -B4 --no-frame-crc": "32421868fd89e15ec6b70eb1c69ebd7e798100004871e17ebdc420abe46c8e40",
	"edge and one -3 -B4":                "0d5bd68bef8624610df09457432a6df3ee0447c52ffba96df6ba01e5ebc0fbbf",
	"edge and one -4 -B4":                "2e7bc0cbf9a731e69f61bd37b6a99b3b18c7d39c3499f56abf056f823241796b",
	"edge and one -5 -B4":                "e008d266c0249e11b6d28987db3e168d947b8e0ad076b5a3c0b4d513e64f5062",
	"edge and one -6 -B4":                "e4930a9ba20c7f315671122bce340302725edf37166a16acc695e4463db7a785",
	"edge and one -7 -B4":                "23e99eec49473101b05ba9b6ffa6d3450f6eac0be899e288e77a07897a0aca21",
	"edge and one -8 -B4":                "6eba63e9bbc10b1850090f6b9d6db6e3623c3613ee3ff5594a7ea80307c277d1",
	"edge and one -9 -B4":                "cbc02908f0d22cbcf1c7a7a321ce572dcd9bb4d73b64131ca860f8627a6b34cc",
	"edge and one -9 -l":                 "21fe74cec692fc1c73bd788166c6fda99812fadbf1b6fecaa56c1c270490dfc6",
	"few -1 -B4 -BX":                     "1e9f903aa0fce2287fcf666b21c3b4eede898c0c03f52f08e5c541796902fb40",
	"few -1 -B4":                         "b1bcf80a67ecb3907ef6d14a87f66fb4f642bfd981b5f547a434dcf0d99d3482",
	"few -1 -l":                          "9aeecd77e76a013a70f287e7b2d9e5580d73c18906a791a35c1ab3a0afbe20e8",
	"few -2 -B4 --no-frame-crc":          "85c5bb73616415b727fe24fdd4b649468f0b56bd0841bc406030d4354fe56b56",
	"few -3 -B4":                         "6ad66a293778488aa86069d956c1411c84836825d45e7e8c9e54be2f98fecc65",
	"few -4 -B4":                         "2c8954c5e5211aa35b8dab26af49231b48980823fb8711e79be4fb2103a27be6",
	"few -5 -B4":                         "54945ad39d32e9fd0323d23c2be283180859c04489322e7b0528f6402aadb1d5",
	"few -6 -B4":                         "55c750e52f32b5f86a0142bca7ba03482d8f15824738cefbf5b1b77c0abb2034",
	"few -7 -B4":                         "9fbb211b2218be1c0e8de863e6c2b5f4046780ee7b5dc0554447fcc329beae2c",
	"few -8 -B4":                         "c5b9947e874aadb4a384c56f43c1d86c8b93257f22d96c75b449de4d17d6795d",
	"few -9 -B4":                         "0151f2fc91926a2061740d06dea8e02a65095bb58757f4941dbd73b2828cc51f",
	"few -9 -l":                          "9b9ec687038ef2e6f91887394621414af153056b097e65008e2eb80a60377ca5",
	"hardly -1 -B4 -BX":                  "caa77a1d7632e25668eecd1b68f63fa4d1ce8b71f98c81ca603d3c52d25d47d2",
	"hardly -1 -B4":                      "568627f915667b27489ae82f1e9c2588478e2e2e5a554e1f394b6523833dc2e8",
	"hardly -1 -l":                       "41223313c21c7edfeed3a45278ca4ec984612f67333b766a2d9dd7aab2e5ea55",
	"hardly -2 -B4 --no-frame-crc":       "886c217d0fc8b3fbe05c154aa34faca06a6af410cb4d3bfd893ef197becdc134",
	"hardly -3 -B4":                      "568627f915667b27489ae82f1e9c2588478e2e2e5a554e1f394b6523833dc2e8",
	"hardly -4 -B4":                      "568627f915667b27489ae82f1e9c2588478e2e2e5a554e1f394b6523833dc2e8",
	"hardly -5 -B4":                      "568627f915667b27489ae82f1e9c2588478e2e2e5a554e1f394b6523833dc2e8",
	"hardly -6 -B4":                      "568627f915667b27489ae82f1e9c2588478e2e2e5a554e1f394b6523833dc2e8",
	"hardly -7 -B4":                      "568627f915667b27489ae82f1e9c2588478e2e2e5a554e1f394b6523833dc2e8",
	"hardly -8 -B4":                      "568627f915667b27489ae82f1e9c2588478e2e2e5a554e1f394b6523833dc2e8",
	"hardly -9 -B4":                      "568627f915667b27489ae82f1e9c2588478e2e2e5a554e1f394b6523833dc2e8",
	"hardly -9 -l":                       "16f57dd2d9ad54a4fe349676008a1c84b98020e731de7367ab24aabac6317f7d",
	"mixed -1 -B4 -BX":                   "f1afc3656c5a9875f0057ee75412ff8e4358d9f11178c25435980ea9bb31be45",
	"mixed -1 -B4":                       "9c162f268149f07f0a3153991c9b870ad55cbba953cbd7bf1328c7321b4ebb49",
	"mixed -1 -l":                        "080f78dd8234d48764cfd9799660eb2c19f2d1249b755b38b662e073b34d1db5",
	"mixed -2 -B4 --no-frame-crc":        "85d0293448709384938491f085fa95212e233d15b7999bceb1966fc2005d557c",
	"mixed -3 -B4":                       "85add10cadc541f7a6a7346f56f2ad9df7104a70a51ab06a555dc1bf3322509d",
	"mixed -4 -B4":                       "69b833275b08aa9dfcdef0b0b1d8e20607353e057f0656bd3fcb68ad52c8947f",
	"mixed -5 -B4":                       "c5959180927f32abf20c77790375a8c46b78bdbeb176669455c0872bd17c4825",
	"mixed -6 -B4":                       "0063f7120e65c2ce3303c753ac5b71ed116d9b9900c072f700a1579b0cd965b9",
	"mixed -7 -B4":                       "1d18c90a153150e9e38abdbc421e87c1505182ca70b966c57dbb5ccc7d6ae676",
	"mixed -8 -B4":                       "4d294ca8005051c9224c9e7ceecc848b23012bceadfcb398968826650d3a579e",
	"mixed -9 -B4":                       "5a97c4d37e42eb43e3056a547f8784a34794a66e964e134f7906a241a22a071f",
	"mixed -9 -l":                        "670c8000f17184c8f4da2164297a8aa1ee10d3aafe391a7bdad9199338b7154d",
	"noise -1 -B4 -BX":                   "d64b57337365186c653b3f2b3ba8bfc90e600fca712e8b76267feb443f7a1aaf",
	"noise -1 -B4":                       "de97ab9223f2f6612625c205f7f6e5aac5ee54c65aa2efc3ac561a55c21ee7de",
	"noise -1 -l":                        "9627d753f2a621e877767d08c39790d6c04896740dc28ce69fbcf4c084455ca1",
	"noise -2 -B4 --no-frame-crc":        "2a47ebce4e68d82e5a2bc0c23732302f2b7eba98ef43068e7bce9ac8372b3f13",
	"noise -3 -B4":                       "de97ab9223f2f6612625c205f7f6e5aac5ee54c65aa2efc3ac561a55c21ee7de",
	"noise -4 -B4":                       "de97ab9223f2f6612625c205f7f6e5aac5ee54c65aa2efc3ac561a55c21ee7de",
	"noise -5 -B4":                       "de97ab9223f2f6612625c205f7f6e5aac5ee54c65aa2efc3ac561a55c21ee7de",
	"noise -6 -B4":                       "de97ab9223f2f6612625c205f7f6e5aac5ee54c65aa2efc3ac561a55c21ee7de",
	"noise -7 -B4":                       "de97ab9223f2f6612625c205f7f6e5aac5ee54c65aa2efc3ac561a55c21ee7de",
	"noise -8 -B4":                       "de97ab9223f2f6612625c205f7f6e5aac5ee54c65aa2efc3ac561a55c21ee7de",
	"noise -9 -B4":                       "de97ab9223f2f6612625c205f7f6e5aac5ee54c65aa2efc3ac561a55c21ee7de",
	"noise -9 -l":                        "bf24ab99e889a1760daae39180180c3871df1ed582a0a358fcd41f074a6b3eb7",
	"one -1 -B4 -BX":                     "1d7e528e2af7cf4d205f3b85bffd1ca01244bec7672ccfa21b737c4f83a04317",
	"one -1 -B4":                         "cad28fb4d7ad00a68cb0ed67553a2aabd8b618be363dd45cb320996830ec2c99",
	"one -1 -l":                          "4d5a08ac5f733a7044be7f8ab51baa1fc258e13e3edd3d33b18fd2f50712f914",
	"one -2 -B4 --no-frame-crc":          "2494b927d8bffdf488ca5f8c6b3664260dd67847a364872ded366caa6c412c63",
	"one -3 -B4":                         "cad28fb4d7ad00a68cb0ed67553a2aabd8b618be363dd45cb320996830ec2c99",
	"one -4 -B4":                         "cad28fb4d7ad00a68cb0ed67553a2aabd8b618be363dd45cb320996830ec2c99",
	"one -5 -B4":                         "cad28fb4d7ad00a68cb0ed67553a2aabd8b618be363dd45cb320996830ec2c99",
	"one -6 -B4":                         "cad28fb4d7ad00a68cb0ed67553a2aabd8b618be363dd45cb320996830ec2c99",
	"one -7 -B4":                         "cad28fb4d7ad00a68cb0ed67553a2aabd8b618be363dd45cb320996830ec2c99",
	"one -8 -B4":                         "cad28fb4d7ad00a68cb0ed67553a2aabd8b618be363dd45cb320996830ec2c99",
	"one -9 -B4":                         "cad28fb4d7ad00a68cb0ed67553a2aabd8b618be363dd45cb320996830ec2c99",
	"one -9 -l":                          "4d5a08ac5f733a7044be7f8ab51baa1fc258e13e3edd3d33b18fd2f50712f914",
	"short -1 -B4 -BX":                   "65c4f618307b5b4ff7e4cbd1bb469f65c0f038760f6c02c7b06d994a67e44418",
	"short -1 -B4":                       "302dc05e86ad817dca5228d522a5a0331c4479c10ec513e589f803c55a5b8e39",
	"short -1 -l":                        "4627affef35f53625dc65add97206c7bf1e695d9bccb93738d9f4f313aeda03f",
	"short -2 -B4 --no-frame-crc":        "17c8db4c753713e18b616f10cabce9cc608d485c5599c562acd8aa3bd4af51b6",
	"short -3 -B4":                       "302dc05e86ad817dca5228d522a5a0331c4479c10ec513e589f803c55a5b8e39",
	"short -4 -B4":                       "302dc05e86ad817dca5228d522a5a0331c4479c10ec513e589f803c55a5b8e39",
	"short -5 -B4":                       "302dc05e86ad817dca5228d522a5a0331c4479c10ec513e589f803c55a5b8e39",
	"short -6 -B4":                       "302dc05e86ad817dca5228d522a5a0331c4479c10ec513e589f803c55a5b8e39",
	"short -7 -B4":                       "302dc05e86ad817dca5228d522a5a0331c4479c10ec513e589f803c55a5b8e39",
	"short -8 -B4":                       "302dc05e86ad817dca5228d522a5a0331c4479c10ec513e589f803c55a5b8e39",
	"short -9 -B4":                       "302dc05e86ad817dca5228d522a5a0331c4479c10ec513e589f803c55a5b8e39",
	"short -9 -l":                        "4627affef35f53625dc65add97206c7bf1e695d9bccb93738d9f4f313aeda03f",
	"text -1 -B4 -BX":                    "b0f6b51e2faf1ca3f6c39ee3187d25be374803d2b15b37279947d0705bdc6790",
	"text -1 -B4":                        "6a74429c1b3d5a1c05d0adaf410941e5cba1e45a945727764f8ab649e6ad4faa",
	"text -1 -l":                         "fededfe1efef2671a7525cf4f44d566226f599771edbc47998df0588f3a3be37",
	"text -2 -B4 --no-frame-crc":         "ea513634c2bcfe5464f3571f023eb46a8e4399f6652482862fe6c2082ae07fa8",
	"text -3 -B4":                        "dbcc5575395829d18de7537cb1545fa7c7e479248de330827e5cc5db81313ea0",
	"text -4 -B4":                        "c762b7213ca66da79f3893c591bc3a7ab9dc8acc2de11ec4f3d0a861e3c4d80e",
	"text -5 -B4":                        "2f2dc6fd26c0741448c857cbdb12b790ff63338a628fa398a9862db2ffc6feb1",
	"text -6 -B4":                        "c7aad5c23142c4b718491e1b9ec837e71cc9f80310bf71e1c92cd1298f440f7e",
	"text -7 -B4":                        "ffc1506e595315db81aaab2f0fd1dff9d50c8ae2860b446ced6ff6b5213a026f",
	"text -8 -B4":                        "57b1c19a8adb17e17df85cf23dae40dc54fbfe5bbb4e25efa9248dc4e9a82a71",
	"text -9 -B4":                        "286533466f70825a773d2c28bed341e51ba513c86a3a28252d3897d474ee7d38",
	"text -9 -l":                         "3eed1de9134a8e46256c1360a13a61feed6246d22d90ed72f1f5fd1cd7f932fe",
	"thirteen -1 -B4 -BX":                "677c7d8a5c65a82012a665c7120ec437276bf0032604fff79694eecf0d70f053",
	"thirteen -1 -B4":                    "3a1bc80631632fff882431dd976e75aff5747c372371b34f3c4ee627dbcbacc6",
	"thirteen -1 -l":                     "bf2018b3bfe250170a82e52239beba2662482e0853e87de859bcd7f6095d7de9",
	"thirteen -2 -B4 --no-frame-crc":     "0c19419e0563af444a577f32c332d0634b97bd8e48e4070cda784db7ba0f20c1",
	"thirteen -3 -B4":                    "3a1bc80631632fff882431dd976e75aff5747c372371b34f3c4ee627dbcbacc6",
	"thirteen -4 -B4":                    "3a1bc80631632fff882431dd976e75aff5747c372371b34f3c4ee627dbcbacc6",
	"thirteen -5 -B4":                    "3a1bc80631632fff882431dd976e75aff5747c372371b34f3c4ee627dbcbacc6",
	"thirteen -6 -B4":                    "3a1bc80631632fff882431dd976e75aff5747c372371b34f3c4ee627dbcbacc6",
	"thirteen -7 -B4":                    "3a1bc80631632fff882431dd976e75aff5747c372371b34f3c4ee627dbcbacc6",
	"thirteen -8 -B4":                    "3a1bc80631632fff882431dd976e75aff5747c372371b34f3c4ee627dbcbacc6",
	"thirteen -9 -B4":                    "3a1bc80631632fff882431dd976e75aff5747c372371b34f3c4ee627dbcbacc6",
	"thirteen -9 -l":                     "bf2018b3bfe250170a82e52239beba2662482e0853e87de859bcd7f6095d7de9",
	"twelve -1 -B4 -BX":                  "e1d74a29d41152097c4f20a158c51f468a9ba147d448f6da6130e6c436f3e434",
	"twelve -1 -B4":                      "7cf196acd32a08aff8018569a337d6a011555b61c05602bbce37c5fd83c7e889",
	"twelve -1 -l":                       "eb403d85847eb5568993b38866b660aaa15323a25f8c95d01189a6dfd38e591a",
	"twelve -2 -B4 --no-frame-crc":       "f3fc2cd86c3625346403020084ce06a42c05864e8a1b689d02bbc724d4204aea",
	"twelve -3 -B4":                      "7cf196acd32a08aff8018569a337d6a011555b61c05602bbce37c5fd83c7e889",
	"twelve -4 -B4":                      "7cf196acd32a08aff8018569a337d6a011555b61c05602bbce37c5fd83c7e889",
	"twelve -5 -B4":                      "7cf196acd32a08aff8018569a337d6a011555b61c05602bbce37c5fd83c7e889",
	"twelve -6 -B4":                      "7cf196acd32a08aff8018569a337d6a011555b61c05602bbce37c5fd83c7e889",
	"twelve -7 -B4":                      "7cf196acd32a08aff8018569a337d6a011555b61c05602bbce37c5fd83c7e889",
	"twelve -8 -B4":                      "7cf196acd32a08aff8018569a337d6a011555b61c05602bbce37c5fd83c7e889",
	"twelve -9 -B4":                      "7cf196acd32a08aff8018569a337d6a011555b61c05602bbce37c5fd83c7e889",
	"twelve -9 -l":                       "eb403d85847eb5568993b38866b660aaa15323a25f8c95d01189a6dfd38e591a",
	"zeros -1 -B4 -BX":                   "3e3a5284f57d89e33796cfc4932ab526f17e6fda11906f084e4f6a3624e2bc3d",
	"zeros -1 -B4":                       "07682e82cba93e25b3ef6917edde3affca1f76f9095e7d38aed6df4cb25e1f57",
	"zeros -1 -l":                        "7f4460a790f428546da3fd6560d56d2f4febeaf2ba7a8f200ec63a6d88c35ac9",
	"zeros -2 -B4 --no-frame-crc":        "9baac89366506a47b55f91d4aab75de4948d5d0eb17ff11035c2f1abec669e77",
	"zeros -3 -B4":                       "07682e82cba93e25b3ef6917edde3affca1f76f9095e7d38aed6df4cb25e1f57",
	"zeros -4 -B4":                       "07682e82cba93e25b3ef6917edde3affca1f76f9095e7d38aed6df4cb25e1f57",
	"zeros -5 -B4":                       "07682e82cba93e25b3ef6917edde3affca1f76f9095e7d38aed6df4cb25e1f57",
	"zeros -6 -B4":                       "07682e82cba93e25b3ef6917edde3affca1f76f9095e7d38aed6df4cb25e1f57",
	"zeros -7 -B4":                       "07682e82cba93e25b3ef6917edde3affca1f76f9095e7d38aed6df4cb25e1f57",
	"zeros -8 -B4":                       "07682e82cba93e25b3ef6917edde3affca1f76f9095e7d38aed6df4cb25e1f57",
	"zeros -9 -B4":                       "07682e82cba93e25b3ef6917edde3affca1f76f9095e7d38aed6df4cb25e1f57",
	"zeros -9 -l":                        "7f4460a790f428546da3fd6560d56d2f4febeaf2ba7a8f200ec63a6d88c35ac9",
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
	tool := realtool.Find(t, "lz4", "nothing to compare with but the sums of what it wrote elsewhere")
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
	f.Add([]byte("hello hello hello"), false, uint(0))
	f.Add(bytes.Repeat([]byte("ab"), 40_000), true, uint(8))
	f.Fuzz(func(t *testing.T, p []byte, legacy bool, level uint) {
		if legacy && len(p) == 0 {
			return
		}
		z := compressed(t, p, Options{Level: 1 + int(level%9), Legacy: legacy, BlockID: 4, Sum: true, BlockSum: true, Size: int64(len(p))}, 1000)
		got, err := io.ReadAll(lz4.NewReader(bytes.NewReader(z)))
		if err != nil || !bytes.Equal(got, p) {
			t.Fatal(err)
		}
	})
}
