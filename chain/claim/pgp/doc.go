// Package pgp reads and prepares StageX's OpenPGP signatures: who signed which
// digest of which image, in the forms of all three eras, from a directory or an
// HTTPS lookaside.
//
// It makes no signature and holds no secret key, fetches no keyring, hashes no
// image, and does not judge whether enough persons agree.
package pgp
