// Package statement writes, signs, reads and verifies rebuild claims: in-toto
// statements with SLSA provenance, in DSSE envelopes, in sigstore bundles; and
// it reads the attestations that others publish.
//
// It opens no connection, starts no program, stores nothing but key files that
// it is asked to write, and does not judge what a verified claim is worth. An
// attestation that it has verified is never a rebuild claim.
package statement
