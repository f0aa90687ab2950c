// Package contract checks runtimes against the environment contract: the load calls of versions 1 and 2 (3 has
// the same wire), the life of a runtime process, and how requests reach a function.
//
// A language is a folder beside this one with an image.yaml, and a folder of that name in testdata with the same
// functions as the others; a contract.yaml there says where the language differs. Each check starts the runtime
// as image.yaml says, as a real process. The checks are run by this package's tests for every language here, and
// by the command "hotpod environment test" for any other.
package contract
