// Package attest finds and verifies what a publisher attached to an image:
// cosign signatures, provenance, bills of materials and other attestations.
//
// An attestation says who built an image, or what its builder says is in it. It
// never says that the bytes follow from the source, whoever signed it, and so
// counts for no verdict: package claim shows it beside the rebuild evidence. The
// package makes no attestation, and fetches no key and no trusted root.
package attest
