// Package diff compares images, archives, directories and files, and yields a
// tree that says where they part, what differs, and which bytes nothing
// explains.
//
// It never says "same" of what it did not read: the zero Status is NotChecked,
// and a node is Same only when all that is below it was read and is equal.
// It does not decide what a difference means for a stage; package rebuild does.
//
// # How to add a format
//
// Write one file that registers a Format from its init function, in a package
// that package formats imports; tar.go here and the files of packages archive,
// compressed and structured are examples. What there is to decide:
//
//   - Match looks at the first bytes (Input.Head), or at the name, and is asked
//     for each side alone. A format that is a special case of another one, as a
//     Debian package is of an ar archive, is Special: it is asked before; one that
//     fits almost anything is Weak: it is asked last. Text says that its content
//     is shown line by line.
//   - Compare takes both sides apart: into ranges (Examiner.Parts, or Part where
//     pairing by name is not enough), into members (Examiner.Streams), or into
//     something decoded (Examiner.Keep and Examiner.Pair). Each of them accounts
//     for every byte it is given, and hands what it finds to the other formats;
//     what none of these is given, Compare owes to UnexplainedA and UnexplainedB.
//     A Part with a Compare of its own can go on with Examiner.Text or Binary.
//   - A Reason has a Cause only where its format knows why. It is Proved when
//     undoing exactly that on both sides makes the bytes equal: a field of a
//     header, when all other fields are compared one by one. It is Derived when
//     the value was checked, on both sides, against what it follows from. What is
//     only probable is Likely, and explains nothing. The rules of package cause
//     look at whatever is left.
//   - What is not of the format, or too broken, or too large for it is refused
//     with ErrFormat: the bytes are then compared otherwise, and a note says why.
//     A bound that leaves something unseen wraps ErrLimit. Whatever the input says
//     of sizes, counts and depths is bounded before it is believed.
//   - What breaks off is compared as far as it goes: a format that is Partial reads
//     with Input.Through and Examiner.KeepUpTo, and leaves a node that is capped.
//   - A format that holds files says how they are had for a comparison with a
//     directory, an image or another archive: Inner gives what it is wrapped around,
//     Unpack the files as a tar archive, and what the format has no place for.
//   - Its tests hold it to three things: real tools' output is taken apart, a
//     broken input is refused with a note and keeps its residue, and a fuzz target
//     finds no input that panics, nor one that is explained without a cause.
package diff
