// Package structured compares files that hold a tree of values by their
// structure: JSON, TOML, YAML and XML, Python's bytecode, gettext's messages. It
// says which path changed from what to what, what was only written in another
// order, and what was only laid out otherwise.
//
// A document is taken apart into pieces that together are all of its bytes, and
// pieces are paired by path. So structure only names and pairs; what is equal is
// decided by bytes. Numbers and strings stay as they are written: 1.0 is not 1.
// Another layout is explained only where writing the document again, in a style
// that is known, gives exactly its bytes. The package knows nothing of schemas.
package structured
