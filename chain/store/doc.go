// Package store keeps images, sources, results, logs, layer indexes and claims
// on disk as one OCI image layout that many processes share.
//
// It verifies what it takes in, and never removes evidence unasked. It does not
// judge a digest, parse an image's layers or reach the network.
package store
