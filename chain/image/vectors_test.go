package image

import "github.com/stagescope/stagescope/chain"

// The expected values of the test vectors. Whoever implements F or T again can
// check the implementation by them.
const (
	vectorEmpty chain.Digest = "sha256:096868a339dcf2aaac0175fd279ea911f24e45cb410ed070297c796121c71b11"
	vectorHello chain.Digest = "sha256:cad1bf7f25179b9262ce49dd0a6c66b138de2c7dcb3f7ccfabd4c10e988628d4"
	vectorFull  chain.Digest = "sha256:e8c76bb1ad44b103a05cc7149e92950098283fb6bbb4813a7e11102ace93cdfc"
	rootfsNone  chain.Digest = "sha256:df3f619804a92fdb4057192dc43dd748ea778adc52bc498ce80524c014b81119"
	rootfsOne   chain.Digest = "sha256:bb324e8a7117a91da7a63839866c18bcbde7e20e8595bcd385647de0cac659d6"
	rootfsTwo   chain.Digest = "sha256:9e2620178272374f8224377ffe74e7cb2462837075af961ea0f2c4e0e51e1263"
)
