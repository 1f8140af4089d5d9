// Package publish puts signed claims where others find them, and finds theirs:
// in repositories of registries, in directories and in the store.
//
// It makes and judges no claim and knows no party. What lists, tags and
// annotations say of a bundle is not believed: they lead to bytes, and package
// statement says what those are worth. What could not be read is reported as
// unread, so that nobody takes it for nothing.
package publish
