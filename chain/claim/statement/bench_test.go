package statement

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/stagescope/stagescope/chain/claim"
)

// benchBundles are claims as StageX's packages make them: 12 inputs, 3 sources.
func benchBundles(b *testing.B, typ KeyType, n int) ([][]byte, Key) {
	k := newKey(b, typ)
	out := make([][]byte, n)
	for i := range out {
		s := sample(b)
		c := s.Claim
		c.Inputs = nil
		for j := range 12 {
			c.Inputs = append(c.Inputs, claim.Input{Stage: fmt.Sprintf("core-dep%02d", j), Manifest: digestOf(fmt.Sprint("D", i, j)), Rootfs: digestOf(fmt.Sprint("F", j))})
		}
		c.Sources = append(c.Sources, claim.Source{Name: "third", Digest: digestOf("third")})
		c.Input, _ = claim.InputDigest(c.Recipe, c.Inputs)
		out[i] = sign(b, s, k)
	}
	return out, Key{Public: k.Public(), Party: "alice"}
}

// BenchmarkVerify gives claims per second on all cores, signatures verified.
func BenchmarkVerify(b *testing.B) {
	for _, typ := range []KeyType{Ed25519, ECDSAP256} {
		bundles, key := benchBundles(b, typ, 256)
		for name, m := range map[string]*Memory{"first": nil, "remembered": new(Memory)} {
			v, err := NewVerifier([]Key{key}, m)
			if err != nil {
				b.Fatal(err)
			}
			for _, data := range bundles { // what is remembered is remembered before
				v.Verify(data)
			}
			b.Run(string(typ)+"/"+name, func(b *testing.B) {
				b.SetBytes(int64(len(bundles[0])))
				b.ReportAllocs()
				var next atomic.Uint64
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						if c := v.Verify(bundles[next.Add(1)%256]); c.Verification.State != claim.Verified {
							b.Error(c.Verification)
							return
						}
					}
				})
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "claims/s")
				b.ReportMetric(float64(runtime.GOMAXPROCS(0)), "cores")
			})
		}
	}
}

// BenchmarkSign gives claims signed per second on one core.
func BenchmarkSign(b *testing.B) {
	k, s := newKey(b, Ed25519), sample(b)
	for b.Loop() {
		if _, err := Sign(b.Context(), s, k); err != nil {
			b.Fatal(err)
		}
	}
}
