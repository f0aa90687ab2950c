// Package wire is what the parts say to one another: the messages of the control calls and streams, the names
// of headers, labels and ports, and the error body that clients see.
//
// It imports nothing but the standard library, so that the sidecars that use it stay small. Messages are JSON;
// durations travel as whole milliseconds. A reader ignores fields that it does not know.
package wire
