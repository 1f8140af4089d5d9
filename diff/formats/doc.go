// Package formats links every format that a comparison looks into, by importing
// the packages that register them.
//
// It holds no code of its own.
package formats
