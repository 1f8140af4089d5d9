// Package compressed opens compressed streams inside files for a comparison,
// and names the encoder whose output they are when one of the known encoders
// gives exactly these bytes.
//
// It does not guess an encoder from a header, and what no known encoder gives
// stays unexplained.
package compressed
