package publish

import (
	"fmt"
	"testing"

	"github.com/stagescope/stagescope/chain/claim"
	"github.com/stagescope/stagescope/chain/store"
)

// release fills a directory with the claims of parties on the stages of one
// release, each party with its own output for the last stage.
func release(b *testing.B, stages, parties int) (*Directory, []party, []Query) {
	b.Helper()
	d := NewDirectory(b.TempDir())
	var all []party
	for i := range parties {
		all = append(all, newParty(b, fmt.Sprint("party", i)))
	}
	var queries []Query
	for s := range stages {
		id := fmt.Sprint("core-s", s)
		queries = append(queries, Query{Recipe: recipe(id), Outputs: outputsOf(id)})
		for i, p := range all {
			out := id
			if s == stages-1 {
				out = fmt.Sprint(id, i)
			}
			put(b, d, p.claim(b, id, out))
		}
	}
	return d, all, queries
}

// BenchmarkPull takes a release's claims over into an empty store, and reads
// them there.
func BenchmarkPull(b *testing.B) {
	const stages, parties = 40, 5
	d, all, queries := release(b, stages, parties)
	v := verifier(b, all...)
	b.Run("pull", func(b *testing.B) {
		for b.Loop() {
			s, err := store.Open(b.TempDir())
			if err != nil {
				b.Fatal(err)
			}
			var list []Found
			for _, q := range queries {
				found, _ := Find(b.Context(), []Place{d}, q)
				list = append(list, found...)
			}
			if n, missed := Copy(b.Context(), NewStore(s), list); n != stages*parties || len(missed) > 0 {
				b.Fatal(n, missed)
			}
		}
		b.ReportMetric(float64(b.N*stages*parties)/b.Elapsed().Seconds(), "claims/s")
	})
	s, err := store.Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	for _, q := range queries {
		found, _ := Find(b.Context(), []Place{d}, q)
		Copy(b.Context(), NewStore(s), found)
	}
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			n, own := 0, NewStore(s).Snapshot()
			for _, q := range queries {
				found, missed := Find(b.Context(), []Place{own}, q)
				for _, c := range Claims(v, found) {
					if c.Verification.State == claim.Verified {
						n++
					}
				}
				if len(missed) > 0 {
					b.Fatal(missed)
				}
			}
			if n != stages*parties {
				b.Fatal(n)
			}
		}
		b.ReportMetric(float64(b.N*stages*parties)/b.Elapsed().Seconds(), "claims/s")
	})
}
