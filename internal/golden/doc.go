// Package golden compares what code makes with files that a person has read.
//
// A case is one txtar file: inputs, and below them the outputs as they were when somebody last looked. Run the tests
// with -update to write the outputs anew, and read the difference before it is committed.
package golden
