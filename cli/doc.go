// Package cli is the hotpod command: nouns and verbs as Fission's users know them (environment, function,
// httptrigger, package, archive), names also as plain arguments, kubectl's meaning of -n, -A, -o, -l, -w, -f.
//
// Results go to standard output, progress and hints to standard error. Exit codes (docs/cli.md): 0 done, 1 error, 2
// wrong usage, 3 not found, 4 timed out. Errors name the cause and, where one exists, the next command (Error.Try).
//
// Files: one per noun; object.go and wait.go hold what all nouns do alike, output.go prints. Applications in files are
// spec*.go, the loop of a developer is dev.go with watch.go.
package cli
