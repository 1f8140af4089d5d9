// Package system compares the files in which a system keeps what it knows of
// itself: the loader's cache and what ldconfig remembers, caches of fonts, Java's
// keystores, SQLite's databases.
//
// Each is read into what it says, which is what is compared and shown. What it says
// of the machine and the moment, such as inodes and times, is a field with a cause.
// Where something lies in the file says nothing as long as all that refers to it
// leads to the same on both sides, and bytes that nothing refers to stay residue.
package system
