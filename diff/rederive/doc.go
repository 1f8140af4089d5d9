// Package rederive answers what was done to an image between two digests: it
// writes an image again as the known builders, daemons, registries and copying
// tools write it, until the wanted digest comes out. That is a proof, since the
// bytes were made and hashed.
//
// It only changes what is around the content: compression, media types,
// annotations, the spelling of JSON, indexes. Where content differs it finds
// nothing, and says how much it tried. It never calls two digests equal, and it
// reads nothing but the images that it is given.
package rederive
