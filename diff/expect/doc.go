// Package expect reads files of permitted differences and says which of a
// tree's differences they permit.
//
// It hides nothing and makes nothing the same: a permitted difference stays a
// difference, shown with who permits it, why and until when. An entry that has
// expired permits nothing.
package expect
