// Package party reads parties.toml: who makes claims, with which keys, and where
// their claims and signatures are found.
//
// It verifies no claim and reaches no network. A key that stands in the file is
// trusted to be its party's; one that is bound by a PGP signature only once that
// signature has been checked.
package party
