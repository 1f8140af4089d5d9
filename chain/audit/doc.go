// Package audit says where trust ends: which bytes a chain rests on that no one
// can check against a source. It reports seeds, other binaries in the tree,
// images that are no stages, inputs without a pin, steps that keep the network,
// and what is known of the sources; and what it did not look at.
//
// It does not say whether bytes follow from their source: that is the verdict
// of a rebuild, a second answer that is never merged with this one.
package audit
