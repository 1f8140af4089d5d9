// Package claim defines who says what a stage's digest is: claims of every kind
// in one form, the states of their verification, and the verdicts that a stage
// can have.
//
// It gives no verdict (package judge below it does), opens no connection, reads no
// registry and no key, and
// does not derive a digest from bytes.
package claim
