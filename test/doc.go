// Package test holds the stories of the whole system: scripts that use the hotpod command, kubectl and HTTP
// against an embedded platform with real Envoy, a real API server and real runtimes.
//
// Each file of testdata is one story, in the language of testscript plus the commands of commands_test.go. A
// story has a namespace of its own; its routes begin with its own name, so stories can share one platform.
package test
