// Package evidence gathers all that anyone says about the stages of a chain, and
// has it judged: the tree's own digests, PGP signatures, what registries serve,
// signed rebuild claims, and the rebuilds in the store.
//
// It builds nothing and downloads no layers. What it could not read is in the
// report as unknown, with the reason: whoever shows a verdict has to show that too.
package evidence
