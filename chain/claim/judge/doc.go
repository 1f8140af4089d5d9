// Package judge says what the claims about the stages of a chain establish: a
// verdict per stage, where disputes begin, what they taint, and which rebuild
// would settle most.
//
// It judges values that it is handed. It collects and verifies no claim, reads
// no clock and no file, and derives no digest from bytes: where that could settle
// something it asks a Question, and takes Answers. A claim that is not verified
// counts for nothing; a verified one that disagrees is never outvoted.
package judge
