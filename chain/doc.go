// Package chain is the model of a bootstrap chain: stages, what they need,
// the sources they pin, and the digests their tree publishes for them.
//
// It holds values only. It does not read a tree (package stagex does), build
// anything (package rebuild does) or judge a digest.
package chain
