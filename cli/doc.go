// Package cli is the hotpod command: nouns and verbs as Fission's users know them (environment, function,
// httptrigger, package, archive), names also as plain arguments, kubectl's meaning of -n, -A, -o, -l, -w, -f.
//
// Results go to standard output, progress and hints to standard error. Exit codes: 0 done, 1 error, 2 wrong
// usage, 3 not found, 4 timed out. Errors name the cause and, where one exists, the next command (Error.Try).
//
// Files: one per noun; object.go holds what all nouns do alike (get, list, delete, watch), output.go prints.
package cli
