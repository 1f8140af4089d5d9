// Package incident stages incidents: it builds what their parties built, signs
// and publishes what they say, and keeps all of it in a directory, where any
// verb can look at it.
//
// The builds are real, or, where no engine can run, a recording of real ones.
// The parties are played: their keys and claims are made here, and what they say
// of their machines is staged, which their statements admit. It judges nothing
// and compares nothing: what an incident comes to is found out from its
// directory like from anyone else's evidence.
//
// When a tree that incidents build changes, the recording has to be made again:
//
//	stagescope demo --record rebuild/incident/recording.tar.zst
package incident
